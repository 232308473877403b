import type { KillSwitchView } from '@waiaas/core'
import { type WAIaaSAdminClient, WAIaaSError, WAIaaSOwnerClient } from '@waiaas/sdk'
import { asOperator } from '../as-operator.ts'
import { askSignature, printable, signWithKey } from '../ask-owner.ts'
import { runningDaemon } from '../daemon-state.ts'
import { CliError } from '../fault.ts'
import { openPaymentsText } from '../open-work-text.ts'

/** Stops everything at once: nothing is signed from the moment on in which this returns. */
export async function killSwitch(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    show(await admin.activateKillSwitch())
    console.log('Sessions are revoked and waiting payments are cancelled. To start the recovery: waiaas recover')
    const { openTransactions } = await admin.status()
    if (openTransactions > 0) console.log(stillOpenText(openTransactions))
  })
}

/** Shows whether everything is stopped, by whom and until when, and how many payments are not final. */
export async function killSwitchStatus(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const view = await admin.getKillSwitchStatus()
    show(view)
    const { openTransactions } = await admin.status()
    if (view.state !== 'NORMAL') {
      if (openTransactions > 0) console.log(stillOpenText(openTransactions))
    } else console.log(openPaymentsText(openTransactions))
  })
}

function stillOpenText(count: number): string {
  const are = count === 1 ? '1 payment is' : `${count} payments are`
  return `${are} still open: what was sent before can still be paid. Once payments resume, see: waiaas tx list --open`
}

/**
 * Starts the recovery. Where an owner was locked in before the stop, that owner signs too. Agents cannot be listed
 * while the kill switch is on: the daemon names the owners who count.
 */
export async function recover(dataDir: string, options: { agent?: string; keyFile?: string }): Promise<void> {
  const { agent: wanted, keyFile } = options
  await asOperator(dataDir, async (admin) => {
    const outcome = await recoverAlone(admin)
    if ('state' in outcome) return show(outcome)
    const { agentId, agentName } = chooseOwner(outcome.owners, wanted)
    console.error(printable(`The owner of agent ${agentName} signs for the recovery.`))
    const owner = new WAIaaSOwnerClient({
      ...(await runningDaemon(dataDir)),
      sign: async (challenge) =>
        keyFile === undefined ? await askSignature(challenge) : await signWithKey(keyFile, challenge),
    })
    show(await admin.recover(await owner.proveRecovery(agentId)))
  })
}

type Owners = readonly { agentId: string; agentName: string; ownerAddress: string }[]

/** The state after it, or the owners of whom one must sign. */
async function recoverAlone(admin: WAIaaSAdminClient): Promise<KillSwitchView | { owners: Owners }> {
  try {
    return await admin.recover()
  } catch (error) {
    if (!(error instanceof WAIaaSError) || error.code !== 'OWNER_SIGNATURE_REQUIRED') throw error
    const owners = error.details?.owners
    if (!Array.isArray(owners)) throw error
    return { owners }
  }
}

function chooseOwner(owners: Owners, wanted: string | undefined): Owners[number] {
  const found = owners.filter(({ agentId, agentName }) => [undefined, agentId, agentName].includes(wanted))
  if (found.length === 1) return found[0]!
  const choices = owners.map(
    ({ agentId, agentName, ownerAddress }) => `  ${agentName} (${agentId}), owner ${ownerAddress}`,
  )
  const problem =
    wanted === undefined ? 'One of several owners must sign.' : `The owner of ${wanted} cannot release this stop.`
  throw new CliError([problem, ...choices].map(printable).join('\n'), {
    hint: 'Name its agent: waiaas recover --agent <agent>',
  })
}

function show({ state, activatedAt, activatedBy, why, recoversAt }: KillSwitchView): void {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString()
  const lines = [
    STATES[state],
    ...(activatedAt === undefined ? [] : [`stopped at  ${time(activatedAt)} by ${activatedBy ?? 'an unknown caller'}`]),
    ...(why === undefined ? [] : [`why         ${why}`]),
    ...(recoversAt === undefined ? [] : [`resumes at  ${time(recoversAt)}`]),
  ]
  console.log(lines.map(printable).join('\n'))
}

const STATES = {
  NORMAL: 'NORMAL: payments are made.',
  ACTIVATED: 'ACTIVATED: nothing is signed or sent.',
  RECOVERING: 'RECOVERING: nothing is signed or sent until the waiting time is over.',
} as const
