import { lookup } from 'node:dns/promises'
import type { IncomingMessage } from 'node:http'
import { isIP, type LookupFunction } from 'node:net'
import type { Readable } from 'node:stream'
import { createBrotliDecompress, createUnzip } from 'node:zlib'
import { isPublicAddress } from './ip-address.ts'

export type WebConfig = {
  /** `host:port` that may be fetched although its address is not public: local services of the owner, tests. */
  allowedHosts: readonly string[]
  /** Name -> addresses: `systemLookup`, outside of tests. */
  resolve: (host: string) => Promise<{ address: string; family: number }[]>
}

export type WebAnswer = {
  url: string
  status: number
  contentType: string
  body: Buffer
  /** True when the body was longer than the cap. */
  cut: boolean
}

/** `redirect`: the page that led to where it failed, and so chose what the message names. */
export type WebResult = { ok: true; answer: WebAnswer } | { ok: false; message: string; redirect: string | undefined }

const MAX_REDIRECTS = 5
const MAX_BYTES = 2 * 1024 * 1024
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export const systemLookup: WebConfig['resolve'] = (host) => lookup(host, { all: true })

/**
 * GETs a page of the public web. Every hop is resolved, checked and connected to the address that was checked,
 * so that no name can lead to this machine or its network, whatever it resolves to the next moment.
 */
export async function pinnedFetch(start: string, config: WebConfig, signal: AbortSignal): Promise<WebResult> {
  let next = start
  let redirect: string | undefined
  const fail = (message: string) => ({ ok: false as const, message, redirect })
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const url = URL.parse(next)
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
      return fail('Only http/https URLs are supported')
    }
    if (url.username !== '' || url.password !== '') return fail('A URL with a password is not fetched.')
    const target = await resolveTarget(url, config)
    if (typeof target === 'string') return fail(target)
    const response = await get(url, target, signal)
    const location = response.headers.location
    if (REDIRECTS.has(response.statusCode ?? 0) && location !== undefined) {
      response.destroy()
      next = URL.parse(location, url.href)?.href ?? location
      redirect = url.href
      continue
    }
    const { body, cut } = await readBody(response)
    const contentType = response.headers['content-type'] ?? ''
    return { ok: true, answer: { url: url.href, status: response.statusCode ?? 0, contentType, body, cut } }
  }
  return fail(`More than ${MAX_REDIRECTS} redirects.`)
}

export type Target = { address: string; family: number }

/** The address to connect to, or why there is none. */
export async function resolveTarget(url: URL, config: WebConfig): Promise<Target | string> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const found = isIP(host) ? [{ address: host, family: isIP(host) }] : await resolveName(host, config)
  if (typeof found === 'string') return found
  const [first] = found
  if (first === undefined) return `${host} has no address.`
  const port = url.port === '' ? (url.protocol === 'https:' ? '443' : '80') : url.port
  const allowed = config.allowedHosts.includes(`${url.hostname}:${port}`)
  if (allowed || found.every(({ address }) => isPublicAddress(address))) return first
  return `${host} is not on the public internet; addresses of this machine and its network are not fetched.`
}

async function resolveName(host: string, config: WebConfig): Promise<Target[] | string> {
  try {
    return await config.resolve(host)
  } catch (error) {
    return `${host} cannot be found (${(error as NodeJS.ErrnoException).code ?? 'no answer'}).`
  }
}

function get(url: URL, target: Target, signal: AbortSignal): Promise<IncomingMessage> {
  const pinned: LookupFunction = (_host, options, callback) => {
    if (options.all) callback(null, [target])
    else callback(null, target.address, target.family)
  }
  const headers = {
    'user-agent': 'openpista/0.1',
    accept: 'text/html, text/plain, application/json, */*;q=0.5',
    'accept-encoding': 'gzip, deflate, br',
  }
  // Not imported by name, for that would load Node's whole HTTP client at every start.
  const { request: send } = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    send(url, { agent: false, lookup: pinned, headers, signal, maxHeaderSize: 32_768 }, resolve)
      .on('error', reject)
      .end()
  })
}

/** The body, decompressed; the cap counts what comes out, so that a small bomb stays small. */
async function readBody(response: IncomingMessage): Promise<{ body: Buffer; cut: boolean }> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of decompressed(response)) {
    chunks.push(chunk as Buffer)
    size += (chunk as Buffer).length
    if (size > MAX_BYTES) break
  }
  response.destroy()
  return { body: Buffer.concat(chunks).subarray(0, MAX_BYTES), cut: size > MAX_BYTES }
}

function decompressed(response: IncomingMessage): Readable {
  const encoding = response.headers['content-encoding']
  if (encoding !== 'gzip' && encoding !== 'deflate' && encoding !== 'br') return response
  const unpack = encoding === 'br' ? createBrotliDecompress() : createUnzip()
  response.on('error', (error) => unpack.destroy(error))
  return response.pipe(unpack)
}
