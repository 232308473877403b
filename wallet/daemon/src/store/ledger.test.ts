import { openDatabase } from '@openpista/common'
import type { Asset } from '@waiaas/core'
import fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { addFillFee, commit, countOf, release, reserve, reserveAgain, spentUnder, spentUsd } from './ledger.ts'
import { migrations, type Tables } from './tables.ts'

const eth: Asset = { network: 'evm-local', symbol: 'ETH', decimals: 18 }
const base: Asset = { network: 'base-sepolia', symbol: 'ETH', decimals: 18 }
const NOW = 1_800_000_000
const MAX = (1n << 256n) - 1n

async function openLedger() {
  const db = await openDatabase<Tables>({ path: ':memory:', migrations, synchronous: 'NORMAL' })
  await sql`PRAGMA foreign_keys = OFF`.execute(db.kysely)
  const book = (id: string, at: number, amount: bigint, asset = eth, usdMicros?: bigint) =>
    reserve(db.kysely, { transactionId: id, agentId: 'me', sessionId: null, at }, [
      { kind: 'spend', asset, amount, usdMicros },
    ])
  return { db, book }
}

test('what was paid counts until it is older than the window, to the second', async () => {
  const { db, book } = await openLedger()
  await book('a', NOW - 500, 7n)
  await commit(db.kysely, 'a', { fee: 0n, spent: true, at: NOW })
  const spentAt = (now: number) => spentUnder(db.kysely, 'me', 'native', now - 3600)
  expect(await Promise.all([0, 3599, 3600, 3601].map((age) => spentAt(NOW + age)))).toEqual([7n, 7n, 7n, 0n])
  expect(await spentAt(NOW - 86_400)).toBe(7n)
  await db.close()
})

test('what is reserved counts whatever its age, and what is paid from when it was', async () => {
  const { db, book } = await openLedger()
  await book('a', NOW, 7n)
  const late = NOW + 86_340
  expect(await spentUnder(db.kysely, 'me', 'native', late)).toBe(7n)
  expect(await countOf(db.kysely, 'me', late)).toBe(1n)
  expect(await spentUnder(db.kysely, 'you', 'native', late)).toBe(0n)
  await commit(db.kysely, 'a', { fee: 0n, spent: true, at: NOW + 86_400 })
  expect(await spentUnder(db.kysely, 'me', 'native', late)).toBe(7n)
  expect(await spentUnder(db.kysely, 'me', 'native', late + 61)).toBe(0n)
  expect(await countOf(db.kysely, 'me', late + 61)).toBe(0n)
  await reserveAgain(db.kysely, 'a', 0n)
  expect(await spentUnder(db.kysely, 'me', 'native', late + 61)).toBe(7n)
  await db.close()
})

test('keys reach from one coin to all of its family', async () => {
  const { db, book } = await openLedger()
  await book('a', NOW, 1n)
  await book('b', NOW, MAX, base, 5n)
  const from = NOW - 1
  expect(await spentUnder(db.kysely, 'me', 'evm-local/native', from)).toBe(1n)
  expect(await spentUnder(db.kysely, 'me', 'native:evm', from)).toBe(MAX + 1n)
  expect(await spentUnder(db.kysely, 'me', 'native:solana', from)).toBe(0n)
  expect(await spentUnder(db.kysely, 'you', 'native', from)).toBe(0n)
  expect(await spentUsd(db.kysely, 'me', from)).toBe(5n)
  await db.close()
})

test('release gives everything back, a failed payment only its amount, and the fee becomes what was paid', async () => {
  const { db } = await openLedger()
  const from = NOW - 60
  for (const id of ['a', 'b', 'c']) {
    await reserve(db.kysely, { transactionId: id, agentId: 'me', sessionId: null, at: NOW }, [
      { kind: 'spend', asset: eth, amount: 100n, usdMicros: 100n },
      { kind: 'fee', asset: eth, amount: 10n, usdMicros: 11n },
    ])
  }
  await release(db.kysely, 'a')
  await release(db.kysely, 'a')
  await commit(db.kysely, 'b', { fee: 4n, spent: true, at: NOW })
  await commit(db.kysely, 'c', { fee: 10n, spent: false, at: NOW })
  expect(await spentUnder(db.kysely, 'me', 'native', from)).toBe(104n + 10n)
  expect(await spentUsd(db.kysely, 'me', from)).toBe(105n + 11n)
  expect(await countOf(db.kysely, 'me', from)).toBe(2n)
  await db.close()
})

test('the fee of a closed gap counts whatever becomes of its transaction', async () => {
  const { db, book } = await openLedger()
  await book('a', NOW, 100n)
  await addFillFee(db.kysely, { transactionId: 'a', agentId: 'me', at: NOW }, eth, 3n)
  await release(db.kysely, 'a')
  expect(await spentUnder(db.kysely, 'me', 'native', NOW - 60)).toBe(3n)
  expect(await countOf(db.kysely, 'me', NOW - 60)).toBe(0n)
  await db.close()
})

test('the sums of any window are the sums of its entries', async () => {
  const end = fc.constantFrom('gone', 'paid', 'reserved')
  const entry = fc.record({ at: fc.integer({ min: 0, max: 20_000 }), amount: fc.bigInt(0n, MAX), end })
  await fc.assert(
    fc.asyncProperty(
      fc.array(entry, { maxLength: 12 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 0, max: 20_000 }),
      async (entries, seconds, now) => {
        const { db, book } = await openLedger()
        for (const [index, { at, amount, end }] of entries.entries()) {
          await book(`t${index}`, NOW + at, amount)
          if (end === 'gone') await release(db.kysely, `t${index}`)
          if (end === 'paid') await commit(db.kysely, `t${index}`, { fee: 0n, spent: true, at: NOW + at })
        }
        const live = entries.filter(({ at, end }) => end === 'reserved' || (end === 'paid' && at >= now - seconds))
        const from = NOW + now - seconds
        const sum = live.reduce((total, { amount }) => total + amount, 0n)
        expect(await spentUnder(db.kysely, 'me', 'native', from)).toBe(sum)
        expect(await countOf(db.kysely, 'me', from)).toBe(BigInt(live.length))
        await db.close()
      },
    ),
    { numRuns: 60 },
  )
})
