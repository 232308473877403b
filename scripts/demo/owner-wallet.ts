import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { assertPrivate, writeFileAtomic } from '@openpista/common'
import type { Hex } from 'viem'
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'

/** The demo owner's wallet: what a real owner has in the browser or on a device. Its key guards play money only. */
export type DemoOwnerWallet = {
  /** `POST ${url}/sign {scheme, message}` answers `{signature, address}`. */
  url: string
  address: string
  /** @throws RefusedError for anything that is not the wallet daemon's question to an owner. */
  sign: (question: SignRequest) => Promise<string>
  close: () => Promise<void>
}

/** `message`: typed data as JSON, as in the daemon's challenge. */
export type SignRequest = { scheme: string; message: string }

export type DemoOwnerOptions = {
  /** Made at the first start, mode 0600. Its folder exists. */
  keyFile: string
  /** The wallet daemon's origin, `http://127.0.0.1:3100`: pages of any other one are refused. */
  allowedOrigin: string
}

const MAX_BODY_BYTES = 64 * 1024

export async function startDemoOwnerWallet(options: DemoOwnerOptions): Promise<DemoOwnerWallet> {
  const account = privateKeyToAccount(readOrMakeKey(options.keyFile))
  const server = createServer((request, response) => {
    void answer(request, options.allowedOrigin, account)
      .catch(describeFault)
      .then(({ status, headers, body }) => {
        const isAllowed = request.headers.origin === options.allowedOrigin
        const shared = isAllowed ? { 'access-control-allow-origin': options.allowedOrigin, vary: 'Origin' } : {}
        response.writeHead(status, { 'content-type': 'application/json', ...shared, ...headers })
        response.end(body === undefined ? undefined : JSON.stringify(body))
      })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    address: account.address,
    sign: (question) => signQuestion(account, question),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function readOrMakeKey(file: string): Hex {
  if (existsSync(file)) {
    assertPrivate(file, 0o600)
    return readFileSync(file, 'utf8').trim() as Hex
  }
  const key = generatePrivateKey()
  writeFileAtomic(file, `${key}\n`)
  return key
}

async function signQuestion(account: PrivateKeyAccount, { scheme, message }: SignRequest): Promise<string> {
  if (scheme !== 'eip712') throw new RefusedError(400, `This wallet signs eip712, not ${scheme}.`)
  const typedData = parseJson(message)
  if (!isOwnerQuestion(typedData)) {
    throw new RefusedError(403, 'This wallet signs nothing but questions of the wallet daemon to its owner.')
  }
  return await account.signTypedData(typedData)
}

type TypedData = Parameters<PrivateKeyAccount['signTypedData']>[0]

function isOwnerQuestion(value: unknown): value is TypedData {
  if (typeof value !== 'object' || value === null) return false
  const { domain, primaryType } = value as { domain?: { name?: unknown }; primaryType?: unknown }
  return domain?.name === 'WAIaaS' && primaryType === 'Approval'
}

type Answer = { status: number; headers: Record<string, string>; body?: unknown }

/** Only the daemon's own page may ask: the origin is checked here and not left to the browser. */
async function answer(request: IncomingMessage, allowedOrigin: string, account: PrivateKeyAccount): Promise<Answer> {
  if (request.headers.origin !== allowedOrigin) throw new RefusedError(403, 'This page may not use this wallet.')
  if (request.method === 'OPTIONS') {
    const headers = { 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'content-type' }
    return { status: 204, headers }
  }
  if (request.method !== 'POST' || request.url !== '/sign') throw new RefusedError(404, 'There is POST /sign only.')
  const body = parseJson(await readBody(request))
  if (!isSignRequest(body)) throw new RefusedError(400, 'Send {"scheme": …, "message": …}.')
  return { status: 200, headers: {}, body: { signature: await signQuestion(account, body), address: account.address } }
}

function isSignRequest(value: unknown): value is SignRequest {
  const { scheme, message } = (value ?? {}) as Partial<Record<keyof SignRequest, unknown>>
  return typeof scheme === 'string' && typeof message === 'string'
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RefusedError(413, `At most ${MAX_BODY_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON is refused by whoever looks at the value.
    return undefined
  }
}

function describeFault(error: unknown): Answer {
  if (error instanceof RefusedError) return { status: error.status, headers: {}, body: { message: error.message } }
  // Typed data that does not fit its own types.
  return { status: 400, headers: {}, body: { message: 'This message cannot be signed.' } }
}

/** Why this wallet did not sign. */
export class RefusedError extends Error {
  override name = 'RefusedError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
