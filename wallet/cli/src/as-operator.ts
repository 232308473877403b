import { WAIaaSAdminClient, WAIaaSError } from '@waiaas/sdk'
import { runningDaemon } from './daemon-state.ts'
import { CliError } from './fault.ts'
import { readPassword } from './password.ts'

/** Logs in with the master password, does the work and logs out. */
export async function asOperator(dataDir: string, work: (admin: WAIaaSAdminClient) => Promise<void>): Promise<void> {
  const admin = new WAIaaSAdminClient(await runningDaemon(dataDir))
  const password = await readPassword(dataDir)
  await admin.login(password.toString('utf8'))
  password.fill(0)
  try {
    await work(admin)
  } catch (error) {
    if (!(error instanceof WAIaaSError) || error.code !== 'SYSTEM_LOCKED') throw error
    throw new CliError('The kill switch is on: this command is refused until payments resume.', {
      hint: 'See: waiaas kill-switch --status. To start the recovery: waiaas recover',
      cause: error,
    })
  } finally {
    await admin.logout()
  }
}

/** An agent by id, or by name if it was not terminated. @throws CliError where none or several match. */
export async function findAgent(admin: WAIaaSAdminClient, nameOrId: string) {
  const found = (await admin.listAgents()).filter(
    ({ id, name, status }) => id === nameOrId || (name === nameOrId && status !== 'TERMINATED'),
  )
  if (found.length === 1) return found[0]!
  const problem = found.length === 0 ? `There is no agent ${nameOrId}.` : `Several agents are named ${nameOrId}.`
  throw new CliError(problem, { hint: 'See: waiaas agent list' })
}
