import { randomBytes } from 'node:crypto'
import type { AgentView, CommandChallengeView, TransactionView } from '@waiaas/core'
import { privateKeyToAccount } from 'viem/accounts'
import type { Answer, Headers, StartedWallet } from './started-wallet.ts'

export const ETH = 10n ** 18n
export const SOL = 10n ** 9n
/** Held by all payers, far above what any scenario pays. */
const FUNDS = 1000n

export type Payer = { agent: AgentView; agentId: string; sessionId: string; token: string; evm: string; solana: string }

type Rules = Record<string, unknown>
export type PayerOptions = {
  session?: Rules
  agent?: Rules
  /** Limits of its own; without them whatever it has may go at once. */
  limits?: Rules
  /** Further policies of its own, by type. */
  policies?: Readonly<Record<string, Rules>>
}

/** An agent with 1000 coins on each chain and a session. The policies a new wallet has do not bind it. */
export async function payer(wallet: StartedWallet, options: PayerOptions = {}): Promise<Payer> {
  const agent = await wallet.operate<AgentView>('POST', '/v1/agents', {
    name: `payer ${randomBytes(8).toString('hex')}`,
    ...options.agent,
  })
  const addressOn = (chain: string) => agent.wallets.find((one) => one.chain === chain)!.address
  const [evm, solana] = [addressOn('evm'), addressOn('solana')]
  await wallet.evm.control.fund(evm, FUNDS * ETH)
  await wallet.solana.control.fund(solana, FUNDS * SOL)
  const policies = {
    SPENDING_LIMIT: options.limits ?? { instant_max: `${FUNDS * ETH}` },
    COUNTERPARTY: { first_payment: 'INSTANT', look_alike: 'INSTANT' },
    ...options.policies,
  }
  for (const [type, rules] of Object.entries(policies)) await addPolicy(wallet, { agentId: agent.id, type, rules })
  const session = await openSession(wallet, agent.id, options.session)
  return { agent, agentId: agent.id, ...session, evm, solana }
}

export async function addPolicy(wallet: StartedWallet, policy: Rules): Promise<string> {
  return (await wallet.operate<{ id: string }>('POST', '/v1/policies', policy)).id
}

export async function openSession(wallet: StartedWallet, agentId: string, options: Rules = {}) {
  const { id, token } = await wallet.operate<{ id: string; token: string }>('POST', '/v1/sessions', {
    agentId,
    ...options,
  })
  return { sessionId: id, token }
}

export const as = (token: string): Headers => ({ Authorization: `Bearer ${token}` })

/** What a call came to: the status of what it is about, else `ok`, or the HTTP status and the code. */
export function told({ status, body }: { status: number; body: { status?: unknown; code?: unknown } }): string {
  return status < 300 ? String(body.status ?? 'ok') : `${status} ${body.code}`
}

type Sent = Omit<Answer, 'body'> & { body: TransactionView & { code?: string } }

/** Sends a payment, on `evm-local` unless told; what may go at once is waited for. */
export async function send(wallet: StartedWallet, token: string, body: Rules, headers: Headers = {}): Promise<Sent> {
  const call = {
    headers: { ...as(token), 'Idempotency-Key': randomBytes(16).toString('hex'), ...headers },
    body: { network: 'evm-local', ...body },
  }
  const answer = (await wallet.call('/v1/transactions/send', call)) as unknown as Sent
  if (answer.status !== 201) return answer
  return { ...answer, body: await until(wallet, answer.body.id, 'CONFIRMED', 'FAILED', 'CANCELLED') }
}

export async function pay(wallet: StartedWallet, token: string, body: Rules): Promise<string> {
  return told(await send(wallet, token, withPayee(body)))
}

/** A plain payment that names nobody goes to a new address. */
function withPayee(body: Rules): Rules {
  return body.type === undefined ? { to: newPayee(), ...body } : body
}

/** The tier that a payment got, or its code. */
export async function tierOf(wallet: StartedWallet, token: string, body: Rules): Promise<string> {
  const { status, body: view } = await send(wallet, token, withPayee(body))
  return status < 300 ? view.tier! : `${status} ${view.code}`
}

export async function read(wallet: StartedWallet, token: string, path = '/v1/wallet'): Promise<string> {
  return told(await wallet.call(path, { headers: as(token) }))
}

export async function transaction(wallet: StartedWallet, id: string): Promise<TransactionView> {
  return await wallet.operate<TransactionView>('GET', `/v1/transactions/${id}`)
}

/** Waits until the daemon has moved a transaction to one of these states. */
export async function until(wallet: StartedWallet, id: string, ...states: string[]): Promise<TransactionView> {
  for (;;) {
    const view = await transaction(wallet, id)
    if (states.includes(view.status)) return view
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** An address that has nothing. */
export function newPayee(): string {
  return `0x${randomBytes(20).toString('hex')}`
}

async function askChain(url: string, method: string, params: unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  return ((await response.json()) as { result: unknown }).result
}

/** What an EVM address holds, by the chain itself. */
export async function balanceOf(wallet: StartedWallet, address: string): Promise<bigint> {
  return BigInt((await askChain(wallet.evm.rpcUrl, 'eth_getBalance', [address, 'latest'])) as string)
}

/** How many transactions an EVM address has made, by the chain itself. */
export async function sentBy(wallet: StartedWallet, address: string): Promise<number> {
  return Number(await askChain(wallet.evm.rpcUrl, 'eth_getTransactionCount', [address, 'latest']))
}

export async function solanaBalanceOf(wallet: StartedWallet, address: string): Promise<bigint> {
  const result = await askChain(wallet.solana.rpcUrl, 'getBalance', [address, { commitment: 'confirmed' }])
  return BigInt((result as { value: number }).value)
}

/** What all of them say at once. */
export async function atOnce<Value>(count: number, act: (index: number) => Promise<Value>): Promise<Value[]> {
  return await Promise.all(Array.from({ length: count }, (_, index) => act(index)))
}

export type Owner = ReturnType<typeof newOwner>

/** An owner's EVM key. */
export function newOwner() {
  const account = privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`)
  return {
    address: account.address as string,
    sign: (message: string) => account.signMessage({ message }) as Promise<string>,
    signTyped: (message: string) => account.signTypedData(JSON.parse(message)) as Promise<string>,
  }
}

export type Question = Pick<CommandChallengeView, 'message' | 'ownerAddress'>

/** The message that an owner is to sign. */
export async function askOwner(
  wallet: StartedWallet,
  action: string,
  resourceId: string,
  more: Rules = {},
): Promise<Question> {
  const answer = await wallet.call('/v1/owner/challenges', { body: { action, resourceId, ...more } })
  if (answer.status !== 201) throw new Error(`no challenge: ${answer.status} ${answer.text}`)
  return answer.body as Question
}

/** The headers that carry an owner's answer. */
export function ownerProof({ message, ownerAddress }: Question, signature: string): Headers {
  return {
    'X-Owner-Address': ownerAddress,
    'X-Owner-Message': Buffer.from(message).toString('base64url'),
    'X-Owner-Signature': signature,
  }
}

/** Asks for the message of an approval or rejection, signs it and gives it back. */
export async function decide(wallet: StartedWallet, owner: Owner, action: 'approve' | 'reject', id: string) {
  const asked = await askOwner(wallet, action, id)
  const headers = { ...ownerProof(asked, await owner.signTyped(asked.message)), Prefer: 'wait=30' }
  return told(await wallet.call(`/v1/transactions/${id}/${action}`, { method: 'POST', headers }))
}
