import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import {
  type ApprovalContent,
  approvalDigest,
  approvalSolanaMessage,
  approvalTypedData,
  ChallengeView,
  type Effect,
  type EffectView,
  formatUnits,
  humanUnits,
  type OwnerAction,
  PolicyChallengeView,
  type PolicyChangeContent,
  policyChangeMessage,
  policyChangeTypedData,
  policyChangeView,
  type Reason,
  shortCode,
  type TransactionStatus,
  type TransactionView,
} from '@waiaas/core'

/** The owner's answer as it came in. */
export type Answer = { action: OwnerAction; address: string; message: string; signature: string }

/** A wallet daemon with one payment that waits: the real messages, and nothing behind them. */
export type TestDaemon = {
  url: string
  transactionId: string
  approvalUrl: string
  answers: readonly Answer[]
  /** Messages of the challenges given out. */
  asked: readonly string[]
  /** Refuses the next answer with this error. */
  refuseNext: (code: string, message: string) => void
  /** Changes the payment under the page. */
  change: (change: Partial<ApprovalContent>) => void
  /** Changes what is said of the payment, but not the message. */
  lie: (change: Partial<ChallengeView['approval']>) => void
  lieOfPolicy: (change: Partial<PolicyChallengeView['policyChange']>) => void
  /** From now on the daemon says little more than this. */
  setStatus: (status: TransactionStatus, hash?: string) => void
  /** From now on the daemon says everything about where the payment is. */
  setProgress: (progress: ProgressDetails) => void
  /** Refuses the next answer, and ends the payment. */
  endWith: (code: string, message: string) => void
  setSeconds: (left: number) => void
  close: () => Promise<void>
}

/** What a refused question says of a payment that does not wait for its owner. */
export type ProgressDetails = Pick<TransactionView, 'status'> &
  Partial<TransactionView> & { humanFee?: string; feeSymbol?: string }

export type DaemonOptions = {
  folder: string
  owner: { scheme: 'eip712' | 'solana'; address: string }
  effects: readonly Effect[]
  network: ApprovalContent['network']
  from: string
  reasons: readonly Reason[]
  demoOwnerUrl?: string
  usd?: string
  /** A change of the policies that the owner may be asked about. */
  policyChange?: PolicyChangeContent
}

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

export async function startTestDaemon(options: DaemonOptions): Promise<TestDaemon> {
  const answers: Answer[] = []
  const asked: string[] = []
  let refusal: { code: string; message: string; ends: boolean } | undefined
  let status: TransactionStatus = 'QUEUED'
  let hash: string | undefined
  let progress: ProgressDetails | undefined
  let lies: Partial<ChallengeView['approval']> = {}
  let policyLies: Partial<PolicyChallengeView['policyChange']> = {}
  let content: ApprovalContent = {
    transactionId: randomUUID(),
    agentId: randomUUID(),
    network: options.network,
    from: options.from,
    effects: options.effects,
    maxFee: 42_000_000_000_000n,
    policyVersion: 3,
    expiresAt: seconds() + 3_400,
    nonce: 'abcdef0123456789',
  }

  const challenge = (action: OwnerAction): ChallengeView => {
    const digest = approvalDigest(content)
    const expiresAt = Math.min(seconds() + 300, content.expiresAt)
    const question = {
      action,
      agentName: 'demo',
      ownerAddress: options.owner.address,
      domain: '127.0.0.1',
      issuedAt: seconds(),
      expiresAt,
      nonce: randomUUID().replaceAll('-', ''),
    }
    const message =
      options.owner.scheme === 'eip712'
        ? JSON.stringify(approvalTypedData(content, question))
        : approvalSolanaMessage(content, question)
    asked.push(message)
    return ChallengeView.parse({
      id: randomUUID(),
      action,
      message,
      scheme: options.owner.scheme,
      ownerAddress: options.owner.address,
      expiresAt,
      approval: { ...describe(content, options, digest, status), ...lies },
    })
  }
  const processed = () =>
    fault('TX_ALREADY_PROCESSED', `The transaction is ${status}.`, 409, {
      details: progress ?? { status, ...(hash === undefined ? {} : { hash }) },
    })
  const delayed = () =>
    fault('APPROVAL_NOT_FOUND', 'The transaction does not wait for the owner.', 404, {
      ...(progress === undefined ? {} : { details: progress }),
    })

  const handle = async (request: IncomingMessage): Promise<Reply> => {
    const path = new URL(request.url ?? '/', 'http://daemon').pathname
    if (request.method !== 'POST') return await page(path, options)
    if (path === '/v1/owner/challenges') {
      const { action, resourceId } = JSON.parse(await bodyOf(request)) as {
        action: OwnerAction | 'policy_change'
        resourceId: string
      }
      if (action === 'policy_change') return askPolicyChange(options, resourceId, policyLies)
      if (resourceId !== content.transactionId) return fault('TX_NOT_FOUND', 'There is no such transaction.', 404)
      if (status === 'EXPIRED') return fault('APPROVAL_TIMEOUT', 'The time for the approval is over.', 410)
      if (status === 'QUEUED' && progress?.executesAt !== undefined) return delayed()
      return status === 'QUEUED' ? json(201, challenge(action)) : processed()
    }
    const action = /^\/v1\/transactions\/[0-9a-f-]+\/(approve|reject)$/.exec(path)?.[1] as OwnerAction | undefined
    if (action === undefined) return fault('NOT_FOUND', 'There is no such path.', 404)
    if (refusal !== undefined) {
      const { code, message, ends } = refusal
      refusal = undefined
      if (ends) status = 'CANCELLED'
      return fault(code, message, 401)
    }
    const header = (name: string) => `${request.headers[`x-owner-${name}`]}`
    const message = Buffer.from(header('message'), 'base64url').toString('utf8')
    if (!asked.includes(message)) return fault('INVALID_NONCE', 'This message was not issued.', 401)
    answers.push({ action, address: header('address'), message, signature: header('signature') })
    status = action === 'approve' ? 'EXECUTING' : 'CANCELLED'
    return json(200, { id: content.transactionId, status, outcomeUnknown: false, closing: false })
  }

  const server = createServer((request, response) => {
    void handle(request).then(({ code, headers, body }) => {
      response.writeHead(code, headers)
      response.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    transactionId: content.transactionId,
    approvalUrl: `${url}/approve/${content.transactionId}`,
    answers,
    asked,
    refuseNext: (code, message) => {
      refusal = { code, message, ends: false }
    },
    endWith: (code, message) => {
      refusal = { code, message, ends: true }
    },
    change: (change) => {
      content = { ...content, ...change }
    },
    lie: (change) => {
      lies = change
    },
    lieOfPolicy: (change) => {
      policyLies = change
    },
    setStatus: (next, nextHash) => {
      status = next
      hash = nextHash
      progress = undefined
    },
    setProgress: (next) => {
      status = next.status
      progress = { outcomeUnknown: false, closing: false, ...next }
    },
    setSeconds: (left) => {
      content = { ...content, expiresAt: seconds() + left }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function describe(
  content: ApprovalContent,
  options: DaemonOptions,
  digest: string,
  status: TransactionStatus,
): ChallengeView['approval'] {
  return {
    transactionId: content.transactionId,
    agent: { id: content.agentId, name: 'demo' },
    network: content.network,
    from: content.from,
    effects: content.effects.map(effectView),
    maxFee: content.maxFee.toString(),
    humanMaxFee: formatUnits(content.maxFee, 18),
    feeSymbol: 'ETH',
    ...(options.usd === undefined ? {} : { usd: options.usd }),
    balance: { before: '10', after: '9.399958', symbol: 'ETH' },
    reasons: [...options.reasons],
    expiresAt: content.expiresAt,
    shortCode: shortCode(digest),
    status,
  }
}

function effectView(effect: Effect): EffectView {
  if (effect.kind !== 'spend' && effect.kind !== 'grant') return effect
  const { amount, asset } = effect
  const unscaled = asset.multiplier === undefined ? {} : { unscaledAmount: formatUnits(amount, asset.decimals) }
  return { ...effect, amount: amount.toString(), humanAmount: humanUnits(amount, asset), ...unscaled }
}

function askPolicyChange(
  { policyChange, owner }: DaemonOptions,
  resourceId: string,
  lies: Partial<PolicyChallengeView['policyChange']>,
): Reply {
  if (policyChange?.agents[0]?.id !== resourceId) return fault('APPROVAL_NOT_FOUND', 'Nothing to sign.', 404)
  const expiresAt = seconds() + 300
  const question = {
    owner: { address: owner.address, family: owner.scheme === 'eip712' ? ('evm' as const) : ('solana' as const) },
    domain: '127.0.0.1',
    issuedAt: seconds(),
    expiresAt,
    nonce: randomUUID().replaceAll('-', ''),
  }
  const message =
    owner.scheme === 'eip712'
      ? JSON.stringify(policyChangeTypedData(policyChange, question))
      : policyChangeMessage(policyChange, question)
  const view = PolicyChallengeView.parse({
    id: randomUUID(),
    action: 'policy_change',
    message,
    scheme: owner.scheme,
    ownerAddress: owner.address,
    expiresAt,
    policyChange: { ...policyChangeView(policyChange), ...lies },
  })
  return json(201, view)
}

type Reply = { code: number; headers: Record<string, string>; body: string | Buffer }

function json(code: number, body: unknown): Reply {
  return { code, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
}

function fault(code: string, message: string, status: number, more: object = {}): Reply {
  return json(status, { code, message, retryable: false, requestId: 'r', ...more })
}

/** The page as the daemon serves it: its policy, and the one document for every path without an ending. */
async function page(path: string, { folder, demoOwnerUrl }: DaemonOptions): Promise<Reply> {
  if (path === '/approve/config.json') return json(200, demoOwnerUrl === undefined ? {} : { demoOwnerUrl })
  const name = extname(path) === '' ? 'index.html' : path.replace(/^\/approve\//, '')
  const content = await readFile(join(folder, name)).catch(() => {
    // No such file is an answer, too.
    return undefined
  })
  if (content === undefined) return fault('NOT_FOUND', 'There is no such file.', 404)
  const connect = demoOwnerUrl === undefined ? "'self'" : `'self' ${demoOwnerUrl}`
  const policy = `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src ${connect}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  const headers = { 'content-type': MEDIA_TYPES[extname(name)] ?? 'text/plain', 'content-security-policy': policy }
  return { code: 200, headers, body: content }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
