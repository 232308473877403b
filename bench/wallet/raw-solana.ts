import { generateKeyPairSync, sign } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { base58 } from '@scure/base'
import type { SolanaNode } from '@waiaas/devnet'
import { callRpc } from '../../scripts/demo/json-rpc.ts'
import { throughput, within } from '../load.ts'

const POLL_MILLIS = 20
/** The 150 slots of 400 ms in which a transaction can be included. */
const CONFIRMATION_PATIENCE_MILLIS = 60_000
const SYSTEM_PROGRAM = Buffer.alloc(32)

/**
 * What the chain itself takes: transfers that were signed before, `width` at once from as many accounts, each
 * waited for until it is confirmed. Confirmation comes with the next slot, so this is a limit of time, not of work.
 */
export async function rawSolanaLimit(chain: SolanaNode, count: number, width: number): Promise<number> {
  const rpc = (method: string, params: readonly unknown[]) => callRpc(chain.rpcUrl, method, params)
  const payers = Array.from({ length: width }, () => generateKeyPairSync('ed25519'))
  const addresses = payers.map(({ publicKey }) => Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'))
  for (const address of addresses) await chain.control.fund(base58.encode(address), 10n ** 12n)
  const latest = (await rpc('getLatestBlockhash', [])) as { value: { blockhash: string } }
  const blockhash = base58.decode(latest.value.blockhash)
  const raws = Array.from({ length: count }, (_, index) => {
    const [payer, from] = [payers[index % width]!, addresses[index % width]!]
    const message = transferMessage(from, addresses[(index + 1) % width]!, 1_000n + BigInt(index), blockhash)
    return Buffer.concat([Buffer.of(1), sign(null, message, payer.privateKey), message]).toString('base64')
  })
  return await throughput(count, width, async (index) => {
    const signature = await rpc('sendTransaction', [raws[index], { encoding: 'base64', skipPreflight: true }])
    const describe = async () => `a confirmation of ${signature}, which expires with its blockhash`
    await within(CONFIRMATION_PATIENCE_MILLIS, describe, async (signal) => {
      while (!signal.aborted) {
        const { value } = (await rpc('getSignatureStatuses', [[signature]])) as {
          value: ({ confirmationStatus: string } | null)[]
        }
        if (value[0] != null && value[0].confirmationStatus !== 'processed') return
        await setTimeout(POLL_MILLIS)
      }
    })
  })
}

/** A legacy message with one transfer of the system program. */
function transferMessage(from: Uint8Array, to: Uint8Array, lamports: bigint, blockhash: Uint8Array): Buffer {
  const data = Buffer.alloc(12)
  data.writeUInt32LE(2, 0)
  data.writeBigUInt64LE(lamports, 4)
  const header = Buffer.of(1, 0, 1, 3)
  const instruction = Buffer.of(1, 2, 2, 0, 1, data.length)
  return Buffer.concat([header, from, to, SYSTEM_PROGRAM, blockhash, instruction, data])
}
