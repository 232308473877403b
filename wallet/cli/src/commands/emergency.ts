import type { KillSwitchView } from '@waiaas/core'
import { WAIaaSOwnerClient } from '@waiaas/sdk'
import { asOperator, findAgent } from '../as-operator.ts'
import { askSignature, printable, signWithKey } from '../ask-owner.ts'
import { runningUrl } from '../daemon-state.ts'

/** Stops everything at once: nothing is signed from the moment on in which this returns. */
export async function killSwitch(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    show(await admin.activateKillSwitch())
    console.log('Sessions are revoked and what waited is cancelled. Go back with: waiaas recover')
  })
}

/** Tells whether everything is stopped, by whom and until when. */
export async function killSwitchStatus(dataDir: string): Promise<void> {
  await asOperator(dataDir, async (admin) => show(await admin.getKillSwitchStatus()))
}

/** Begins the way back. Where an owner is locked in, the owner signs too. */
export async function recover(dataDir: string, options: { agent?: string; keyFile?: string }): Promise<void> {
  const { agent: name, keyFile } = options
  await asOperator(dataDir, async (admin) => {
    if (name === undefined) return show(await admin.recover())
    const { id } = await findAgent(admin, name)
    const owner = new WAIaaSOwnerClient({
      baseUrl: await runningUrl(dataDir),
      sign: async (challenge) =>
        keyFile === undefined ? await askSignature(challenge) : await signWithKey(keyFile, challenge),
    })
    show(await admin.recover(await owner.proveRecovery(id)))
  })
}

function show({ state, activatedAt, activatedBy, why, recoversAt }: KillSwitchView): void {
  const time = (seconds: number) => new Date(seconds * 1000).toISOString()
  const lines = [
    STATES[state],
    ...(activatedAt === undefined ? [] : [`stopped at  ${time(activatedAt)} by ${activatedBy ?? 'somebody'}`]),
    ...(why === undefined ? [] : [`why         ${why}`]),
    ...(recoversAt === undefined ? [] : [`free again  ${time(recoversAt)}`]),
  ]
  console.log(lines.map(printable).join('\n'))
}

const STATES = {
  NORMAL: 'NORMAL: payments are made.',
  ACTIVATED: 'ACTIVATED: nothing is signed or sent.',
  RECOVERING: 'RECOVERING: nothing is signed or sent until the waiting time is over.',
} as const
