import { base58 } from '@scure/base'
import { approvalDigest, checksumAddress, type NetworkName } from '@waiaas/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import { spentUnder } from '../store/ledger.ts'
import { findTransaction } from '../store/transactions.ts'
import { verifyEvents } from '../store/verify-audit.ts'
import { approvalContent } from './approval.ts'
import type { Step } from './parts.ts'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { createReferenceLedger, type ReferenceLedger, type ReferenceRules } from './testing/reference-ledger.ts'
import { address, createWorld, movableClock, SOLANA_WALLET, WALLET } from './testing/world.ts'

const START = 1_800_000_000
const OWNER = address(0x0b)
const steps: Step[] = ['judged', 'signed', 'broadcast', 'submitted', 'settled']
const rules: ReferenceRules = {
  instantMax: 10n,
  delayMax: 100n,
  delaySeconds: 60,
  approvalSeconds: 300,
  windowSeconds: 600,
  windowMax: 300n,
  budget: 1500n,
}

/** An engine that dies where it is told, in a world with a clock that can go anywhere. */
async function createSubject(network: NetworkName) {
  const books = emptyBooks()
  const wallet = network === 'evm-local' ? WALLET : SOLANA_WALLET
  books.balances.set(wallet, 10n ** 24n)
  const chain = createLedgerChain(network, books)
  chain.setFee(0n)
  const death: { at?: Step | undefined; dead: boolean } = { dead: false }
  const alive = <Arguments extends unknown[], Result>(method: (...given: Arguments) => Promise<Result>) => {
    return async (...given: Arguments) => {
      if (death.dead) throw new Error('dead')
      return await method(...given)
    }
  }
  const mortal: ChainAdapter = { ...chain, draft: alive(chain.draft), broadcast: alive(chain.broadcast) }
  const clock = movableClock(START)
  const world = await createWorld({
    adapters: new Map([[network, mortal]]),
    clock,
    owner: OWNER,
    policies: [{ type: 'SPENDING_LIMIT', rules: spendingRules() }],
    onStep: (step) => {
      if (!death.dead && step !== death.at) return
      death.dead = true
      throw new Error('dead')
    },
  })
  const constraints = JSON.stringify({ maxTotalAmount: { native: String(rules.budget) } })
  await world.db.kysely.updateTable('sessions').set({ constraints }).execute()
  // From here on it knows the time.
  await world.engine.runDue()
  const ids: string[] = []
  return { world, chain, clock, death, ids, wallet, payee: (which: number) => payeeOn(network, which) }
}

function spendingRules() {
  const { instantMax, delayMax, delaySeconds, approvalSeconds, windowSeconds, windowMax } = rules
  return {
    instant_max: String(instantMax),
    delay_max: String(delayMax),
    delay_seconds: delaySeconds,
    approval_timeout: approvalSeconds,
    windows: [{ seconds: windowSeconds, max: String(windowMax) }],
  }
}

/** Each payment has a payee of its own. */
function payeeOn(network: NetworkName, which: number): string {
  if (network === 'solana-local') return base58.encode(new Uint8Array(32).fill(which + 1))
  return checksumAddress((which + 1).toString(16).padStart(40, '0'))
}

type Subject = Awaited<ReturnType<typeof createSubject>>
type Command = fc.AsyncCommand<ReferenceLedger, Subject>

const failed = async (work: Promise<unknown>) => (await Promise.allSettled([work]))[0].status === 'rejected'

/** Sends and remembers the id, which the log knows where the caller was told nothing. */
async function send({ world, ids, payee }: Subject, which: number, amount: bigint): Promise<void> {
  const request = { type: 'TRANSFER', to: payee(which), amount: String(amount) } as const
  await Promise.allSettled([world.engine.send(world.caller, request, `key ${which}`)])
  const row = await world.db.kysely
    .selectFrom('transactions')
    .select('id')
    .where('idempotency_key', '=', `key ${which}`)
    .executeTakeFirstOrThrow()
  ids[which] = row.id
}

/** Lets everything that is due happen, in spite of a death on the way; then both must say the same. */
async function settle(model: ReferenceLedger, subject: Subject): Promise<void> {
  const { world, death } = subject
  const run = async () => {
    await Promise.allSettled([world.engine.runDue()])
    await Promise.allSettled([world.engine.recover()])
  }
  await run()
  if (death.dead) {
    await revive(model, subject, 0)
    await run()
    // What the first round gave to the chain, the second finds in a block.
    await run()
  }
  model.runDue()
  await compare(model, subject)
}

/** Starts it again. While it was down the clock was moved, and it takes that for time that passed. */
async function revive(model: ReferenceLedger, { world, clock, death }: Subject, seconds: number): Promise<void> {
  const before = world.steady.seconds()
  await world.restart(() => clock.jump(seconds))
  death.dead = false
  delete death.at
  model.pass(world.steady.seconds() - before)
}

async function compare(model: ReferenceLedger, { world, chain, ids, payee }: Subject): Promise<void> {
  const rows = await world.db.kysely.selectFrom('transactions').select(['id', 'status']).execute()
  const statuses = new Map(rows.map(({ id, status }) => [id, status]))
  expect(ids.map((id) => statuses.get(id))).toEqual(model.payments.map(({ status }) => status))
  expect(rows).toHaveLength(model.payments.length)
  const { blocks } = chain.books
  for (const [which, { status, amount }] of model.payments.entries()) {
    const made = blocks.filter(({ to }) => to === payee(which)).map((block) => block.amount)
    expect(made, `payment ${which}`).toEqual(status === 'CONFIRMED' ? [amount] : [])
  }
  const from = world.steady.ago(rules.windowSeconds)
  expect(await spentUnder(world.db.kysely, world.agentId, 'native', from)).toBe(model.spentInWindow())
}

/** A step that the model and the engine take, after which they must agree. */
function command(text: string, run: (model: ReferenceLedger, subject: Subject) => Promise<void>): Command {
  return {
    check: () => true,
    run: async (model, subject) => {
      await run(model, subject)
      await settle(model, subject)
    },
    toString: () => text,
  }
}

const sends = fc.oneof(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 200 })).map((amount) =>
  command(`send ${amount}`, async (model, subject) => {
    model.send(BigInt(amount))
    await send(subject, model.payments.length - 1, BigInt(amount))
  }),
)
const sendsAgain = fc.record({ pick: fc.nat(), other: fc.boolean() }).map(({ pick, other }) =>
  command(`send ${pick} again${other ? ' as another' : ''}`, async ({ payments }, { world, payee, ids }) => {
    if (payments.length === 0) return
    const which = pick % payments.length
    const amount = payments[which]!.amount + (other ? 1n : 0n)
    const request = { type: 'TRANSFER', to: payee(which), amount: String(amount) } as const
    const again = world.engine.send(world.caller, request, `key ${which}`)
    if (other) await expect(again).rejects.toMatchObject({ code: 'IDEMPOTENCY_CONFLICT' })
    else
      expect(
        await again.then(
          ({ id }) => id,
          ({ details }) => details.transactionId,
        ),
      ).toBe(ids[which])
  }),
)
const cancels = fc.nat().map((pick) =>
  command(`cancel ${pick}`, async (model, { world, ids }) => {
    if (ids.length === 0) return
    const which = pick % ids.length
    expect(await failed(world.engine.cancel(ids[which]!, 'tester'))).toBe(!model.cancel(which))
  }),
)
const approvals = fc.nat().map((pick) =>
  command(`approve ${pick}`, async (model, { world, ids, wallet, death }) => {
    if (ids.length === 0) return
    const which = pick % ids.length
    const row = (await findTransaction(world.db.kysely, ids[which]!))!
    if (row.approval_expires_at === null) return
    delete death.at
    const digest = approvalDigest(approvalContent(row, wallet))
    const approval = { ownerAddress: OWNER, challengeId: 'challenge', digest, signature: '0x' }
    expect(await failed(world.engine.approve(row.id, approval))).toBe(!model.approve(which))
  }),
)
const times = fc.oneof(fc.integer({ min: 1, max: 90 }), fc.constantFrom(59, 60, 299, 300, 600, 601))
/** In tens of seconds, so that none is as small as what the clock takes for drift. */
const skips = fc.oneof(
  fc.integer({ min: -100, max: 100 }).map((tens) => tens * 10),
  fc.constantFrom(-3600, -600, -60, 60, 300, 600, 3600),
)
const waits = times.map((seconds) =>
  command(`${seconds} s pass`, async (model, { clock }) => {
    clock.move(seconds)
    model.pass(seconds)
  }),
)
const jumps = skips.map((seconds) => command(`clock jumps ${seconds}`, async (_, { clock }) => clock.jump(seconds)))
const restarts = skips.map((seconds) =>
  command(`restart, clock ${seconds}`, async (model, subject) => await revive(model, subject, seconds)),
)
const crashes = fc.constantFrom(...steps).map((at) =>
  command(`die when ${at}`, async (_, { death }) => {
    death.at = at
  }),
)

const commands = fc.commands(
  [sends, sends, sends, sends, sendsAgain, cancels, approvals, waits, waits, jumps, restarts, crashes],
  {
    maxCommands: 40,
    size: 'medium',
  },
)

test.each<NetworkName>(['evm-local', 'solana-local'])(
  'whatever is asked, killed and whatever the clock does on %s, limits, delays, keys and states are those of a plain ledger',
  async (network) => {
    await fc.assert(
      fc.asyncProperty(commands, async (each) => {
        const subject = await createSubject(network)
        try {
          await fc.asyncModelRun(() => ({ model: createReferenceLedger(rules), real: subject }), each)
          expect(await verifyEvents(subject.world.db.kysely)).toMatchObject({ ok: true })
        } finally {
          await subject.world.close()
        }
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 25) },
    )
  },
  300_000,
)
