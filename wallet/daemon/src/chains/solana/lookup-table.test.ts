import { type Address, getAddressEncoder, getProgramDerivedAddress } from '@solana/addresses'
import { createSolanaRpc } from '@solana/kit'
import {
  appendTransactionMessageInstructions,
  compileTransactionMessage,
  compressTransactionMessageUsingAddressLookupTables,
  createTransactionMessage,
  getCompiledTransactionMessageEncoder,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/transaction-messages'
import type { TransactionRequest } from '@waiaas/core'
import { startSolanaNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChainAdapter, Draft } from '../chain-adapter.ts'
import { included, paid, send } from '../conformance-steps.fixture.ts'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { sealEnvelope } from './envelope.ts'
import { transferInstruction } from './message.ts'
import { LOOKUP_TABLE_PROGRAM, MEMO_PROGRAM, SYSTEM_PROGRAM } from './programs.ts'

const node = await startSolanaNode({ slotMs: 50 })
const adapter: ChainAdapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
const rpc = createSolanaRpc(node.rpcUrl)
const key = newSolanaKey()
const wallet = key.account.address as Address
const to = newSolanaKey().account.address as Address

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 10n)
  await node.control.fund(to, 10n ** 9n)
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

async function drafted(request: TransactionRequest): Promise<Draft> {
  const result = await adapter.draft(request, key.account)
  if (!result.ok) throw new Error(result.message)
  return { ...result.draft, plan: JSON.parse(JSON.stringify(result.draft.plan)) }
}

const toTable = (table: string, data: Buffer): TransactionRequest => ({
  type: 'CONTRACT_CALL',
  programId: LOOKUP_TABLE_PROGRAM,
  instructionData: data.toString('base64'),
  accounts: [
    { pubkey: table, isSigner: false, isWritable: true },
    { pubkey: wallet, isSigner: true, isWritable: false },
    { pubkey: wallet, isSigner: true, isWritable: true },
    { pubkey: SYSTEM_PROGRAM, isSigner: false, isWritable: false },
  ],
})

/** A table on the chain, made by calls of its program as any other. */
async function createTable(addresses: readonly Address[]): Promise<Address> {
  const slot = await rpc.getSlot({ commitment: 'confirmed' }).send()
  const recent = Buffer.alloc(8)
  recent.writeBigUInt64LE(slot - 1n)
  const [table, bump] = await getProgramDerivedAddress({
    programAddress: LOOKUP_TABLE_PROGRAM,
    seeds: [getAddressEncoder().encode(wallet), recent],
  })
  await paid(
    adapter,
    key,
    await drafted(toTable(table, Buffer.concat([Buffer.from([0, 0, 0, 0]), recent, Buffer.of(bump)]))),
  )
  const head = Buffer.alloc(12)
  head.writeUInt32LE(2, 0)
  head.writeBigUInt64LE(BigInt(addresses.length), 4)
  const entries = addresses.map((address) => Buffer.from(getAddressEncoder().encode(address)))
  await paid(adapter, key, await drafted(toTable(table, Buffer.concat([head, ...entries]))))
  await node.control.mine(1)
  return table
}

test('a transaction with a lookup table is read through it, judged, signed and accepted', async () => {
  const table = await createTable([newSolanaKey().account.address as Address, to])
  const { value } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send()
  const payer = setTransactionMessageFeePayer(wallet, createTransactionMessage({ version: 0 }))
  const timed = setTransactionMessageLifetimeUsingBlockhash(value, payer)
  const full = appendTransactionMessageInstructions([transferInstruction(wallet, to, 5_000n)], timed)
  const tables = { [table]: [newSolanaKey().account.address as Address, to] }
  const compiled = compileTransactionMessage(compressTransactionMessageUsingAddressLookupTables(full, tables))
  expect(compiled).toMatchObject({ addressTableLookups: [{ lookupTableAddress: table, writableIndexes: [1] }] })
  const message = getCompiledTransactionMessageEncoder().encode(compiled) as Uint8Array
  const text = Buffer.from(sealEnvelope({ message, signatures: [new Uint8Array(64)] })).toString('base64')
  const judged = await adapter.draftOutside(text, key.account)
  if (!judged.ok) throw new Error(judged.message)
  expect(judged.draft.effects).toMatchObject([{ kind: 'spend', amount: 5_000n, to }])
  const built = await adapter.signable(judged.draft, key.account, null)
  if (!built.ok) throw new Error(built.message)
  const attempt = { ...built.signable.finish(key.sign(built.signable.bytes)), from: wallet }
  expect(await send(adapter, attempt)).toEqual({ kind: 'accepted' })
  expect((await included(adapter, attempt)).result.succeeded).toBe(true)
  expect(await adapter.balance(to)).toEqual({ ok: true, amount: 10n ** 9n + 5_000n })
})

test('a transaction whose table is not on the chain is refused', async () => {
  const table = newSolanaKey().account.address as Address
  const { value } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send()
  const payer = setTransactionMessageFeePayer(wallet, createTransactionMessage({ version: 0 }))
  const timed = setTransactionMessageLifetimeUsingBlockhash(value, payer)
  const full = appendTransactionMessageInstructions([transferInstruction(wallet, to, 5_000n)], timed)
  const compiled = compileTransactionMessage(
    compressTransactionMessageUsingAddressLookupTables(full, { [table]: [to] }),
  )
  const message = getCompiledTransactionMessageEncoder().encode(compiled) as Uint8Array
  const text = Buffer.from(sealEnvelope({ message, signatures: [new Uint8Array(64)] })).toString('base64')
  expect(await adapter.draftOutside(text, key.account)).toMatchObject({ ok: false, code: 'INVALID_TRANSACTION' })
})

test('a call that only writes a memo is a call of the memo program, in a call and in a transaction made elsewhere', async () => {
  const memo = Buffer.from('hello').toString('base64')
  const draft = await drafted({ type: 'CONTRACT_CALL', programId: MEMO_PROGRAM, instructionData: memo, accounts: [] })
  const effects = [{ kind: 'call', target: MEMO_PROGRAM, selector: '0x68656c6c6f' }]
  expect(draft).toMatchObject({ effects, amount: 0n, to: MEMO_PROGRAM })
  expect(draft.maxFee).toBeGreaterThan(0n)
  expect(await paid(adapter, key, draft)).toBeGreaterThan(0n)
})
