import { parseAddress } from './address.ts'
import type { ChainFamily } from './network.ts'

/**
 * A sign-in message: EIP-4361 for Ethereum accounts, the same form for Solana ones.
 * Its first line makes sure that the bytes can never be a transaction.
 */
export type SignIn = {
  family: ChainFamily
  scheme?: string
  /** RFC 3986 authority of who asks. */
  domain: string
  address: string
  /** One line; see `signInText` for what it may contain. */
  statement?: string
  uri: string
  version: '1'
  /** Required for Ethereum accounts. */
  chainId?: string
  nonce: string
  /** RFC 3339, as the other times. */
  issuedAt: string
  expirationTime?: string
  notBefore?: string
  requestId?: string
  resources?: readonly string[]
}

/** The text to sign. What was made here is what `parseSignIn` reads. */
export function formatSignIn(message: SignIn): string {
  const scheme = message.scheme === undefined ? '' : `${message.scheme}://`
  const lines = [`${scheme}${message.domain} wants you to sign in with your ${accounts[message.family]} account:`]
  lines.push(message.address, '')
  if (message.statement !== undefined) lines.push(message.statement)
  lines.push('')
  for (const [label, key] of fields) {
    const value = message[key]
    if (value !== undefined) lines.push(`${label}: ${value}`)
  }
  if (message.resources !== undefined) lines.push('Resources:', ...message.resources.map((uri) => `- ${uri}`))
  return lines.join('\n')
}

/** Reads a message strictly by the grammar of EIP-4361; `undefined` for everything else. */
export function parseSignIn(text: string): SignIn | undefined {
  const lines = text.split('\n')
  const head = HEAD.exec(lines[0] ?? '')
  if (head === null || lines[2] !== '') return undefined
  const family = head[3] === accounts.evm ? 'evm' : 'solana'
  const address = lines[1]!
  const known = parseAddress(family, address)
  if (!known.ok || known.address !== address) return undefined
  const hasStatement = lines[3] !== ''
  if (hasStatement && (lines[4] !== '' || !STATEMENT.test(lines[3]!))) return undefined
  const rest = readFields(lines.slice(hasStatement ? 5 : 4), family)
  if (rest === undefined) return undefined
  return {
    family,
    ...(head[1] === undefined ? {} : { scheme: head[1] }),
    domain: head[2]!,
    address,
    ...(hasStatement ? { statement: lines[3]! } : {}),
    ...rest,
  }
}

/** Text as a statement may contain it: everything else becomes a question mark. */
export function signInText(text: string): string {
  return text.replace(/[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;= ]/gu, '?')
}

const accounts: Record<ChainFamily, string> = { evm: 'Ethereum', solana: 'Solana' }

// RFC 3986, appendix A, rule by rule. https://www.rfc-editor.org/rfc/rfc3986#appendix-A
const UNRESERVED = String.raw`A-Za-z0-9\-._~!$&'()*+,;=`
const ENCODED = '%[0-9A-Fa-f]{2}'
const PCHAR = `(?:[${UNRESERVED}:@]|${ENCODED})`
const OCTET = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])'
const IPV4 = `${OCTET}(?:[.]${OCTET}){3}`
const H16 = '[0-9A-Fa-f]{1,4}'
const LS32 = `(?:${H16}:${H16}|${IPV4})`
const upTo = (groups: number) => `(?:(?:${H16}:){0,${groups}}${H16})?`
const IPV6 = [
  `(?:${H16}:){6}${LS32}`,
  `::(?:${H16}:){5}${LS32}`,
  ...[0, 1, 2, 3].map((before) => `${upTo(before)}::(?:${H16}:){${4 - before}}${LS32}`),
  `${upTo(4)}::${LS32}`,
  `${upTo(5)}::${H16}`,
  `${upTo(6)}::`,
].join('|')
const IP_FUTURE = `[vV][0-9A-Fa-f]+[.][${UNRESERVED}:]+`
const USER = `(?:(?:[${UNRESERVED}:]|${ENCODED})*@)?`
const NAME = `(?:[${UNRESERVED}]|${ENCODED})`
const LITERAL = String.raw`\[(?:${IPV6}|${IP_FUTURE})\]`
const PORT = '(?::[0-9]*)?'
/** Of who asks: with a host. */
const AUTHORITY = `${USER}(?:${LITERAL}|${NAME}+)${PORT}`
const SCHEME = String.raw`[A-Za-z][A-Za-z0-9+\-.]*`
const SEGMENTS = `(?:/${PCHAR}*)*`
const HIERARCHY = `(?://${USER}(?:${LITERAL}|${NAME}*)${PORT}${SEGMENTS}|/(?:${PCHAR}+${SEGMENTS})?|${PCHAR}+${SEGMENTS}|)`
const QUERY = `(?:${PCHAR}|[/?])*`
const URI = new RegExp(`^${SCHEME}:${HIERARCHY}(?:[?]${QUERY})?(?:#${QUERY})?$`)

const HEAD = new RegExp(`^(?:(${SCHEME})://)?(${AUTHORITY}) wants you to sign in with your (Ethereum|Solana) account:$`)
const STATEMENT = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;= ]+$/
/** RFC 3339. A leap second is not taken: no clock here can tell when it is over. */
const TIME =
  /^\d{4}-(\d{2})-(\d{2})[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

type FieldKey = 'uri' | 'version' | 'chainId' | 'nonce' | 'issuedAt' | 'expirationTime' | 'notBefore' | 'requestId'

const isUri = (value: string) => URI.test(value)
const isTime = (value: string) => {
  const parts = TIME.exec(value)
  // Date accepts the 31st of every month and moves on to the next one.
  return parts !== null && !Number.isNaN(Date.parse(value)) && daysIn(value) >= Number(parts[2])
}
const daysIn = (time: string) => new Date(Date.UTC(Number(time.slice(0, 4)), Number(time.slice(5, 7)), 0)).getUTCDate()

/** In this order, and no other. */
const fields: readonly (readonly [label: string, key: FieldKey, valid: (value: string) => boolean])[] = [
  ['URI', 'uri', isUri],
  ['Version', 'version', (value) => value === '1'],
  ['Chain ID', 'chainId', (value) => /^(\d+|(solana:)?[a-z0-9]+)$/i.test(value)],
  ['Nonce', 'nonce', (value) => /^[A-Za-z0-9]{8,}$/.test(value)],
  ['Issued At', 'issuedAt', isTime],
  ['Expiration Time', 'expirationTime', isTime],
  ['Not Before', 'notBefore', isTime],
  ['Request ID', 'requestId', (value) => /^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/.test(value)],
]
const required: Record<ChainFamily, readonly FieldKey[]> = {
  evm: ['uri', 'version', 'chainId', 'nonce', 'issuedAt'],
  solana: ['uri', 'version', 'nonce', 'issuedAt'],
}

/** Whether a sign-in message of this family has to name its chain by number. */
export function namesChain(family: ChainFamily): boolean {
  return required[family].includes('chainId')
}

type Fields = Pick<SignIn, FieldKey | 'resources'>

function readFields(lines: readonly string[], family: ChainFamily): Fields | undefined {
  const found: Partial<Record<FieldKey, string>> = {}
  let at = 0
  for (const [label, key, valid] of fields) {
    const value = lines[at]?.startsWith(`${label}: `) ? lines[at]!.slice(label.length + 2) : undefined
    if (value === undefined) continue
    if (!valid(value)) return undefined
    found[key] = value
    at += 1
  }
  if (required[family].some((key) => found[key] === undefined)) return undefined
  if (namesChain(family) && !/^\d+$/.test(found.chainId!)) return undefined
  const resources = readResources(lines.slice(at))
  if (resources === 'malformed') return undefined
  return { ...(found as Fields), ...(resources === undefined ? {} : { resources }) }
}

function readResources(lines: readonly string[]): string[] | undefined | 'malformed' {
  if (lines.length === 0) return undefined
  if (lines[0] !== 'Resources:') return 'malformed'
  const uris = lines.slice(1)
  return uris.every((line) => line.startsWith('- ') && isUri(line.slice(2)))
    ? uris.map((line) => line.slice(2))
    : 'malformed'
}
