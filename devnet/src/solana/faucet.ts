import { generateKeyPairSync, sign } from 'node:crypto'
import { addressOf, bytesOf } from './address.ts'
import { SYSTEM_PROGRAM } from './virtual-machine.ts'
import { decodeTransaction, type WireTransaction } from './wire.ts'

/** Signs airdrops: plain transfers out of an account of its own. */
export type Faucet = {
  readonly address: string
  transfer(to: string, lamports: bigint, blockhash: string): WireTransaction
}

export const FAUCET_LAMPORTS = 1_000_000_000_000_000_000n
const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111'
const BASE_UNITS = 1_000

export function createFaucet(): Faucet {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const own = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')
  let count = 0
  return {
    address: addressOf(own),
    transfer: (to, lamports, blockhash) => {
      count = (count + 1) % 1_000_000
      const message = Buffer.concat([
        Buffer.from([1, 0, 2, 4]),
        own,
        bytesOf(to),
        bytesOf(SYSTEM_PROGRAM),
        bytesOf(COMPUTE_BUDGET_PROGRAM),
        bytesOf(blockhash),
        // A limit that differs each time makes equal airdrops different transactions.
        Buffer.from([2, 3, 0, 5, 2]),
        u32(BASE_UNITS + count),
        Buffer.from([2, 2, 0, 1, 12]),
        u32(2),
        u64(lamports),
      ])
      return decodeTransaction(Buffer.concat([Buffer.from([1]), sign(null, message, privateKey), message]))
    },
  }
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

function u64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
