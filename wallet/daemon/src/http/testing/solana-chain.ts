import { setTimeout as pause } from 'node:timers/promises'
import { newId } from '@openpista/common'
import type { AgentView, SimulationView, TransactionView } from '@waiaas/core'
import { type MintOptions, type SolanaNode, startSolanaNode } from '@waiaas/devnet'
import { testAdapters } from '../../chains/test-adapters.fixture.ts'
import { post, startHttp, type TestHttp } from './start-http.ts'

export const SOL = 10n ** 9n

export type SolanaChain = {
  http: TestHttp
  node: SolanaNode
  /** For mints of six decimals. */
  mintOptions: MintOptions
  close: () => Promise<void>
}

/** The HTTP surface over the real engine and a Solana node. */
export async function startSolanaChain({ slotMs = 100 }: { slotMs?: number } = {}): Promise<SolanaChain> {
  const node = await startSolanaNode({ slotMs, finalizedAfter: 4 })
  const [adapter] = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])
  const http = await startHttp({ chains: new Map([['solana-local', adapter!]]) })
  return {
    http,
    node,
    mintOptions: { rpcUrl: node.rpcUrl, wsUrl: node.wsUrl, control: node.control, decimals: 6 },
    close: async () => {
      await http.close()
      await node.stop()
    },
  }
}

export type Refused = { code: string; message: string }
export type Answer<View> = { status: number; body: View & Partial<Refused> }

export type SolanaPayer = {
  id: string
  address: string
  token: string
  send: (request: object) => Promise<Answer<TransactionView>>
  simulate: (request: object) => Promise<Answer<SimulationView>>
  sign: (transaction: string) => Promise<Answer<TransactionView>>
  read: (path: string) => Promise<Response>
  /** The transaction once it has this status, or has ended in another way. */
  ended: (id: string) => Promise<TransactionView>
}

/** An agent with 10 SOL, policies of its own (by type) beside a spending limit far away, and a session. */
export async function solanaPayer(
  { http, node }: SolanaChain,
  policies: Record<string, unknown> = {},
  agent: Record<string, unknown> = {},
): Promise<SolanaPayer> {
  const made = await http.operate<AgentView>('POST', '/v1/agents', { name: `payer ${newId()}`, ...agent })
  const { address } = made.wallets.find(({ chain }) => chain === 'solana')!
  await node.control.fund(address, 10n * SOL)
  const usual = { SPENDING_LIMIT: { instant_max: `${10n ** 30n}` }, COUNTERPARTY: { first_payment: 'INSTANT' } }
  for (const [type, rules] of Object.entries({ ...usual, ...policies })) {
    await http.operate('POST', '/v1/policies', { agentId: made.id, type, rules })
  }
  const { token } = await http.operate<{ token: string }>('POST', '/v1/sessions', { agentId: made.id })
  const headers = { Authorization: `Bearer ${token}` }
  const ask = async <View>(path: string, body: object): Promise<Answer<View>> => {
    const answer = await http.fetch(path, post(body, { ...headers, 'Idempotency-Key': newId() }))
    return { status: answer.status, body: (await answer.json()) as Answer<View>['body'] }
  }
  const read = (path: string) => http.fetch(path, { headers })
  const network = 'solana-local'
  return {
    id: made.id,
    address,
    token,
    read,
    send: (request) => ask('/v1/transactions/send', { network, ...request }),
    simulate: (request) => ask('/v1/transactions/simulate', { network, ...request }),
    sign: (transaction) => ask('/v1/transactions/sign', { network, transaction }),
    ended: async (id) => {
      for (;;) {
        const answer = await read(`/v1/transactions/${id}`)
        const transaction = (await answer.json()) as TransactionView
        if (['CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED'].includes(transaction.status)) return transaction
        await pause(50)
      }
    },
  }
}

/** Policies that let an agent pay with these tokens, however much. */
export function allowTokens(...tokens: readonly string[]): Record<string, unknown> {
  const limit = { instant_max: `${10n ** 30n}` }
  return {
    ALLOWED_TOKENS: { tokens: tokens.map((address) => ({ address })) },
    SPENDING_LIMIT: {
      ...limit,
      token_limits: Object.fromEntries(tokens.map((each) => [`solana-local/${each}`, limit])),
    },
  }
}
