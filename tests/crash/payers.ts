import { randomUUID } from 'node:crypto'
import { signAsOwner } from '@waiaas/daemon'
import { WAIaaSClient, WAIaaSOwnerClient } from '@waiaas/sdk'
import { expect } from 'vitest'
import type { Payment, TestedChain } from './chains.ts'
import type { DoomedWallet } from './doomed-wallet.ts'

/** An agent with money, a session and an owner. */
export type Payer = {
  agentId: string
  sessionId: string
  address: string
  /** Clients of the daemon as it runs now; they try once unless told. */
  client: (retries?: number) => WAIaaSClient
  owner: () => WAIaaSOwnerClient
  ownerAddress: string
}

/** A payment under its key, as its client knows it. */
export type Sent = { payer: Payer; payment: Payment; key: string }

/** From the restart on, everything is final within this time. */
const FINAL_SECONDS = 60
/** A thousand at once take a while where much else runs. */
const PATIENCE_MILLIS = 180_000
const INSTANT = 1n
const DELAY = 10n

/** The rules of all agents: up to a coin at once, up to ten after a minute, above with the owner's yes. */
export async function setPolicies(wallet: DoomedWallet, ...chains: readonly TestedChain[]): Promise<void> {
  const limits = chains.flatMap(({ network, family, coin, token }) => [
    [`native:${family}`, { instant_max: String(INSTANT * coin), delay_max: String(DELAY * coin) }],
    [`${network}/${token}`, { instant_max: '1000000' }],
  ])
  const list = (addresses: readonly string[]) => addresses.map((address) => ({ address }))
  const rules: Record<string, object> = {
    SPENDING_LIMIT: { token_limits: Object.fromEntries(limits), delay_seconds: 60, approval_timeout: 300 },
    COUNTERPARTY: { first_payment: 'INSTANT' },
    ALLOWED_TOKENS: { tokens: list(chains.map(({ token }) => token)) },
    APPROVED_SPENDERS: { spenders: list(chains.flatMap(({ spenders }) => spenders)) },
    APPROVE_TIER_OVERRIDE: { tier: 'INSTANT' },
    CONTRACT_WHITELIST: { contracts: list(chains.flatMap(({ contracts }) => contracts)) },
  }
  const admin = wallet.admin()
  for (const policy of await admin.listPolicies()) await admin.deletePolicy(policy.id)
  for (const [type, each] of Object.entries(rules)) {
    await admin.createPolicy({ type, rules: each } as Parameters<typeof admin.createPolicy>[0])
  }
}

export async function newPayer(wallet: DoomedWallet, chain: TestedChain): Promise<Payer> {
  const admin = wallet.admin()
  const owner = chain.newOwner()
  const agent = await admin.createAgent({
    name: `payer of ${owner.address}`,
    chains: [chain.family],
    ownerAddress: owner.address,
  })
  const { address } = agent.wallets[0]!
  const session = await admin.createSession({ agentId: agent.id, ttl: 604_800 })
  await chain.fund(address)
  return {
    agentId: agent.id,
    sessionId: session.id,
    address,
    client: (retries = 0) =>
      new WAIaaSClient({
        baseUrl: wallet.url(),
        sessionToken: session.token,
        retries,
        timeoutMillis: PATIENCE_MILLIS,
      }),
    owner: () =>
      new WAIaaSOwnerClient({
        baseUrl: wallet.url(),
        retries: 0,
        sign: ({ scheme, message }) => signAsOwner(owner.key, { scheme, message }),
      }),
    ownerAddress: owner.address,
  }
}

export async function newPayment(chain: TestedChain, kind: string, payer: Payer, nth: number): Promise<Sent> {
  return { payer, payment: await chain.kinds[kind]!(payer.address, nth), key: randomUUID() }
}

/** What a client does that knows only its key: the same call again. */
export async function sendAgain({ payer, payment, key }: Sent, wait = FINAL_SECONDS, retries = 0) {
  return await payer.client(retries).send(payment.request, { idempotencyKey: key, wait })
}

/** All are confirmed in time, each took effect once, and the books say what the chain says. */
export async function assertMade(wallet: DoomedWallet, chain: TestedChain, sent: readonly Sent[]): Promise<void> {
  const statuses = async () => (await Promise.all(sent.map((each) => sendAgain(each)))).map(({ status }) => status)
  await expect.poll(statuses).toEqual(sent.map(() => 'CONFIRMED'))
  for (const { payment } of sent) expect(await payment.arrived()).toBe(payment.amount)
  for (const payer of new Set(sent.map((each) => each.payer))) await assertBooks(wallet, chain, payer)
}

/** The chain has exactly the transactions that the wallet has booked, and its balance is what the ledger says. */
export async function assertBooks(wallet: DoomedWallet, chain: TestedChain, payer: Payer): Promise<void> {
  const booked = wallet.query(
    `SELECT attempts.hash FROM attempts JOIN transactions ON transactions.id = transaction_id
     WHERE agent_id = ? AND state IN ('INCLUDED', 'FINAL')`,
    payer.agentId,
  )
  expect((await chain.made(payer.address)).toSorted()).toEqual(booked.map(({ hash }) => hash).toSorted())
  const entries = wallet.query(
    'SELECT amount, state, asset FROM ledger WHERE agent_id = ? AND native = 1',
    payer.agentId,
  )
  expect(entries.filter(({ state }) => state === 'RESERVED')).toEqual([])
  const spent = entries.filter(({ state }) => state === 'COMMITTED').reduce((sum, row) => sum + BigInt(row.amount!), 0n)
  expect(100n * chain.coin - spent).toBe(await chain.balance(payer.address))
  const totals = wallet.query(
    'SELECT total FROM ledger_totals WHERE agent_id = ? AND span = 4096 AND key IN (SELECT asset FROM ledger WHERE native = 1)',
    payer.agentId,
  )
  expect(totals.reduce((sum, { total }) => sum + BigInt(total!), 0n)).toBe(spent)
}
