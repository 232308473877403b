import type { TransactionView } from '@waiaas/core'
import { type BodyOf, type WAIaaSAdminClient, WAIaaSError } from '@waiaas/sdk'
import { asOperator, findAgent } from '../as-operator.ts'
import { printable } from '../ask-owner.ts'
import { assertConfirmed } from '../confirm.ts'
import { CliError } from '../fault.ts'
import { detailLines, feeText, isOut, noticeLines, statusText, summaryLines } from '../payment-text.ts'

type Confirmation = { yes?: boolean }
type ListOptions = { open?: boolean; agent?: string; limit?: string; json?: boolean }

/** A fee of more than this many times the allowed one is confirmed first: a digit too many costs real money. */
const USUAL_RAISE = 10n
const PAGE = 100
const NEWEST = 20

/** Shows payments of all agents, newest first: those that are open, or the newest ones. */
export async function listPayments(dataDir: string, options: ListOptions): Promise<void> {
  const limit = limitOf(options)
  await asOperator(dataDir, async (admin) => {
    const agentId = options.agent === undefined ? undefined : (await findAgent(admin, options.agent)).id
    const { items, hasMore } = await readPayments(admin, { agentId, open: options.open === true }, limit)
    if (options.json === true) return console.log(JSON.stringify(items))
    if (items.length === 0) return console.log(options.open === true ? 'No payment is open.' : 'There are no payments.')
    const nameOf = await agentNames(admin)
    for (const view of items) print(summaryLines(view, nameOf(view.agentId)))
    console.log('Details and next steps: waiaas tx show <transaction>')
    if (hasMore) console.log(`There are older ones: waiaas tx list --limit ${limit * 2}`)
  })
}

/** Shows everything about one payment, and which commands can follow. */
export async function showPayment(dataDir: string, id: string, { json }: { json?: boolean }): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const view = await admin.getTransaction(id)
    if (json === true) return console.log(JSON.stringify(view))
    print(detailLines(view, (await agentNames(admin))(view.agentId)))
  })
}

/** Cancels a payment that is not final; with a fee (base units), closing it may cost that much. */
export async function cancel(
  dataDir: string,
  id: string,
  { maxFee, yes }: Confirmation & { maxFee?: string },
): Promise<void> {
  const fee = maxFee === undefined ? undefined : readBaseUnits('--max-fee', maxFee)
  await asOperator(dataDir, async (admin) => {
    const before = fee === undefined ? undefined : await admin.getTransaction(id)
    if (fee !== undefined && before !== undefined && isOut(before)) await assertFee(before, fee, { yes })
    const given = await admin.cancel(id)
    if (fee === undefined || before === undefined) return show(given)
    if (!given.closing) {
      show(given)
      return console.log('--max-fee was not needed: nothing had been sent, so cancelling it costs no fee.')
    }
    if (isOut(before)) return show(await setFee(admin, given, fee))
    show(given)
    console.log('It was sent in the meantime. To use --max-fee for closing it, run the command again.')
  })
}

/** @throws CliError before anything is done: where the fee allows nothing more, or is very high and not confirmed. */
async function assertFee(view: TransactionView, fee: bigint, confirmation: Confirmation): Promise<void> {
  const { id, network, closing } = view
  const allowed = BigInt(view.maxFee ?? 0)
  const allowedText = `${feeText(network, allowed)} (${allowed} base units)`
  // One that is closing may be given a lower fee again.
  if (!closing && fee <= allowed) {
    throw new CliError(
      `Cancelling ${id} may cost ${allowedText} already; --max-fee has to be more. Nothing was changed.`,
      {
        hint: `To cancel it for at most that: waiaas tx cancel ${id}`,
      },
    )
  }
  if (fee <= allowed * USUAL_RAISE) return
  const facts = [
    `Closing ${id} may then cost up to ${feeText(network, fee)} (${fee} base units) in fees.`,
    `So far it may cost ${allowedText}.`,
  ]
  await assertConfirmed(facts, confirmation)
}

/** @throws CliError where the fee is refused: the payment is being cancelled all the same. */
async function setFee(admin: WAIaaSAdminClient, { id, network, maxFee }: TransactionView, fee: bigint) {
  try {
    return await admin.raiseMaxFee(id, fee.toString())
  } catch (error) {
    // Without an answer nobody knows whether the fee was taken.
    if (!(error instanceof WAIaaSError) || error.status < 400 || error.status >= 500) throw error
    const allowed = feeText(network, BigInt(maxFee ?? 0))
    throw new CliError(`${error.message} The payment is being cancelled, and its fee stays at most ${allowed}.`, {
      hint: `See: waiaas tx show ${id}`,
      cause: error,
    })
  }
}

/** Continues a payment that was given up. */
export async function continueTransaction(dataDir: string, id: string): Promise<void> {
  await asOperator(dataDir, async (admin) => show(await admin.continueTransaction(id)))
}

/** Proves on a node of the operator's choice what became of a payment. */
export async function prove(dataDir: string, id: string, { rpc }: { rpc: string }): Promise<void> {
  const url = URL.parse(rpc)
  if (url === null || !['http:', 'https:'].includes(url.protocol)) {
    throw new CliError('--rpc must be an http or https address.', { hint: 'Such as: --rpc http://127.0.0.1:8545' })
  }
  await asOperator(dataDir, async (admin) => {
    console.error(`Asking ${url.host} what became of ${printable(id)}; this may take half a minute.`)
    try {
      show(await admin.proveTransaction(id, rpc))
    } catch (error) {
      const isOfNode = error instanceof WAIaaSError && ['CHAIN_ERROR', 'OUTCOME_UNKNOWN'].includes(error.code)
      if (!isOfNode) throw error
      throw new CliError(error.message, {
        hint: 'Name another node with --rpc: one that serves this network and keeps its history. Nothing was changed.',
        cause: error,
      })
    }
  })
}

/** Ends a payment without a proof, on the operator's word. */
export async function writeOff(
  dataDir: string,
  id: string,
  { asPaid, asUnpaid, amount, yes }: Confirmation & { asPaid?: boolean; asUnpaid?: boolean; amount?: string },
): Promise<void> {
  const choice = choiceOf({ id, asPaid, asUnpaid, amount })
  await asOperator(dataDir, async (admin) => {
    const view = await admin.getTransaction(id)
    if (isOut(view)) {
      if (choice.as === 'unpaid' && choice.amount !== view.amount) {
        throw new CliError('--amount is not the amount of this payment in base units. Nothing was changed.', {
          hint: `Is it the payment that you mean? See: waiaas tx show ${id}`,
        })
      }
      const nameOf = await agentNames(admin)
      const summary = summaryLines(view, nameOf(view.agentId)).map(printable)
      const stillSent = view.type === 'SIGN' ? [CAN_BE_SENT] : []
      await assertConfirmed([...summary, consequence[choice.as], ...stillSent], { yes })
    }
    show(await admin.writeOff(id, choice))
  })
}

const consequence = {
  paid: 'It ends as paid, without a proof: its amount counts as spent. This cannot be undone.',
  unpaid:
    'It ends as unpaid, without a proof: its amount is available again. If it was paid after all, the agent can spend that amount twice. This cannot be undone.',
} as const

const CAN_BE_SENT =
  'It was made elsewhere: whoever has its bytes can send it as long as its nonce or blockhash lasts. It counts as spent anew then.'

function choiceOf(given: {
  id: string
  asPaid: boolean | undefined
  asUnpaid: boolean | undefined
  amount: string | undefined
}): BodyOf<'writeOffTransaction'> {
  if (given.asPaid === given.asUnpaid) {
    throw new CliError('Say whether it was paid.', { hint: 'Give exactly one of --as-paid and --as-unpaid.' })
  }
  if (given.asPaid) return { as: 'paid' }
  if (given.amount !== undefined) return { as: 'unpaid', amount: `${readBaseUnits('--amount', given.amount)}` }
  throw new CliError('To write a payment off as unpaid, repeat its amount with --amount.', {
    hint: `The base units of the amount: waiaas tx show ${given.id}`,
  })
}

/** Accounts for which nothing is signed, and why. */
export async function listHeld(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const held = await admin.listHeldAccounts()
    if (held.length === 0) console.log('No account is held.')
    for (const { network, address, why } of held) console.log(`${network}  ${address}\n  ${printable(why)}`)
  })
}

export async function release(
  dataDir: string,
  { network, address, all }: { network?: string; address?: string; all?: boolean },
): Promise<void> {
  if ((all === true) === (address !== undefined)) {
    throw new CliError('Say which account.', { hint: 'Give its network and address, or --all.' })
  }
  await asOperator(dataDir, async (admin) => {
    if (all === true) return await releaseAll(admin)
    const body = { network, address } as BodyOf<'releaseAccount'>
    if (!(await admin.releaseAccount(body))) {
      throw new CliError(`${body.address} on ${body.network} is not held.`, { hint: 'See: waiaas account list' })
    }
    console.log(`${body.address} on ${body.network} is released.`)
  })
}

async function releaseAll(admin: WAIaaSAdminClient): Promise<void> {
  const held = await admin.listHeldAccounts()
  if (held.length === 0) console.log('No account is held.')
  for (const { network, address } of held) {
    await admin.releaseAccount({ network, address } as BodyOf<'releaseAccount'>)
    console.log(`${address} on ${network} is released.`)
  }
}

async function readPayments(
  admin: WAIaaSAdminClient,
  { agentId, open }: { agentId: string | undefined; open: boolean },
  limit: number,
): Promise<{ items: TransactionView[]; hasMore: boolean }> {
  const items: TransactionView[] = []
  let cursor: string | undefined
  do {
    const page = await admin.listTransactions({
      limit: Math.min(PAGE, limit - items.length),
      ...(agentId === undefined ? {} : { agentId }),
      ...(open ? { open: 'true' } : {}),
      ...(cursor === undefined ? {} : { cursor }),
    })
    items.push(...page.items)
    cursor = page.cursor
  } while (cursor !== undefined && items.length < limit)
  return { items, hasMore: cursor !== undefined }
}

/** All that are open are shown; of all payments there ever were, only the newest. */
function limitOf({ limit, open }: ListOptions): number {
  if (limit === undefined) return open === true ? Number.POSITIVE_INFINITY : NEWEST
  if (/^[1-9]\d{0,5}$/.test(limit)) return Number(limit)
  throw new CliError(`--limit ${limit} is not a number of payments.`)
}

function readBaseUnits(option: string, text: string): bigint {
  if (/^\d{1,78}$/.test(text)) return BigInt(text)
  throw new CliError(`${option} ${printable(text)} is not a whole number of base units. Nothing was changed.`, {
    hint: 'Base units are the smallest ones (wei, lamports), such as 1000000000000000 for 0.001 ETH.',
  })
}

async function agentNames(admin: WAIaaSAdminClient): Promise<(agentId: string) => string> {
  const names = new Map((await admin.listAgents()).map(({ id, name }) => [id, name]))
  return (agentId) => names.get(agentId) ?? agentId
}

function show(view: TransactionView): void {
  print([`${view.id}  ${statusText(view)}.`, ...noticeLines(view).map((line) => `  ${line}`)])
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(printable(line))
}
