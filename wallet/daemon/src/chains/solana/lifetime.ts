import { base58 } from '@scure/base'
import type { Network } from '@waiaas/core'
import { z } from 'zod'
import { type Refusal, refuse } from '../payment.ts'
import type { Reader } from '../rpc-pool.ts'
import { type AccountState, type Accounts, readAccounts } from './accounts.ts'
import type { SolanaContext } from './context.ts'
import { ADVANCE_NONCE, SYSTEM_PROGRAM } from './programs.ts'
import type { ReadInstruction, ReadMessage } from './read-message.ts'
import { InContext } from './wire.ts'

const Validity = InContext(z.boolean())

/**
 * Refuses a message that can never land on this network: its blockhash is none of the last 150 there, because it
 * expired or because it is of another cluster, or its durable nonce is not what the nonce account holds.
 */
export async function checkLifetime(
  context: Pick<SolanaContext, 'rpc' | 'network'>,
  message: ReadMessage,
): Promise<Refusal | undefined> {
  const { rpc, network } = context
  const advance = nonceAdvance(message)
  if (advance !== undefined) {
    const accounts = await readAccounts(rpc, advance.accounts.slice(0, 1))
    if (!accounts.ok) return refuse('CHAIN_ERROR', accounts.failure.message)
    return nonceFault(advance, message, accounts.value, network)
  }
  // The newest blocks, and all nodes: one that is behind does not know a blockhash yet (solana-labs/solana#27045).
  const ask = (node: Reader) => node.read('isBlockhashValid', [message.lifetime, { commitment: 'processed' }], Validity)
  const first = await ask(rpc)
  if (first.ok && first.value.value) return undefined
  const known = await rpc.onEach(ask)
  if (!known.ok) return refuse('CHAIN_ERROR', known.failure.message)
  if (known.value.some(({ value }) => value)) return undefined
  const why = `The blockhash ${message.lifetime} is none of the last 150 of ${network.name}`
  return refuse(
    'CHAIN_ID_MISMATCH',
    `${why}: it has expired or belongs to another network. Build the transaction again with a fresh blockhash of ${network.name}.`,
  )
}

/** The first instruction, where it makes the lifetime a durable nonce: agave, `get_durable_nonce`. */
export function nonceAdvance({ instructions }: ReadMessage): ReadInstruction | undefined {
  const first = instructions[0]
  const isAdvance =
    first?.program === SYSTEM_PROGRAM && first.data.length >= 4 && first.data.readUInt32LE(0) === ADVANCE_NONCE
  return isAdvance ? first : undefined
}

/** Account, the sysvar of recent blockhashes, authority: solana-sdk, system-interface, `AdvanceNonceAccount`. */
function nonceFault(
  { accounts: [address, , authority] }: ReadInstruction,
  { lifetime, signers, writable }: ReadMessage,
  accounts: Accounts,
  network: Network,
): Refusal | undefined {
  const fault = (why: string) => refuse('INVALID_TRANSACTION', `The transaction uses a durable nonce, and ${why}.`)
  if (address === undefined || authority === undefined) return fault('its first instruction lacks accounts')
  if (!writable.includes(address)) return fault(`cannot write its nonce account ${address}`)
  const state = accounts.get(address)
  const nonce = state ? readNonce(state) : undefined
  if (nonce === undefined) return fault(`${address} is no nonce account on ${network.name}`)
  if (nonce.authority !== authority || !signers.includes(authority)) {
    return fault(`the authority of ${address} is ${nonce.authority}, who does not sign it`)
  }
  if (nonce.value !== lifetime) return fault(`${address} holds another value now; build it again with ${nonce.value}`)
  return undefined
}

export const NONCE_BYTES = 80
const CURRENT = 1
const INITIALIZED = 1

/** Version (legacy ones make no lifetime), state, authority, value, fee: solana-sdk, nonce/src/state.rs, versions.rs. */
function readNonce({ owner, data }: AccountState): { authority: string; value: string } | undefined {
  const bytes = Buffer.from(data)
  if (owner !== SYSTEM_PROGRAM || bytes.length !== NONCE_BYTES) return undefined
  if (bytes.readUInt32LE(0) !== CURRENT || bytes.readUInt32LE(4) !== INITIALIZED) return undefined
  return { authority: base58.encode(bytes.subarray(8, 40)), value: base58.encode(bytes.subarray(40, 72)) }
}
