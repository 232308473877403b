import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TestedChain } from './chains.ts'
import { type DoomedWallet, startDoomedWallet } from './doomed-wallet.ts'
import { startTestedEvm } from './evm-chain.ts'
import {
  assertBooks,
  assertMade,
  newPayer,
  newPayment,
  type Payer,
  type Sent,
  sendAgain,
  setPolicies,
} from './payers.ts'
import { startTestedSolana } from './solana-chain.ts'

vi.setConfig({ testTimeout: 240_000, hookTimeout: 180_000 })

let evm: TestedChain
let solana: TestedChain
let wallet: DoomedWallet
beforeAll(async () => {
  evm = await startTestedEvm()
  solana = await startTestedSolana()
  wallet = await startDoomedWallet({
    WAIAAS_RPC_EVM_LOCAL: evm.rpcUrl,
    WAIAAS_RPC_SOLANA_LOCAL: solana.rpcUrl,
    WAIAAS_SECURITY_RECOVERY_WAIT_WITHOUT_OWNER_SECONDS: '0',
    WAIAAS_AUTO_STOP_ENABLED: 'false',
  })
  await setPolicies(wallet, evm, solana)
})
afterAll(async () => {
  await wallet?.stop()
  await solana?.stop()
  await evm?.stop()
})

/** A thousand connections at once may not all be taken the first time. */
const RETRIES = 5

/** Sends until a node answers in time: an attempt that fails with CHAIN_ERROR leaves nothing behind. */
async function answered(sent: Sent): ReturnType<typeof sendAgain> {
  for (;;) {
    try {
      return await sendAgain(sent, 0, RETRIES)
    } catch (error) {
      if ((error as { code: string }).code !== 'CHAIN_ERROR') throw error
    }
  }
}

/** What a send was told: the status or the code. */
async function told(sent: Sent): Promise<string> {
  try {
    return (await sendAgain(sent, 0, RETRIES)).status
  } catch (error) {
    return (error as { code: string }).code
  }
}

const tell = (sent: readonly Sent[]) => Promise.all(sent.map(told))

function many(count: number, payer: Payer, amount: bigint, chain = evm): Sent[] {
  return Array.from({ length: count }, () => {
    const to = chain.newAddress()
    const request = { network: chain.network, to, amount: String(amount) } as const
    return { payer, key: randomUUID(), payment: { request, amount, arrived: () => chain.balance(to) } }
  })
}

/** Number of the log's first entry of a type about an agent. */
function entryOf(type: string, agentId: string): number {
  const [row] = wallet.query('SELECT seq FROM events WHERE type = ? AND agent_id = ?', type, agentId)
  return Number(row!.seq)
}

function allowedAfter(seq: number, agentId: string): unknown[] {
  const sql = "SELECT seq FROM events WHERE type = 'TX_ALLOWED' AND agent_id = ? AND seq > ?"
  return wallet.query(sql, agentId, String(seq))
}

async function arrivals(sent: readonly Sent[]): Promise<number> {
  const amounts = await Promise.all(sent.map(({ payment }) => payment.arrived()))
  return amounts.filter((amount) => amount > 0n).length
}

const openOf = (agentId: string) =>
  wallet.query(
    "SELECT id FROM transactions WHERE agent_id = ? AND status NOT IN ('CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED')",
    agentId,
  )

describe('limits', () => {
  const limited = async (rules: Record<string, unknown>) => {
    const payer = await newPayer(wallet, evm)
    await wallet.admin().createPolicy({ agentId: payer.agentId, type: 'SPENDING_LIMIT', rules })
    return payer
  }

  test('of 1000 at once as many are made as the window admits', async () => {
    const amount = evm.coin / 10n
    const max = 10n * amount + amount / 2n
    const payer = await limited({
      instant_max: String(evm.coin),
      windows: [{ seconds: 86_400, asset: 'native:evm', max: String(max) }],
    })
    const sent = many(1000, payer, amount)
    const answers = await tell(sent)
    const admitted = sent.filter((_, index) => answers[index] !== 'SPENDING_LIMIT_EXCEEDED')
    expect(admitted).toHaveLength(10)
    await assertMade(wallet, evm, admitted)
    expect(await arrivals(sent)).toBe(10)
  })

  test('amounts of 127 bits are counted to the last unit', async () => {
    const half = 2n ** 126n
    const payer = await limited({
      instant_max: String(2n ** 256n - 1n),
      windows: [{ seconds: 86_400, asset: 'native:evm', max: String(half + evm.coin) }],
    })
    await evm.grant(payer.address, half + half / 2n)
    const sent = [...many(1, payer, half), ...many(1, payer, 2n ** 63n)]
    expect(await tell(sent.slice(0, 1))).toEqual(['EXECUTING'])
    expect(await tell(sent.slice(1))).toEqual(['SPENDING_LIMIT_EXCEEDED'])
    expect(await sendAgain(sent[0]!)).toMatchObject({ status: 'CONFIRMED' })
    expect(await sent[0]!.payment.arrived()).toBe(half)
  })

  test.each([
    [0n, 'VALIDATION_FAILED'],
    [2n ** 63n, 'CONFIRMED'],
    [2n ** 64n, 'CONFIRMED'],
    [2n ** 256n - 1n, 'INSUFFICIENT_BALANCE'],
    [2n ** 256n, 'VALIDATION_FAILED'],
    [10n ** 78n, 'VALIDATION_FAILED'],
  ])('8 payments of %s at once are each %s', async (amount, outcome) => {
    const payer = await limited({ instant_max: String(2n ** 256n - 1n) })
    await evm.grant(payer.address, 8n * 2n ** 64n)
    const sent = many(8, payer, amount)
    if (outcome !== 'CONFIRMED') {
      expect(await tell(sent)).toEqual(sent.map(() => outcome))
      expect(await arrivals(sent)).toBe(0)
      return
    }
    const views = await Promise.all(sent.map((each) => sendAgain(each)))
    expect(views.map(({ status }) => status)).toEqual(sent.map(() => outcome))
    for (const { payment } of sent) expect(await payment.arrived()).toBe(amount)
  })
})

test('of 1000 at once under one key one is made, and all are told of the same one', async () => {
  const payer = await newPayer(wallet, evm)
  const [one] = many(1, payer, evm.coin / 10n)
  const told = await Promise.all(Array.from({ length: 1000 }, () => answered(one!)))
  const [id, ...others] = new Set(told.map((view) => view.id))
  expect(others).toEqual([])
  await assertMade(wallet, evm, [one!])
  expect(wallet.query('SELECT id FROM transactions WHERE agent_id = ?', payer.agentId)).toEqual([{ id }])
})

test.each(['evm', 'solana'] as const)('32 at once from one wallet on %s are all made', async (family) => {
  const chain = family === 'evm' ? evm : solana
  const payer = await newPayer(wallet, chain)
  const sent = many(32, payer, chain.coin / 100n, chain)
  await tell(sent)
  await assertMade(wallet, chain, sent)
  const rows = wallet.query(
    'SELECT sequence FROM attempts JOIN transactions ON transactions.id = transaction_id WHERE agent_id = ?',
    payer.agentId,
  )
  const numbers = rows.map(({ sequence }) => (sequence === null ? null : Number(sequence)))
  const numbered = Array.from({ length: 32 }, (_, index) => (family === 'evm' ? index : null))
  expect(numbers.toSorted((a, b) => Number(a) - Number(b))).toEqual(numbered)
})

test('a second daemon on the same data is refused in words, and the first goes on', async () => {
  const { code, output } = await wallet.startAgain()
  expect(code).not.toBe(0)
  expect(output).toContain(`The daemon is running already on ${wallet.url()}`)
  const payer = await newPayer(wallet, evm)
  await assertMade(wallet, evm, [await newPayment(evm, 'TRANSFER', payer, 0)])
})

test('approval, cancellation and expiry in the same moment: one of them holds', async () => {
  const sent: Sent[] = []
  for (let count = 0; count < 12; count++) sent.push(...many(1, await newPayer(wallet, evm), 20n * evm.coin))
  const asked = await Promise.all(sent.map(async (each) => ({ ...each, id: (await sendAgain(each, 0)).id })))
  wallet.passTime(297)
  const race = asked.map(async ({ payer, id }) => {
    const answers = await Promise.allSettled([payer.owner().approve(id), payer.client().cancel(id)])
    return answers.map(({ status }) => status === 'fulfilled')
  })
  wallet.passTime(4)
  const won = await Promise.all(race)
  for (const [index, { id, payer, payment }] of asked.entries()) {
    await expect.poll(() => openOf(payer.agentId)).toEqual([])
    const { status } = await payer.client().getTransaction(id)
    const [approved, cancelled] = won[index]!
    expect(status).toBe(approved ? 'CONFIRMED' : cancelled ? 'CANCELLED' : 'EXPIRED')
    expect(approved && cancelled).toBe(false)
    expect(await payment.arrived()).toBe(approved ? payment.amount : 0n)
    await assertBooks(wallet, evm, payer)
  }
})

describe('100 payments on their way when', () => {
  const race = async (payer: Payer, stop: () => Promise<unknown>) => {
    const sent = many(100, payer, evm.coin / 100n)
    const first = tell(sent.slice(0, 50))
    const stopped = stop()
    const second = tell(sent.slice(50))
    await stopped
    const late = many(10, payer, evm.coin / 100n)
    const told = { late: await tell(late), all: [...(await first), ...(await second)] }
    await expect.poll(() => openOf(payer.agentId)).toEqual([])
    return { ...told, sent, arrived: await arrivals(sent), lateArrived: await arrivals(late) }
  }
  const none = (code: string) => Array.from({ length: 10 }, () => code)

  test('the policy is tightened: none passes by the old rules afterwards', async () => {
    const payer = await newPayer(wallet, evm)
    const { agentId } = payer
    const tighten = () =>
      wallet.admin().createPolicy({ agentId, type: 'RATE_LIMIT', rules: { max_requests: 0, window_seconds: 60 } })
    const { late, lateArrived, all, arrived } = await race(payer, tighten)
    expect(late).toEqual(none('RATE_LIMIT_EXCEEDED'))
    expect(lateArrived).toBe(0)
    expect(allowedAfter(entryOf('POLICY_CREATED', agentId), agentId)).toEqual([])
    expect(arrived).toBe(all.filter((answer) => answer !== 'RATE_LIMIT_EXCEEDED').length)
    await assertBooks(wallet, evm, payer)
  })

  test('the session is revoked: none of it passes afterwards', async () => {
    const payer = await newPayer(wallet, evm)
    const { agentId, sessionId } = payer
    const { late, lateArrived } = await race(payer, () => wallet.admin().revokeSession(sessionId))
    expect(late).toEqual(none('SESSION_REVOKED'))
    expect(lateArrived).toBe(0)
    expect(allowedAfter(entryOf('SESSION_REVOKED', agentId), agentId)).toEqual([])
    await assertBooks(wallet, evm, payer)
  })

  test('the agent is suspended: nothing is signed afterwards', async () => {
    const payer = await newPayer(wallet, evm)
    const { agentId } = payer
    const { late, lateArrived } = await race(payer, () => wallet.admin().suspendAgent(agentId))
    expect(late).toEqual(none('AGENT_SUSPENDED'))
    expect(lateArrived).toBe(0)
    const sql = "SELECT seq FROM events WHERE type = 'TX_SIGNED' AND agent_id = ? AND seq > ?"
    expect(wallet.query(sql, agentId, String(entryOf('AGENT_SUSPENDED', agentId)))).toEqual([])
    await assertBooks(wallet, evm, payer)
  })

  test('the kill switch is turned on: no bytes go out afterwards', async () => {
    const payer = await newPayer(wallet, evm)
    const trace = wallet.trace()
    const { late, lateArrived } = await race(payer, () => wallet.admin().activateKillSwitch())
    expect(late).toEqual(none('SYSTEM_LOCKED'))
    expect(lateArrived).toBe(0)
    const lines = trace.lines()
    const stop = lines.indexOf('commit KILL_SWITCH_ACTIVATED')
    expect(stop).toBeGreaterThan(0)
    expect(lines.slice(stop)).not.toContain('call eth_sendRawTransaction')
    await assertBooks(wallet, evm, payer)
  })
})
