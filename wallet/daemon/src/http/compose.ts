import { immediate, type Logger } from '@openpista/common'
import type { ChangeableSettings, Environment, NetworkName } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../chains/chain-adapter.ts'
import type { Engine, EngineByHand, EngineStops } from '../engine/engine.ts'
import type { SteadyClock } from '../engine/steady-clock.ts'
import type { CheckpointSigner, Signer } from '../signer/signer.ts'
import { appendEvent } from '../store/events.ts'
import type { Tables } from '../store/tables.ts'
import { createApp } from './app.ts'
import { createAuthenticate } from './auth/authenticate.ts'
import { createMasterAuth } from './auth/master-auth.ts'
import { createOwnerAuth } from './auth/owner-auth.ts'
import { createSessionKeys } from './auth/session-keys.ts'
import { createSessionTokens } from './auth/session-tokens.ts'
import type { Handlers } from './handler.ts'
import { adminHandlers } from './handlers/admin.ts'
import { byHandHandlers } from './handlers/by-hand.ts'
import { operatorHandlers } from './handlers/operator.ts'
import { type RecoveryWaits, stopHandlers } from './handlers/stop.ts'
import { transactionHandlers } from './handlers/transactions.ts'
import { type EncodeCalldata, walletHandlers } from './handlers/wallet.ts'
import type { PageOptions } from './pages.ts'
import type { Limits } from './pipeline.ts'
import { createRateLimits } from './rate-limits.ts'
import { createAgentStatuses } from './services/agent-status.ts'
import { createAgents } from './services/agents.ts'
import { createChallenges } from './services/challenges.ts'
import { createEventFeed } from './services/event-feed.ts'
import { createPolicies } from './services/policies.ts'
import { createSessions } from './services/sessions.ts'
import { createSettings } from './services/settings.ts'
import { createTokens } from './services/tokens.ts'
import { createTransactions } from './services/transactions.ts'
import { createWithdrawals } from './services/withdraw.ts'

export type HttpParts = {
  db: Kysely<Tables>
  clock: SteadyClock
  logger: Logger
  signer: Signer & Pick<CheckpointSigner, 'lastCheckpoint'>
  engine: Engine & EngineByHand & EngineStops
  adapters: ReadonlyMap<NetworkName, ChainAdapter>
  encodeCalldata: EncodeCalldata
  environment: Environment
  recoveryWaits: RecoveryWaits
  /** What the configuration says; an operator may change it while the daemon runs. */
  configured: ChangeableSettings
  allowedHosts: readonly string[]
  pages: PageOptions
  /** In `run/daemon.json`: gives the command line a share of limits of its own. */
  localKey: string
  /** Milliseconds that never jump. */
  monotonic: () => number
  version: string
  openApi: () => Record<string, unknown>
  requestShutdown: () => void
  /** Aborted when the daemon is on its way out. */
  stopping: AbortSignal
}

export type Http = {
  app: ReturnType<typeof createApp>
  /** Ends the open event streams. */
  close: () => void
}

/** Wires services, credentials and handlers to the HTTP surface. */
export async function composeHttp(parts: HttpParts): Promise<Http> {
  const { db, clock, signer, engine, adapters, environment } = parts
  const networks = [...adapters.keys()]
  const keys = await createSessionKeys({ db, signer, clock })
  const tokens = createSessionTokens(keys)
  const master = createMasterAuth({ db, signer, clock, monotonic: parts.monotonic })
  const owner = createOwnerAuth({ db, clock, adapters })
  const agents = createAgents({ db, signer, clock, environment, networks })
  const feed = createEventFeed(db)
  const settings = await createSettings({ db, clock, configured: parts.configured })
  const adapterOn = (network: NetworkName) => {
    agents.assertServed(network)
    return adapters.get(network)!
  }
  const listedTokens = createTokens({ db, clock, adapterOn })
  const transactions = createTransactions({ db, engine })
  const withdrawals = createWithdrawals({ db, clock, engine, adapters })
  const challenges = createChallenges({ db, clock, engine, adapters })
  const handlers: Handlers = {
    ...byHandHandlers(engine),
    ...adminHandlers({
      ...parts,
      settings,
      killSwitch: engine.killSwitch,
      master,
      networks,
      startedAt: clock.seconds(),
    }),
    ...operatorHandlers({
      agents,
      sessions: createSessions({ db, tokens, clock }),
      policies: createPolicies({ db, clock }),
      engine,
    }),
    ...stopHandlers({
      db,
      killSwitch: engine.killSwitch,
      recoveryWaits: parts.recoveryWaits,
      keys,
      agents,
      statuses: createAgentStatuses({ db, clock, withdrawals, engine }),
      withdrawals,
    }),
    ...walletHandlers({ ...parts, agents, tokens: listedTokens }),
    ...transactionHandlers({ db, engine, transactions, challenges, feed }),
  }
  const app = createApp({
    handlers,
    authenticate: createAuthenticate({ db, clock, master, owner, tokens }),
    rateLimits: createRateLimits(clock),
    limits: () => limitsIn(settings.current()),
    locked: engine.killSwitch.locked,
    allowedHosts: parts.allowedHosts,
    pages: parts.pages,
    localKey: parts.localKey,
    stopping: parts.stopping,
    clock,
    logger: parts.logger,
    record: (event) => immediate(db, (transaction) => appendEvent(transaction, clock.seconds(), event)),
  })
  return { app, close: feed.close }
}

function limitsIn(settings: ChangeableSettings): Limits {
  return {
    publicPerMinute: settings['security.rate_limit_public_rpm'],
    sessionPerMinute: settings['security.rate_limit_session_rpm'],
    operatorPerMinute: settings['security.rate_limit_operator_rpm'],
  }
}
