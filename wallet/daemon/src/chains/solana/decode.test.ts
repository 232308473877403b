import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import {
  appendTransactionMessageInstructions,
  compileTransactionMessage,
  compressTransactionMessageUsingAddressLookupTables,
  createTransactionMessage,
  getCompiledTransactionMessageEncoder,
  setTransactionMessageFeePayer,
  setTransactionMessageLifetimeUsingBlockhash,
} from '@solana/transaction-messages'
import { networkOf } from '@waiaas/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSolana } from './decode.ts'
import { buildMessage, type Lifetime, memoInstruction, transferInstruction } from './message.ts'
import { MEMO_V1_PROGRAM, SYSTEM_PROGRAM } from './programs.ts'
import { tablesOf } from './read-message.ts'
import { prepareTransfer } from './transfer.ts'

const network = networkOf('solana-local')
const asset = { network: network.name, ...network.native }
const lifetime = { blockhash: base58.encode(new Uint8Array(32).fill(9)), lastValidBlockHeight: 1n } as Lifetime
const budget = { units: 500, unitPrice: 7n }
const addressOf = (fill: number) => base58.encode(new Uint8Array(32).fill(fill))
const [wallet, other, third] = [addressOf(1), addressOf(2), addressOf(3)] as [string, string, string]

const none = { tokenAccounts: new Map(), mints: new Map(), created: new Map(), tables: new Map() }
const facts = { network, wallet, ...none }

const anyAddress = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => base58.encode(bytes))

test('what was built reads as what was asked for', () => {
  const property = fc.property(
    anyAddress,
    anyAddress,
    fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }),
    fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })),
    fc.record({ units: fc.nat(1_400_000), unitPrice: fc.bigInt({ min: 0n, max: 10n ** 7n }) }),
    (from, to, amount, memo, anyBudget) => {
      const request = { type: 'TRANSFER', to, amount: String(amount), ...(memo === null ? {} : { memo }) } as const
      const prepared = prepareTransfer(request, network, from)
      if (!prepared.ok) throw new Error(prepared.message)
      const message = buildMessage(from, prepared.instructions, anyBudget, lifetime)
      expect(decodeSolana(message, { ...facts, wallet: from })).toEqual([{ kind: 'spend', asset, amount, to }])
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('bytes from outside never make it fail, and are opaque', () => {
  const property = fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
    expect(decodeSolana(bytes, facts)).toEqual([{ kind: 'opaque', why: expect.any(String) }])
  })
  fc.assert(property, { numRuns: 500 })
})

test('a changed message never reads as a smaller payment without being one', () => {
  const message = buildMessage(wallet, [transferInstruction(wallet, other, 5_000n)], budget, lifetime)
  const property = fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
    const changed = Uint8Array.from(message)
    changed[at]! ^= flip
    for (const effect of decodeSolana(changed, facts)) {
      if (effect.kind === 'spend')
        expect(Buffer.from(changed).includes(Buffer.from(base58.decode(effect.to)))).toBe(true)
    }
  })
  fc.assert(property, { numRuns: 500 })
})

test('reads a legacy message, with a memo of the first memo program', () => {
  const memo = { ...memoInstruction('hello'), programAddress: MEMO_V1_PROGRAM }
  const message = compile('legacy', wallet, [transferInstruction(wallet, other, 5n), memo])
  expect(decodeSolana(message, facts)).toEqual([{ kind: 'spend', asset, amount: 5n, to: other }])
})

test('a message with several payments is all of them', () => {
  const message = compile(0, wallet, [transferInstruction(wallet, other, 5n), transferInstruction(wallet, third, 6n)])
  expect(decodeSolana(message, facts)).toEqual([
    { kind: 'spend', asset, amount: 5n, to: other },
    { kind: 'spend', asset, amount: 6n, to: third },
  ])
})

const signer = (address: string) => ({ address: address as Address, role: AccountRole.WRITABLE_SIGNER })
const system = (data: number[], accounts = [signer(wallet)]): Instruction => ({
  programAddress: SYSTEM_PROGRAM,
  accounts,
  data: Uint8Array.from(data),
})

test.each([
  ['another System instruction', compile(0, wallet, [system([1, 0, 0, 0, ...new Uint8Array(32)])])],
  ['a transfer with more data than it needs', compile(0, wallet, [system([2, 0, 0, 0, ...new Uint8Array(9)])])],
  ['a second signer', compile(0, wallet, [transferInstruction(other, third, 5n)])],
  ['another payer', compile(0, other, [transferInstruction(other, third, 5n)])],
  [
    'bytes after the message',
    Buffer.concat([compile(0, wallet, [transferInstruction(wallet, other, 5n)]), Buffer.of(0)]),
  ],
])('%s is opaque', (_, message) => {
  expect(decodeSolana(message, facts)).toEqual([{ kind: 'opaque', why: expect.any(String) }])
})

test('accounts out of a lookup table are named before they are judged', () => {
  const table = addressOf(8) as Address
  const compressed = compressTransactionMessageUsingAddressLookupTables(
    unsigned(0, wallet, [transferInstruction(wallet, other, 5n)]),
    { [table]: [third as Address, other as Address] },
  )
  const message = encode(compressed)
  expect(tablesOf(message)).toEqual([table])
  const known = (addresses: string[]) => decodeSolana(message, { ...facts, tables: new Map([[table, addresses]]) })
  expect(known([third, other])).toEqual([{ kind: 'spend', asset, amount: 5n, to: other }])
  expect(known([other, third])).toEqual([{ kind: 'spend', asset, amount: 5n, to: third }])
  expect(known([third])).toEqual([{ kind: 'opaque', why: expect.stringContaining('lookup table') }])
  expect(decodeSolana(message, facts)).toEqual([{ kind: 'opaque', why: expect.stringContaining('lookup table') }])
})

function compile(version: 'legacy' | 0, payer: string, instructions: Instruction[]): Uint8Array {
  return encode(unsigned(version, payer, instructions))
}

function unsigned(version: 'legacy' | 0, payer: string, instructions: Instruction[]) {
  const empty = createTransactionMessage({ version: version as 0 })
  const paid = setTransactionMessageFeePayer(payer as Address, empty)
  const timed = setTransactionMessageLifetimeUsingBlockhash(lifetime, paid)
  return appendTransactionMessageInstructions(instructions, timed)
}

function encode(message: Parameters<typeof compileTransactionMessage>[0]): Uint8Array {
  return getCompiledTransactionMessageEncoder().encode(compileTransactionMessage(message)) as Uint8Array
}
