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
