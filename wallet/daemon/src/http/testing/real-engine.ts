import { newId } from '@openpista/common'
import type { AgentView, NetworkName } from '@waiaas/core'
import { createLedgerChain, emptyBooks, type LedgerChain } from '../../engine/testing/ledger-chain.ts'
import { type HttpOptions, post, startHttp, type TestHttp } from './start-http.ts'

export const TO = '0x00000000000000000000000000000000000000AA'
export const OTHER = '0x00000000000000000000000000000000000000bb'

export type Chains = Map<NetworkName, LedgerChain>

export type Paying = TestHttp & { chains: Chains }

/** The HTTP surface over the real engine, and chains kept in memory. */
export async function startPaying(options: Omit<HttpOptions, 'chains'> & { chains?: Chains } = {}): Promise<Paying> {
  const chains: Chains =
    options.chains ??
    new Map((['evm-local', 'solana-local'] as const).map((name) => [name, createLedgerChain(name, emptyBooks())]))
  return { ...(await startHttp({ ...options, chains })), chains }
}

export type Payer = { agent: AgentView; id: string; token: string }

/** An agent with 100 coins on each chain, and a session. Its spending limit is far away unless it is named. */
export async function payer(
  http: Paying,
  session: Record<string, unknown> = {},
  agent: Record<string, unknown> = {},
): Promise<Payer> {
  const made = await http.operate<AgentView>('POST', '/v1/agents', { name: `payer ${newId()}`, ...agent })
  for (const wallet of made.wallets) {
    const chain = http.chains.get(wallet.chain === 'evm' ? 'evm-local' : 'solana-local')!
    chain.books.balances.set(wallet.address, 100n * 10n ** (wallet.chain === 'evm' ? 18n : 9n))
  }
  const rules = { instant_max: `${10n ** 21n}` }
  await http.operate('POST', '/v1/policies', { agentId: made.id, type: 'SPENDING_LIMIT', rules })
  await http.operate('POST', '/v1/policies', {
    agentId: made.id,
    type: 'COUNTERPARTY',
    rules: { first_payment: 'INSTANT' },
  })
  const { id, token } = await openSession(http, made.id, session)
  return { agent: made, id, token }
}

export async function openSession(http: TestHttp, agentId: string, session: Record<string, unknown> = {}) {
  return await http.operate<{ id: string; token: string }>('POST', '/v1/sessions', { agentId, ...session })
}

/** What a call answers: the status it is in, or the HTTP status and the code. */
export async function told(answer: Response): Promise<string> {
  const body = (await answer.json()) as { code?: string; status?: string }
  return answer.ok ? (body.status ?? 'ok') : `${answer.status} ${body.code}`
}

export async function pay(http: TestHttp, token: string, body: Record<string, unknown>): Promise<string> {
  return await told(await send(http, token, body))
}

export function send(http: TestHttp, token: string, body: Record<string, unknown>): Promise<Response> {
  const headers = { Authorization: `Bearer ${token}`, 'Idempotency-Key': newId(), Prefer: 'wait=5' }
  return http.fetch('/v1/transactions/send', post({ to: TO, network: 'evm-local', ...body }, headers))
}

export function as(token: string): { headers: Record<string, string> } {
  return { headers: { Authorization: `Bearer ${token}` } }
}
