import { expect, test } from 'vitest'
import { shareOf } from './share.ts'

const share = (address: string, key?: string) =>
  shareOf(address, new Headers(key === undefined ? {} : { 'X-Waiaas-Local-Key': key }), 'k')

test.each(['127.0.0.1', '127.255.3.9', '::1', '::ffff:127.0.0.1', '::FFFF:127.9.9.9'])('%s is loopback', (address) => {
  expect(share(address)).toBe('loopback')
  expect(share(address, 'K')).toBe('loopback')
  expect(share(address, 'k')).toBe('command line')
})

test('other addresses are their own, of IPv6 the /64', () => {
  expect(share('10.0.0.4')).toBe('10.0.0.4')
  expect(share('::ffff:10.0.0.4')).toBe('10.0.0.4')
  expect(new Set(['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::9', '2001:DB8:1:2:ffff::1'].map((one) => share(one)))).toEqual(
    new Set(['2001:db8:1:2/64']),
  )
  expect(share('fe80::1%eth0')).toBe('fe80:0:0:0/64')
  expect(share('2001:db8::1')).toBe('2001:db8:0:0/64')
})
