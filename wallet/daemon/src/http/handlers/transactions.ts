import type { TransactionView } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { Engine } from '../../engine/engine.ts'
import type { Tables } from '../../store/tables.ts'
import { actorOf, type Identity } from '../auth/identity.ts'
import { fail } from '../fail.ts'
import type { Handlers } from '../handler.ts'
import type { Challenges } from '../services/challenges.ts'
import type { EventFeed } from '../services/event-feed.ts'
import { traceOf } from '../services/trace.ts'
import type { Transactions } from '../services/transactions.ts'

export type TransactionParts = {
  db: Kysely<Tables>
  engine: Engine
  transactions: Transactions
  challenges: Challenges
  feed: EventFeed
}

type Names =
  | 'send'
  | 'sign'
  | 'getTrace'
  | 'simulate'
  | 'listTransactions'
  | 'listPending'
  | 'getTransaction'
  | 'cancel'
  | 'approve'
  | 'reject'
  | 'challenge'
  | 'events'

export function transactionHandlers(parts: TransactionParts): Pick<Handlers, Names> {
  const { engine, transactions, challenges, feed } = parts
  const visible = async (id: string, identity: Identity) => {
    const view = await engine.view(id)
    if (view === undefined || !mayRead(identity, view)) throw fail('TX_NOT_FOUND', `There is no transaction ${id}.`)
    return view
  }
  return {
    send: async ({ identity, body, idempotencyKey, wait }) => {
      const { agentId, sessionId } = identity
      const view = await engine.send({ agentId, sessionId }, body, idempotencyKey, wait)
      return { status: view.status === 'QUEUED' ? 202 : 201, body: view }
    },
    sign: async ({ identity, body, idempotencyKey }) => {
      const { agentId, sessionId } = identity
      const view = await engine.sign({ agentId, sessionId }, body, idempotencyKey)
      return { status: view.status === 'QUEUED' ? 202 : 201, body: view }
    },
    getTrace: async ({ params, identity }) => ({
      status: 200,
      body: await traceOf(parts.db, await visible(params.id, identity)),
    }),
    simulate: async ({ identity, body }) => ({ status: 200, body: await engine.simulate(identity, body) }),
    listTransactions: async ({ identity, query }) => ({
      status: 200,
      body: await transactions.page(identity.kind === 'session' ? identity.agentId : undefined, query),
    }),
    listPending: async ({ identity }) => ({
      status: 200,
      body: { items: await transactions.pending(identity.agentId) },
    }),
    getTransaction: async ({ params, identity }) => ({ status: 200, body: await visible(params.id, identity) }),
    cancel: async ({ params, identity, source }) => {
      await visible(params.id, identity)
      const body = await engine.cancel(params.id, actorOf(identity, source))
      return { status: body.closing ? 202 : 200, body }
    },
    approve: async ({ params, identity }) => {
      const { ownerAddress, challengeId, digest, signature } = identity
      return { status: 200, body: await engine.approve(params.id, { ownerAddress, challengeId, digest, signature }) }
    },
    reject: async ({ params, identity }) => ({
      status: 200,
      body: await engine.reject(params.id, identity.ownerAddress),
    }),
    challenge: async ({ body, host }) => ({
      status: 201,
      body: await challenges.create(body, host),
    }),
    events: async ({ identity, query }) => {
      const agentId = identity.kind === 'session' ? identity.agentId : undefined
      return {
        status: 200,
        stream: (signal, lastId) => feed.follow({ agentId, after: lastId ?? query.after }, signal),
      }
    },
  }
}

function mayRead(identity: Identity, view: TransactionView): boolean {
  return identity.kind === 'master' || (identity.kind === 'session' && identity.agentId === view.agentId)
}
