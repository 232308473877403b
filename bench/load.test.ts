import { expect, test } from 'vitest'
import { throughput, within } from './load.ts'
import { allConfirmed } from './wallet/all-confirmed.ts'

const never = () => new Promise<never>(() => {})

test('a wait that does not end fails with what it waited for, and stops waiting', async () => {
  let aborted = false
  const stuck = within(
    5,
    () => 'the receipt of 0x12',
    (signal) => {
      signal.addEventListener('abort', () => (aborted = true))
      return never()
    },
  )
  await expect(stuck).rejects.toThrow('gave up after 0.005 s, waiting for the receipt of 0x12')
  expect(aborted).toBe(true)
  await expect(within(5, () => Promise.reject(new Error('node is gone')), never)).rejects.toThrow('node is gone')
  expect(await within(60_000, never, async () => 'in time')).toBe('in time')
})

test('payments that stay open are named with status and notice; a failed one is not waited for', async () => {
  const client = (payment: object) => ({ listTransactions: async () => ({ items: [payment] }) }) as never
  const waiting = { id: 'p1', status: 'SUBMITTED', hash: '0xab', notice: { code: 'NOT_SEEN' } }
  await expect(allConfirmed(client(waiting), 5)).rejects.toThrow(/1 payments:\n {2}p1 SUBMITTED 0xab .*NOT_SEEN/)
  const failed = { id: 'p2', status: 'FAILED', error: { code: 'REVERTED', message: 'no' } }
  await expect(allConfirmed(client(failed), 60_000)).rejects.toThrow(/1 payments failed:\n {2}p2 FAILED .*REVERTED/)
  await allConfirmed(client({ id: 'p3', status: 'CONFIRMED' }), 60_000)
})

test('after the first fault no further call begins', async () => {
  let begun = 0
  const failing = throughput(1_000, 2, async (index) => {
    begun++
    if (index === 3) throw new Error('refused')
  })
  await expect(failing).rejects.toThrow('refused')
  expect(begun).toBeLessThan(10)
})
