import type { Clock } from '@openpista/common'
import type { NetworkName } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { KillSwitch } from '../../engine/kill-switch.ts'
import type { Tables } from '../../store/tables.ts'
import { verifyEvents } from '../../store/verify-audit.ts'
import type { MasterAuth } from '../auth/master-auth.ts'
import type { Handlers } from '../handler.ts'
import { listAudit } from '../services/audit.ts'

export type AdminParts = {
  db: Kysely<Tables>
  clock: Clock
  master: MasterAuth
  killSwitch: Pick<KillSwitch, 'view'>
  version: string
  startedAt: number
  networks: readonly NetworkName[]
  openApi: () => Record<string, unknown>
  /** Begins the graceful stop; the answer still goes out. */
  requestShutdown: () => void
}

type Names = 'health' | 'openApi' | 'login' | 'logout' | 'adminStatus' | 'shutdown' | 'listAudit' | 'verifyAudit'

const OPEN_STATUSES = ['PENDING', 'QUEUED', 'EXECUTING', 'SIGNED', 'SUBMITTED'] as const

export function adminHandlers(parts: AdminParts): Pick<Handlers, Names> {
  const { db, clock, master } = parts
  const uptime = () => Math.max(0, clock.seconds() - parts.startedAt)
  return {
    health: async () => ({
      status: 200,
      body: { status: 'ok', version: parts.version, uptime: uptime(), timestamp: clock.seconds() },
    }),
    openApi: async () => ({ status: 200, body: parts.openApi() }),
    login: async ({ body, source }) => ({ status: 200, body: await master.login(body.password, source) }),
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
      body: { items: await listAudit(db, query.after, query.limit) },
    }),
    verifyAudit: async () => {
      const check = await verifyEvents(db)
      const { ok, entries } = check
      return {
        status: 200,
        body: check.ok ? { ok, entries } : { ok, entries, firstBad: check.firstBad, why: check.why },
      }
    },
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
      .where('status', 'in', [...OPEN_STATUSES])
      .executeTakeFirstOrThrow(),
  ])
  return { agentCount: agents.count, activeSessionCount: sessions.count, openTransactions: open.count }
}
