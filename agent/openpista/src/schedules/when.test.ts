import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextMoment } from './when.ts'

const at = (text: string) => Date.parse(text)
const iso = (moment: number | undefined) => (moment === undefined ? undefined : new Date(moment).toISOString())

test.each<[string, string, string, string | undefined]>([
  ['0 9 * * 1-5', 'Europe/Berlin', '2026-11-21T07:00:00Z', '2026-11-23T08:00:00.000Z'],
  ['*/15 * * * *', 'UTC', '2026-11-21T07:00:00Z', '2026-11-21T07:15:00.000Z'],
  ['2026-12-01T09:00', 'Asia/Seoul', '2026-11-21T07:00:00Z', '2026-12-01T00:00:00.000Z'],
  ['2026-12-01 09:00:30', 'UTC', '2026-11-21T07:00:00Z', '2026-12-01T09:00:30.000Z'],
  ['2026-12-01T09:00+02:00', 'Asia/Seoul', '2026-11-21T07:00:00Z', '2026-12-01T07:00:00.000Z'],
  ['2026-11-01T09:00', 'UTC', '2026-11-21T07:00:00Z', undefined],
  // Clocks in Berlin go from 02:00 to 03:00 on 2027-03-28, and from 03:00 to 02:00 on 2027-10-31.
  ['30 2 * * *', 'Europe/Berlin', '2027-03-27T12:00:00Z', '2027-03-28T01:00:00.000Z'],
  ['30 2 * * *', 'Europe/Berlin', '2027-10-30T12:00:00Z', '2027-10-31T00:30:00.000Z'],
  ['30 2 * * *', 'Europe/Berlin', '2027-10-31T00:30:00Z', '2027-11-01T01:30:00.000Z'],
])('%s in %s after %s is %s', (when, zone, after, expected) => {
  expect(iso(nextMoment(when, zone, at(after)))).toBe(expected)
})

test.each([
  ['soon', 'UTC', /neither a cron expression/],
  ['* * * * * *', 'UTC', /neither a cron expression/],
  ['61 * * * *', 'UTC', /neither a cron expression/],
  ['2026-13-01T09:00', 'UTC', /is no moment/],
  ['2026-12-01', 'UTC', /is no moment/],
  ['0 9 * * *', 'Mars/Olympus', /is no time zone/],
])('%j in %s is refused in words', (when, zone, words) => {
  expect(() => nextMoment(when, zone, 0)).toThrow(words)
})

test('the next moment is always after, and any text is read or refused in words', () => {
  const moment = fc.integer({ min: at('2020-01-01'), max: at('2040-01-01') })
  const field = fc.oneof(
    fc.constant('*'),
    fc.nat(70).map(String),
    fc.nat(20).map((step) => `*/${step}`),
  )
  const cron = fc.tuple(field, field, field, field, field).map((fields) => fields.join(' '))
  fc.assert(
    fc.property(
      fc.oneof(cron, fc.string()),
      fc.constantFrom('UTC', 'Europe/Berlin', 'Asia/Seoul'),
      moment,
      (when, zone, after) => {
        try {
          const next = nextMoment(when, zone, after)
          if (next !== undefined) expect(next).toBeGreaterThan(after)
        } catch (error) {
          if (!(error instanceof RangeError)) throw error
        }
      },
    ),
    { numRuns: 200 },
  )
})
