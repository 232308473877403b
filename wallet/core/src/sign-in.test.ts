import { describe, expect, test } from 'vitest'
import { commandMessage } from './owner-command.ts'
import { formatSignIn, parseSignIn, type SignIn } from './sign-in.ts'

const ADDRESS = '0xe5A12547fe4E872D192E3eCecb76F2Ce1aeA4946'
const SOLANA = '7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV'

const usual: SignIn = {
  family: 'evm',
  domain: 'service.org',
  address: ADDRESS,
  statement: 'I accept the ServiceOrg Terms of Service: https://service.org/tos',
  uri: 'https://service.org/login',
  version: '1',
  chainId: '1',
  nonce: '12341234',
  issuedAt: '2022-03-17T12:45:13.610Z',
}

describe('a message of the standard is read as it was made', () => {
  test.each<[string, Partial<SignIn>]>([
    ['with the fields that must be', {}],
    [
      'with every field',
      {
        scheme: 'https',
        expirationTime: '2023-03-17T12:45:13.610Z',
        notBefore: '2022-03-17T12:45:13.610Z',
        requestId: 'some_id',
        resources: ['https://service.org/1', 'urn:some:thing', 'ipfs://bafy'],
      },
    ],
    ['with an empty list of resources', { resources: [] }],
    ['with an empty request id', { requestId: '' }],
    ['with a port', { domain: 'localhost:3100' }],
    ['with an IPv4 host', { domain: '127.0.0.1:8080' }],
    ['with an IPv6 host', { domain: '[::1]:8080' }],
    ['with user information', { domain: 'user:password@service.org:443' }],
    ['with times without fractions', { issuedAt: '2021-09-30T16:25:24Z' }],
    ['with an offset', { issuedAt: '2021-09-30T16:25:24+02:00' }],
    ['with a URI of another kind', { uri: 'did:key:z6Mkf' }],
  ])('%s', (_name, change) => {
    const message = { ...usual, ...change }
    expect(parseSignIn(formatSignIn(message))).toEqual(message)
  })

  test('without a statement', () => {
    const { statement, ...rest } = usual
    const text = formatSignIn(rest)
    expect(text).toContain(`${ADDRESS}\n\n\nURI: `)
    expect(parseSignIn(text)).toEqual(rest)
  })

  test('of a Solana account', () => {
    const { chainId, ...rest } = { ...usual, family: 'solana' as const, address: SOLANA }
    expect(parseSignIn(formatSignIn(rest))).toEqual(rest)
  })
})

describe('what is not of the standard is refused', () => {
  const text = formatSignIn({
    ...usual,
    expirationTime: '2023-03-17T12:45:13.610Z',
    requestId: 'a',
    resources: ['a:b'],
  })
  test.each<[string, (message: string) => string]>([
    ['a line too many at the end', (message) => `${message}\n`],
    ['a line too many at the head', (message) => `\n${message}`],
    ['an address in lower case', (message) => message.replace(ADDRESS, ADDRESS.toLowerCase())],
    ['an address with a wrong checksum', (message) => message.replace('0xe5A', '0xE5A')],
    ['no address', (message) => message.replace(`${ADDRESS}\n`, '')],
    ['no domain', (message) => message.replace('service.org wants', ' wants')],
    ['a domain that is none', (message) => message.replace('service.org wants', '#foo wants')],
    ['a statement of two lines', (message) => message.replace('I accept', 'I\naccept')],
    ['a statement with other characters', (message) => message.replace('I accept', 'I äccept')],
    ['no empty line before the statement', (message) => message.replace(`${ADDRESS}\n\n`, `${ADDRESS}\n`)],
    ['no empty line after the statement', (message) => message.replace('/tos\n\n', '/tos\n')],
    ['no URI', (message) => message.replace(/URI: .*\n/, '')],
    ['a URI that is none', (message) => message.replace('https://service.org/login', 'not a uri')],
    ['no version', (message) => message.replace('Version: 1\n', '')],
    ['another version', (message) => message.replace('Version: 1', 'Version: 2')],
    ['no chain id', (message) => message.replace('Chain ID: 1\n', '')],
    ['a chain id that is no number', (message) => message.replace('Chain ID: 1', 'Chain ID: solana:mainnet')],
    ['no nonce', (message) => message.replace('Nonce: 12341234\n', '')],
    ['a short nonce', (message) => message.replace('12341234', '1234567')],
    ['a nonce with other characters', (message) => message.replace('12341234', '1234-1234')],
    ['no time of issue', (message) => message.replace(/Issued At: .*\n/, '')],
    [
      'a time of another form',
      (message) => message.replace(/Issued At: .*/, 'Issued At: Thu, 17 Mar 2022 12:45:13 GMT'),
    ],
    ['a day that is not', (message) => message.replace(/Issued At: .*/, 'Issued At: 2022-02-30T12:45:13Z')],
    ['a month that is not', (message) => message.replace(/Issued At: .*/, 'Issued At: 2022-13-01T12:45:13Z')],
    ['fields out of order', (message) => message.replace(/(Version: 1)\n(Chain ID: 1)/, '$2\n$1')],
    ['a field twice', (message) => message.replace('Version: 1', 'Version: 1\nVersion: 1')],
    ['an unknown field', (message) => message.replace('Version: 1', 'Version: 1\nExtra: 1')],
    ['resources that are no URIs', (message) => message.replace('- a:b', '- nothing')],
    ['resources without their dash', (message) => message.replace('- a:b', 'a:b')],
    ['carriage returns', (message) => message.replaceAll('\n', '\r\n')],
    ['another chain', (message) => message.replace('Ethereum', 'Bitcoin')],
    ['an address of the other chain', (message) => message.replace('Ethereum', 'Solana')],
  ])('%s', (_name, change) => {
    expect(parseSignIn(text)).toBeDefined()
    const changed = change(text)
    expect(changed).not.toBe(text)
    expect(parseSignIn(changed)).toBeUndefined()
  })
})

describe('an authority is one of RFC 3986', () => {
  const withDomain = (domain: string) => parseSignIn(formatSignIn({ ...usual, domain }))?.domain
  test.each([
    ...[
      'service.org',
      'ser%20vice.org',
      'localhost:',
      'a:0080',
      '999.1.1.1',
      'test@127.0.0.1:8080',
      'a:b:c@host',
      '[::cafe]',
    ],
    ...[
      '[::]',
      '[1::]',
      '[1::d6:42]',
      '[1:2:3:4:5:6:7:8]',
      '[1:2:3:4:5:6:127.0.0.1]',
      '[::ffff:127.0.0.1]:1',
      '[v1.fe:80]',
    ],
    ...['[1:2:3:4:5:6:7::]', '[::2:3:4:5:6:7:8]', '[1:2:3::6:7:8]'],
  ])('%s', (domain) => expect(withDomain(domain)).toBe(domain))

  test.each([
    ...[
      'ser%vice.org',
      'a%2',
      'a%zz',
      '',
      ':80',
      '@',
      'user@',
      'a:abc',
      'a:80:80',
      'a/b',
      'a?b',
      'a#b',
      '#notrfc4501',
      'a b',
      'ä.org',
    ],
    ...[
      '[1::d6::42]',
      '[1:2:3:4:5:6:7]',
      '[1:2:3:4:5:6:7:8:9]',
      '[1:2:3:4:5:6:7:8::]',
      '[12345::]',
      '[::g]',
      '[::1',
      '::1',
      '[]',
    ],
    ...['[::256.0.0.1]', '[::1.2.3]', '[::01.2.3.4]', '[127.0.0.1]', '[v.a]', '[vg.a]', 'a[::1]', 'a@b@c'],
  ])('but not %j', (domain) => expect(withDomain(domain)).toBeUndefined())
})

describe('a URI is one of RFC 3986', () => {
  const withUri = (uri: string) => parseSignIn(formatSignIn({ ...usual, uri }))?.uri
  test.each([
    ...[
      'https://service.org/login',
      'https://[::cafe]',
      'https://127.0.0.1:4361',
      'https://127.0.0.1/?query=one#begin',
    ],
    ...[
      'file:///a//b',
      'urn:a:b',
      'did:key:z6Mkf',
      'mailto:a@b.c',
      'a:',
      'a:/',
      'a:?',
      'http://a:/',
      'ipfs://Qme7/x?y/z?#a/b?c',
    ],
  ])('%s', (uri) => expect(withUri(uri)).toBe(uri))

  test.each([
    ...[
      'http://a:abc/',
      'http://[1::d6::42]/',
      'http://[::1/',
      'http://a b/',
      'http://a/%',
      'http://a/%g0',
      'http://a/[b]',
      'a:b#c#d',
    ],
    ...[':not_a_rfc3986_valid_uri_', '1a:b', '//a', 'http://a@b@c/', 'http://a/"', 'http://a/\\', 'http://ä/'],
  ])('but not %j', (uri) => expect(withUri(uri)).toBeUndefined())
})

describe('a time is one of RFC 3339', () => {
  const withTime = (issuedAt: string) => parseSignIn(formatSignIn({ ...usual, issuedAt }))?.issuedAt
  test.each([
    ...['2021-09-30T16:25:24Z', '2021-09-30T16:25:24.123456789Z', '2021-09-30t16:25:24z', '2021-09-30T16:25:24-02:00'],
    ...['2020-02-29T23:59:59Z', '2021-09-30T00:00:00+23:59'],
  ])('%s', (time) => expect(withTime(time)).toBe(time))

  test.each([
    ...[
      '2021-09-30T24:00:00Z',
      '2021-09-30T23:60:00Z',
      '2021-09-30T23:59:61Z',
      '2021-02-29T00:00:00Z',
      '2021-00-10T00:00:00Z',
    ],
    ...[
      '2021-01-00T00:00:00Z',
      '2021-01-01T00:00:00+24:00',
      '2021-01-01T00:00:00+00:60',
      '2021-01-01T00:00:00',
      '2021-01-01',
    ],
    ...[
      '2021-01-01 00:00:00Z',
      '2021-01-01T00:00Z',
      '2021-01-01T00:00:00.Z',
      '2021-01-01T00:00:00,5Z',
      '+02021-01-01T00:00:00Z',
    ],
  ])('but not %s', (time) => expect(withTime(time)).toBeUndefined())
})

/** The vectors of https://github.com/spruceid/siwe, test/parsing_negative.json: each field is left out, and out of order. */
describe('every field stands where the standard has it', () => {
  const whole = formatSignIn({
    ...usual,
    expirationTime: '2023-03-17T12:45:13.610Z',
    notBefore: '2022-03-17T12:45:13.610Z',
    requestId: 'some_id',
    resources: ['https://service.org/login'],
  }).split('\n')
  const at = (label: string) => whole.findIndex((line) => line.startsWith(`${label}: `))
  const required = ['URI', 'Version', 'Chain ID', 'Nonce', 'Issued At']
  const labels = [...required, 'Expiration Time', 'Not Before', 'Request ID']

  test('as it is, it is read', () => expect(parseSignIn(whole.join('\n'))).toBeDefined())
  test.each(required)('without %s', (label) => {
    expect(parseSignIn(whole.toSpliced(at(label), 1).join('\n'))).toBeUndefined()
    expect(parseSignIn(whole.with(at(label), '').join('\n'))).toBeUndefined()
  })
  test.each(labels)('with %s after what follows it', (label) => {
    const moved = whole.toSpliced(at(label), 2, whole[at(label) + 1]!, whole[at(label)]!)
    expect(parseSignIn(moved.join('\n'))).toBeUndefined()
  })
  test.each([
    ['Issued At: Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)', 'Issued At'],
    ['Expiration Time: Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)', 'Expiration Time'],
    ['Not Before: Wed Oct 05 2011 16:48:00 GMT+0200 (CEST)', 'Not Before'],
    ['Version: 3', 'Version'],
    ['Chain ID: ?', 'Chain ID'],
    ['Nonce: 1234567', 'Nonce'],
    ['URI: :not_a_rfc3986_valid_uri_', 'URI'],
  ])('not %s', (line, label) => expect(parseSignIn(whole.with(at(label), line).join('\n'))).toBeUndefined())
  test.each([
    '- https://service.org/login - https://service.org/login/2',
    '- :not_a_rfc3986_valid_uri_',
    '- https://service.org/login\n- :not_a_rfc3986_valid_uri_',
  ])('not the resource %j', (line) => expect(parseSignIn(whole.with(-1, line).join('\n'))).toBeUndefined())
})

test('a command is told in one line, whatever an agent is called', () => {
  const text = commandMessage({
    command: 'set_owner',
    agent: { id: '01890000-0000-7000-8000-000000000001', name: '나\nURI: evil' },
    owner: { address: ADDRESS, family: 'evm', network: 'base-mainnet' },
    newOwner: SOLANA,
    domain: 'localhost:3100',
    issuedAt: 1_800_000_000,
    expiresAt: 1_800_000_300,
    nonce: 'abcdef0123456789',
  })
  expect(parseSignIn(text)).toMatchObject({
    chainId: '8453',
    statement: `Hand agent ??URI: evil over to the new owner ${SOLANA}.`,
    expirationTime: '2027-01-15T08:05:00.000Z',
  })
})
