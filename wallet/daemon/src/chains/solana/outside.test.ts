import { verify } from 'node:crypto'
import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import { createSolanaRpc } from '@solana/kit'
import { startSolanaNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { openEnvelope } from './envelope.ts'
import { memoInstruction, transferInstruction } from './message.ts'
import { type Compiled, compileOutside, sealOutside } from './outside-message.fixture.ts'
import { COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM } from './programs.ts'

const node = await startSolanaNode({ slotMs: 50 })
const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
const [key, facilitator] = [newSolanaKey(), newSolanaKey()]
const wallet = key.account.address
const to = newSolanaKey().account.address

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 9n)
  await node.control.fund(facilitator.account.address, 10n ** 9n)
  await node.control.fund(to, 10n ** 9n)
  // The blockhash that every transaction here has stays good.
  await node.control.pauseMining()
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

const rpc = createSolanaRpc(node.rpcUrl)
const { value: lifetime } = await rpc.getLatestBlockhash({ commitment: 'confirmed' }).send()

/** An unsigned transaction as a wallet library makes it. */
const outside = (version: 'legacy' | 0 | 1, payer: string, instructions: Instruction[]) =>
  sealOutside(compileOutside(version, payer, instructions, lifetime.blockhash))

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

/** As bytes that wallet libraries do not make. */
const changed = (version: 'legacy' | 0 | 1, change: (message: Compiled) => object) => {
  const compiled = compileOutside(version, wallet, [pay(7n)], lifetime.blockhash)
  return sealOutside({ ...compiled, ...change(compiled) } as Compiled)
}
const header = (change: object) => (message: Compiled) => ({ header: { ...message.header, ...change } })
const instruction = (change: object) => (message: Compiled) =>
  message.version === 1
    ? { instructionHeaders: [{ ...message.instructionHeaders[0], ...change }] }
    : { instructions: [{ ...message.instructions[0], ...change }] }
const twice = ({ staticAccounts }: Compiled) => ({ staticAccounts: staticAccounts.with(1, staticAccounts[0]!) })
const lookups = (writable: number, readonly: number) => () => ({
  addressTableLookups: [
    {
      lookupTableAddress: to as Address,
      writableIndexes: Array.from({ length: writable }, (_, index) => index),
      readonlyIndexes: Array.from({ length: readonly }, (_, index) => index),
    },
  ],
})
const config =
  (configMask: number, ...configValues: object[]) =>
  () => ({ configMask, configValues })

test.each<[string, string, 'legacy' | 0 | 1, (message: Compiled) => object]>([
  ['nobody pays', 'can pay', 'legacy', header({ numReadonlySignerAccounts: 1 })],
  ['nobody pays', 'can pay', 0, header({ numReadonlySignerAccounts: 1 })],
  ['nobody pays', 'can pay', 1, header({ numReadonlySignerAccounts: 1 })],
  ['its header is wrong', 'header', 0, header({ numReadonlyNonSignerAccounts: 3 })],
  ['the payer is called', 'pays its fee', 'legacy', instruction({ programAddressIndex: 0 })],
  ['the payer is called', 'pays its fee', 0, instruction({ programAddressIndex: 0 })],
  ['the payer is called', 'pays its fee', 1, instruction({ programAccountIndex: 0 })],
  ['a program is missing', 'not among', 0, instruction({ programAddressIndex: 9 })],
  ['a program is missing', 'not among', 1, instruction({ programAccountIndex: 9 })],
  ['an account is missing', 'has not', 'legacy', instruction({ accountIndices: [0, 9] })],
  ['an account is there twice', 'twice', 'legacy', twice],
  ['an account is there twice', 'twice', 0, twice],
  ['an account is there twice', 'twice', 1, twice],
  ['a table loads nothing', 'loads nothing', 0, lookups(0, 0)],
  ['it names too many accounts', 'more than 256', 0, lookups(200, 100)],
  [
    'a program is out of a table',
    'not among',
    0,
    (message) => ({ ...lookups(9, 0)(), ...instruction({ programAddressIndex: 5 })(message) }),
  ],
  ['it is too long', '1232', 'legacy', instruction({ data: new Uint8Array(1_200) })],
  ['its mask has an unknown bit', 'not known', 1, config(0b100000)],
  ['its mask has the highest bit', 'not known', 1, config(0x80000000)],
  ['its heap is odd', 'heap', 1, config(0b10000, { kind: 'u32', value: 40_000 })],
  ['its heap is huge', 'heap', 1, config(0b10000, { kind: 'u32', value: 1_048_576 })],
])('where %s (%s), no node is asked about a message of version %s', async (_, why, version, change) => {
  const nowhere = testAdapters([{ network: 'solana-local', rpcUrls: ['http://127.0.0.1:9'] }])[0]!
  const result = await nowhere.draftOutside(changed(version, change), key.account)
  await nowhere.close()
  expect(result).toMatchObject({ ok: false, code: 'INVALID_TRANSACTION', message: expect.stringContaining(why) })
})

test('half a priority fee is none', async () => {
  const bytes = Buffer.from(outside(1, wallet, [pay(7n)]), 'base64')
  for (const half of [1, 2]) {
    bytes.writeUInt32LE(half, 4)
    expect(await judge(bytes.toString('base64'))).toMatchObject({ code: 'INVALID_TRANSACTION' })
  }
})

const budget = (...data: number[]): Instruction => ({
  programAddress: COMPUTE_BUDGET_PROGRAM,
  data: Uint8Array.from(data),
})
/** One micro-lamport for each of 1,000,000 units is a lamport. */
const units = budget(2, 0x40, 0x42, 0x0f, 0)
const price = (...rest: number[]) => budget(3, 0, 0, 0, 0, 1, 0, 0, 0, ...rest)
const PRICED = 2n ** 32n + 5_000n

test.each<[string, Instruction[], bigint]>([
  ['price and limit', [units, price()], PRICED],
  ['a price with bytes behind', [units, price(9, 9)], PRICED],
  ['a limit with bytes behind', [budget(2, 0x40, 0x42, 0x0f, 0, 7), price()], PRICED],
  ['a limit above what there is', [budget(2, 255, 255, 255, 255), price()], ((PRICED - 5_000n) * 14n) / 10n + 5_001n],
  [
    'no limit: three built-in instructions',
    [price(), budget(1, 0, 128, 0, 0)],
    (2n ** 32n * 9n + 999n) / 1_000n + 5_000n,
  ],
  ['no price', [units], 5_000n],
])('the fee of %s is what the chain takes', async (_, instructions, fee) => {
  await node.control.fund(wallet, 10n ** 11n)
  await node.control.mine(1)
  const draft = await judge(outside(0, wallet, [...instructions, pay(7n)]))
  // A price that nobody pays stands far above the usual fee.
  expect(draft).toMatchObject({ effects: [spend], maxFee: fee })
  expect((draft as { marketFee: bigint }).marketFee).toBeLessThan(100_000n)
})

test.each<[string, Instruction[]]>([
  ['two prices', [price(), price()]],
  ['two limits', [units, units]],
  ['a price that is cut', [budget(3, 1, 0, 0, 0)]],
  ['a limit that is cut', [budget(2, 1, 0, 0)]],
  ['the retired RequestUnits', [budget(0, 1, 0, 0, 0, 1, 0, 0, 0)]],
  ['an unknown kind', [budget(5, 1, 0, 0, 0)]],
  ['a heap that is not given', [budget(1, 1, 0, 0, 0)]],
  ['nothing', [budget()]],
])('a compute budget of %s is refused, as every validator does', async (_, instructions) => {
  const result = await judge(outside(0, wallet, [...instructions, pay(7n)]))
  expect(result).toMatchObject({ ok: false, code: 'INVALID_TRANSACTION' })
})

test('the priority fee of version 1 is in the message, and instructions for it do nothing', async () => {
  const compiled = compileOutside(1, wallet, [price(), price(), pay(7n)], lifetime.blockhash)
  const values = [
    { kind: 'u64', value: 70n },
    { kind: 'u32', value: 500 },
  ]
  const transaction = sealOutside({ ...compiled, configMask: 0b111, configValues: values } as Compiled)
  expect(await judge(transaction)).toMatchObject({ maxFee: 5_070n, marketFee: 5_025n })
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
