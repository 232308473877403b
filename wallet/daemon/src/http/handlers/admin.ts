import { randomBytes } from 'node:crypto'
import type { Clock } from '@openpista/common'
import { type NetworkName, skillNames, skillText } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { KillSwitch } from '../../engine/kill-switch.ts'
import type { CheckpointSigner } from '../../signer/signer.ts'
import type { Tables } from '../../store/tables.ts'
import { openStatuses } from '../../store/transactions.ts'
import { verifyEvents } from '../../store/verify-audit.ts'
import type { MasterAuth } from '../auth/master-auth.ts'
import { fail } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import { listAudit } from '../services/audit.ts'
import type { Settings } from '../services/settings.ts'

export type AdminParts = {
  db: Kysely<Tables>
  clock: Clock
  master: MasterAuth
  killSwitch: Pick<KillSwitch, 'view'>
  version: string
  startedAt: number
  networks: readonly NetworkName[]
  signer: Pick<CheckpointSigner, 'lastCheckpoint'>
  settings: Settings
  openApi: () => Record<string, unknown>
  /** Begins the graceful stop; the answer still goes out. */
  requestShutdown: () => void
}

type Names =
  | 'health'
  | 'openApi'
  | 'nonce'
  | 'getSkill'
  | 'login'
  | 'logout'
  | 'adminStatus'
  | 'shutdown'
  | 'listAudit'
  | 'verifyAudit'
  | 'getSettings'
  | 'updateSettings'

const NONCE_SECONDS = 300

export function adminHandlers(parts: AdminParts): Pick<Handlers, Names> {
  const { db, clock, master, settings } = parts
  const uptime = () => Math.max(0, clock.seconds() - parts.startedAt)
  return {
    health: async () => ({
      status: 200,
      body: { status: 'ok', version: parts.version, uptime: uptime(), timestamp: clock.seconds() },
    }),
    openApi: async () => ({ status: 200, body: parts.openApi() }),
    nonce: async () => ({
      status: 200,
      body: { nonce: randomBytes(32).toString('hex'), expiresAt: clock.seconds() + NONCE_SECONDS },
    }),
    getSkill: async ({ params }) => {
      const content = skillText(params.name)
      if (content === undefined)
        throw fail('SKILL_NOT_FOUND', `There is no such skill; there are ${skillNames.join(', ')}.`)
      return { status: 200, body: { name: params.name, content } }
    },
    login: async ({ body, source, share }) => ({
      status: 200,
      body: await master.login(body.password, { source, share, emergency: false }),
    }),
    logout: async ({ identity }) => {
      if (identity.tokenHash !== null) await master.logout(identity.tokenHash)
      return { status: 200, body: { ok: true } }
    },
    adminStatus: async () => {
      const counts = await countRows(db, clock.seconds())
      const { state: killSwitchState } = await parts.killSwitch.view()
      const networks = [...parts.networks]
      return { status: 200, body: { version: parts.version, uptime: uptime(), ...counts, killSwitchState, networks } }
    },
    shutdown: async () => {
      parts.requestShutdown()
      return { status: 200, body: { ok: true } }
    },
    listAudit: async ({ query }) => ({
      status: 200,
      body: { items: await listAudit(db, query) },
    }),
    verifyAudit: async () => {
      const anchor = await parts.signer.lastCheckpoint()
      return { status: 200, body: await verifyEvents(db, anchor) }
    },
    getSettings: async () => ({ status: 200, body: settings.view() }),
    updateSettings: async ({ body }) => ({ status: 200, body: await settings.update(body) }),
  }
}

async function countRows(db: Kysely<Tables>, now: number) {
  const [agents, sessions, open] = await Promise.all([
    db
      .selectFrom('agents')
      .select((select) => select.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('sessions')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('revoked_at', 'is', null)
      .where('expires_at', '>', now)
      .executeTakeFirstOrThrow(),
    db
      .selectFrom('transactions')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('status', 'in', openStatuses)
      .executeTakeFirstOrThrow(),
  ])
  return { agentCount: agents.count, activeSessionCount: sessions.count, openTransactions: open.count }
}
