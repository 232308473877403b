import type { BodyOf } from '@waiaas/sdk'
import { asOperator } from '../as-operator.ts'
import { printable } from '../ask-owner.ts'
import { CliError } from '../fault.ts'

type View = {
  id: string
  status: string
  closing: boolean
  notice?: { message: string; waitsFor: string; usually: string }
}

/** Takes back a payment that is not final; with a fee (base units), what ends it may cost that much. */
export async function cancel(dataDir: string, id: string, { maxFee }: { maxFee?: string }): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const given = await admin.cancel(id)
    show(maxFee === undefined || !given.closing ? given : await admin.raiseMaxFee(id, maxFee))
  })
}

/** Takes back that a payment was given up. */
export async function continueTransaction(dataDir: string, id: string): Promise<void> {
  await asOperator(dataDir, async (admin) => show(await admin.continueTransaction(id)))
}

/** Proves on a node of the operator's choice what became of a payment. */
export async function prove(dataDir: string, id: string, { rpc }: { rpc: string }): Promise<void> {
  await asOperator(dataDir, async (admin) => show(await admin.proveTransaction(id, rpc)))
}

/** Ends a payment without a proof, on the operator's word. */
export async function writeOff(
  dataDir: string,
  id: string,
  { asPaid, asUnpaid, amount }: { asPaid?: boolean; asUnpaid?: boolean; amount?: string },
): Promise<void> {
  await asOperator(dataDir, async (admin) => show(await admin.writeOff(id, choiceOf({ asPaid, asUnpaid, amount }))))
}

function choiceOf(given: {
  asPaid: boolean | undefined
  asUnpaid: boolean | undefined
  amount: string | undefined
}): BodyOf<'writeOffTransaction'> {
  if (given.asPaid === given.asUnpaid) {
    throw new CliError('Say whether it was paid.', { hint: 'Give exactly one of --as-paid and --as-unpaid.' })
  }
  if (given.asPaid) return { as: 'paid' }
  if (given.amount !== undefined) return { as: 'unpaid', amount: given.amount }
  throw new CliError('Writing a payment off as unpaid needs its amount once more.', {
    hint: 'Give --amount with the base units that `waiaas trace` shows.',
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
    const chosen = all === true ? await admin.listHeldAccounts() : [{ network, address }]
    if (chosen.length === 0) console.log('No account is held.')
    for (const account of chosen) {
      const body = { network: account.network, address: account.address } as BodyOf<'releaseAccount'>
      const released = await admin.releaseAccount(body)
      console.log(`${body.address} on ${body.network} ${released ? 'is released' : 'was not held'}.`)
    }
  })
}

function show({ id, status, closing, notice }: View): void {
  const said =
    notice === undefined ? '' : ` ${notice.message} It waits for ${notice.waitsFor}, usually ${notice.usually}.`
  const state = status === 'CANCELLED' ? 'CANCELLED: nothing was paid' : closing ? `${status}, closing` : status
  console.log(`${id}  ${printable(`${state}.${said}`)}`)
}
