import fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyAudit } from '../store/audit.ts'
import { openStore } from '../store/store.ts'
import { isSameCode, newPairingCode } from './code.ts'
import { createPairing, type Sender } from './pairing.ts'

const HOUR = 60 * 60_000

async function start(configured: Parameters<typeof createPairing>[0]['configured'] = []) {
  const store = await openStore(':memory:')
  const clock = { now: 1_000_000 }
  const pairing = createPairing({ store, now: () => clock.now, configured })
  return { store, clock, pairing, [Symbol.asyncDispose]: () => store.close() }
}

const sender = (user: string, channel = 'letters'): Sender => ({ channel, user })
const asked = (user: string, channel = 'letters') => ({ ...sender(user, channel), owner: false })

test('the configuration, the channel itself and the owner with a code say who may talk', async () => {
  await using parts = await start([{ ...sender('ann'), role: 'owner' }])
  const { pairing } = parts
  expect(await pairing.roleOf(asked('ann'))).toBe('owner')
  expect(await pairing.roleOf(asked('ann', 'other'))).toBeUndefined()
  expect(await pairing.roleOf({ ...asked('eve'), owner: true })).toBe('owner')
  expect(await pairing.roleOf(asked('eve'))).toBeUndefined()
  const code = await pairing.greet(sender('eve'))
  expect(await pairing.approve(code!.toLowerCase().replace('-', ' '), 'person')).toEqual({
    ok: true,
    sender: expect.objectContaining(sender('eve')),
  })
  expect(await pairing.roleOf(asked('eve'))).toBe('person')
  expect(await pairing.approve(code!, 'owner')).toMatchObject({ ok: false })
  expect(await pairing.list()).toMatchObject({
    waiting: [],
    known: [
      { user: 'ann', role: 'owner', from: 'configuration' },
      { user: 'eve', role: 'person', from: 'code' },
    ],
  })
  expect(await pairing.revoke(sender('ann'))).toMatchObject({ ok: false })
  expect(await pairing.revoke(sender('eve'))).toMatchObject({ ok: true })
  expect(await pairing.roleOf(asked('eve'))).toBeUndefined()
  expect(await verifyAudit(parts.store.db)).toMatchObject({ ok: true, entries: 2 })
})

test('three wait at most on each channel, for an hour', async () => {
  await using parts = await start()
  const { pairing, clock } = parts
  const codes = []
  for (const user of ['a', 'b', 'c', 'd']) codes.push(await pairing.greet(sender(user)))
  expect(codes.map((code) => typeof code)).toEqual(['string', 'string', 'string', 'undefined'])
  expect(await pairing.greet(sender('a', 'other'))).toBeTypeOf('string')
  clock.now += HOUR
  expect(await pairing.approve(codes[0]!, 'person')).toMatchObject({ ok: false })
  expect(await pairing.greet(sender('d'))).toBeTypeOf('string')
})

test('a stranger who goes on writing is told the same code now and then; one who was turned down nothing', async () => {
  await using parts = await start()
  const { pairing, clock } = parts
  const code = await pairing.greet(sender('eve'))
  expect(await pairing.greet(sender('eve'))).toBeUndefined()
  clock.now += 10 * 60_000
  expect(await pairing.greet(sender('eve'))).toBe(code)
  expect(await pairing.reject(sender('eve'))).toMatchObject({ ok: true })
  expect(await pairing.reject(sender('eve'))).toMatchObject({ ok: false })
  clock.now += 20 * 60_000
  expect(await pairing.greet(sender('eve'))).toBeUndefined()
  expect(await pairing.approve(code!, 'person')).toMatchObject({ ok: false })
  clock.now += HOUR
  const again = await pairing.greet(sender('eve'))
  expect(again).toBeTypeOf('string')
  expect(again).not.toBe(code)
})

test('codes are not guessed: after ten wrong ones the right one waits too', async () => {
  await using parts = await start()
  const { pairing, clock } = parts
  const code = await pairing.greet(sender('eve'))
  const tries = await Promise.all(Array.from({ length: 50 }, () => pairing.approve(newPairingCode(), 'person')))
  const waiting = tries.filter((outcome) => !outcome.ok && outcome.message.includes('Wait'))
  expect(waiting).toHaveLength(40)
  expect(await pairing.approve(code!, 'person')).toMatchObject({ ok: false, message: expect.stringContaining('Wait') })
  clock.now += HOUR
  const next = await pairing.greet(sender('eve'))
  expect(await pairing.approve(next!, 'person')).toMatchObject({ ok: true })
})

test('a flood of strangers leaves three rows, and writes no more', async () => {
  await using parts = await start()
  const { pairing, store } = parts
  await Promise.all(Array.from({ length: 500 }, (_, n) => pairing.greet(sender(`eve ${n}`))))
  expect(await pairing.greet(sender('x'.repeat(201), 'other'))).toBeUndefined()
  const rows = await store.db.selectFrom('pairing_requests').selectAll().execute()
  expect(rows).toHaveLength(3)
  const writing = { ...store, write: () => Promise.reject(new Error('written')) }
  const full = createPairing({ store: writing, now: () => 1_000_000, configured: [] })
  expect(await full.greet(sender('late'))).toBeUndefined()
})

test('one code lets in once, however often it is said at the same time', async () => {
  await using parts = await start()
  const { pairing } = parts
  const code = (await pairing.greet(sender('eve')))!
  const outcomes = await Promise.all([pairing.approve(code, 'person'), pairing.approve(code, 'owner')])
  expect(outcomes.filter(({ ok }) => ok)).toHaveLength(1)
  expect(await pairing.roleOf(asked('eve'))).toBe('person')
})

test('a code is eight letters that are not taken for others, and only itself', () => {
  const codes = new Set(Array.from({ length: 500 }, newPairingCode))
  expect(codes.size).toBe(500)
  for (const code of codes) expect(code).toMatch(/^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}$/)
  const [code = ''] = codes
  fc.assert(fc.property(fc.string(), (text) => text.replace(/[\s-]/g, '') === code || !isSameCode(text, code)))
  expect(isSameCode(` ${code.toLowerCase()} `, code)).toBe(true)
})
