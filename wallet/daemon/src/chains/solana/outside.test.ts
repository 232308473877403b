import { verify } from 'node:crypto'
import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import type { Blockhash } from '@solana/rpc-types'
import {
  appendTransactionMessageInstructions,
  compileTransactionMessage,
  createTransactionMessage,
  getCompiledTransactionMessageEncoder,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/transaction-messages'
import { startSolanaNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { openEnvelope, sealEnvelope } from './envelope.ts'
import { memoInstruction, transferInstruction } from './message.ts'
import { SYSTEM_PROGRAM } from './programs.ts'

const node = await startSolanaNode({ slotMs: 50 })
const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
const [key, facilitator] = [newSolanaKey(), newSolanaKey()]
const wallet = key.account.address
const to = newSolanaKey().account.address

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 9n)
  await node.control.fund(facilitator.account.address, 10n ** 9n)
  await node.control.fund(to, 10n ** 9n)
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

const lifetime = { blockhash: base58.encode(new Uint8Array(32).fill(9)) as Blockhash, lastValidBlockHeight: 1n }

/** An unsigned transaction as a wallet library makes it. */
function outside(version: 'legacy' | 0 | 1, payer: string, instructions: Instruction[]): string {
  const empty = createTransactionMessage({ version: version as 0 })
  const paid = setTransactionMessageFeePayer(payer as Address, empty)
  const timed = setTransactionMessageLifetimeUsingBlockhash(lifetime, paid)
  const compiled = compileTransactionMessage(appendTransactionMessageInstructions(instructions, timed))
  const message = getCompiledTransactionMessageEncoder().encode(compiled) as Uint8Array
  const signatures = Array.from({ length: compiled.header.numSignerAccounts }, () => new Uint8Array(64))
  return Buffer.from(sealEnvelope({ message, signatures })).toString('base64')
}

async function judge(transaction: string) {
  const result = await adapter.draftOutside(transaction, key.account)
  return result.ok ? result.draft : result
}

const pay = (amount: bigint) => transferInstruction(wallet, to, amount)
const spend = { kind: 'spend', amount: 7n, to }
const system = (data: Uint8Array, accounts: string[]): Instruction => ({
  programAddress: SYSTEM_PROGRAM,
  accounts: accounts.map((address) => ({ address: address as Address, role: AccountRole.WRITABLE_SIGNER })),
  data,
})

test.each(['legacy', 0] as const)('a transaction of version %s is judged and signed as it is', async (version) => {
  const transaction = outside(version, wallet, [pay(7n), memoInstruction('x')])
  const draft = await judge(transaction)
  expect(draft).toMatchObject({ effects: [spend], maxFee: 5_000n, amount: 7n, to })
  if (!('effects' in draft)) throw new Error(draft.message)
  const result = await adapter.signable(draft, key.account, null)
  if (!result.ok) throw new Error(result.message)
  const signed = result.signable.finish(key.sign(result.signable.bytes))
  const before = openEnvelope(Buffer.from(transaction, 'base64'))!
  const after = openEnvelope(signed.raw)!
  expect(Buffer.from(after.message)).toEqual(Buffer.from(before.message))
  expect(base58.encode(after.signatures[0]!)).toBe(signed.hash)
  expect(isSignedBy(wallet, after.message, after.signatures[0]!)).toBe(true)
})

test('version 1 is read; where the node cannot try it, that is said', async () => {
  const draft = await judge(outside(1, wallet, [pay(7n)]))
  expect(draft).toMatchObject({ effects: [spend, { kind: 'opaque', why: expect.stringContaining('cannot try') }] })
})

test('another may pay the fee, and keeps the place for its signature', async () => {
  const payer = facilitator.account.address
  const draft = await judge(outside(0, payer, [pay(7n)]))
  expect(draft).toMatchObject({ effects: [spend], maxFee: 0n })
  if (!('effects' in draft)) throw new Error(draft.message)
  const result = await adapter.signable(draft, key.account, null)
  if (!result.ok) throw new Error(result.message)
  const { signatures, message } = openEnvelope(result.signable.finish(key.sign(result.signable.bytes)).raw)!
  expect([...signatures[0]!].every((byte) => byte === 0)).toBe(true)
  expect(isSignedBy(wallet, message, signatures[1]!)).toBe(true)
})

test('what hands over control is opaque', async () => {
  const assign = Buffer.concat([Buffer.of(1, 0, 0, 0), Buffer.alloc(32, 7)])
  const draft = await judge(outside(0, facilitator.account.address, [system(assign, [wallet])]))
  expect(draft).toMatchObject({
    effects: [
      { kind: 'opaque', why: expect.stringContaining('Assign') },
      { kind: 'opaque', why: expect.stringContaining('wallet itself') },
    ],
  })
})

test.each([
  ['that others sign', () => outside(0, to, [transferInstruction(to, wallet, 1n)]), 'WALLET_NOT_SIGNER'],
  ['that would fail', () => outside(0, wallet, [pay(10n ** 10n)]), 'SIMULATION_FAILED'],
  ['of no bytes', () => '', 'INVALID_TRANSACTION'],
  ['of other text', () => 'not base64!', 'INVALID_TRANSACTION'],
  ['that is cut', () => outside(0, wallet, [pay(7n)]).slice(0, -8), 'INVALID_TRANSACTION'],
  ['of version 5', () => versioned(5), 'UNSUPPORTED_TX_TYPE'],
])('a transaction %s is refused', async (_, make, code) => {
  expect(await judge(make())).toMatchObject({ ok: false, code })
})

function versioned(version: number): string {
  const bytes = Buffer.from(outside(0, wallet, [pay(7n)]), 'base64')
  bytes[65] = 0x80 + version
  return bytes.toString('base64')
}

function isSignedBy(address: string, message: Uint8Array, signature: Uint8Array): boolean {
  const x = Buffer.from(base58.decode(address)).toString('base64url')
  return verify(null, message, { key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }, signature)
}
