import { draftRows } from '@waiaas/core'
import type { Engine } from '../../engine/engine.ts'
import type { Handlers } from '../handler.ts'
import type { Agents } from '../services/agents.ts'
import type { Policies } from '../services/policies.ts'
import type { Sessions } from '../services/sessions.ts'

export type OperatorParts = { agents: Agents; sessions: Sessions; policies: Policies; engine: Engine }

type Names =
  | 'createAgent'
  | 'listAgents'
  | 'getAgent'
  | 'updateAgent'
  | 'addWallet'
  | 'setOwner'
  | 'removeOwner'
  | 'verifyOwner'
  | 'renewSession'
  | 'createSession'
  | 'listSessions'
  | 'revokeSession'
  | 'createPolicy'
  | 'listPolicies'
  | 'updatePolicy'
  | 'deletePolicy'
  | 'simulatePolicy'
  | 'replayPolicy'

/** Agents, sessions and policies: what the operator sets up. */
export function operatorHandlers({ agents, sessions, policies, engine }: OperatorParts): Pick<Handlers, Names> {
  return {
    createAgent: async ({ body }) => ({ status: 201, body: await agents.create(body) }),
    listAgents: async () => ({ status: 200, body: { items: await agents.list() } }),
    getAgent: async ({ params }) => ({ status: 200, body: await agents.get(params.id) }),
    updateAgent: async ({ params, body }) => ({ status: 200, body: await agents.rename(params.id, body.name) }),
    addWallet: async ({ params, body }) => ({ status: 201, body: await agents.addWallet(params.id, body.chain) }),
    setOwner: async ({ params, body, owner }) => ({
      status: 200,
      body: await agents.setOwner(params.id, body.ownerAddress, owner),
    }),
    removeOwner: async ({ params }) => ({ status: 200, body: await agents.removeOwner(params.id) }),
    verifyOwner: async ({ params, identity }) => {
      const { ownerState } = await agents.get(params.id)
      return { status: 200, body: { agentId: params.id, ownerAddress: identity.ownerAddress, ownerState } }
    },
    renewSession: async ({ params, identity }) => ({ status: 200, body: await sessions.renew(params.id, identity) }),
    createSession: async ({ body }) => ({ status: 201, body: await sessions.create(body) }),
    listSessions: async ({ query }) => ({ status: 200, body: { items: await sessions.list(query.agentId) } }),
    revokeSession: async ({ params }) => ({ status: 200, body: await sessions.revoke(params.id) }),
    createPolicy: async ({ body, owner }) => ({
      status: 201,
      body: await policies.change({ kind: 'create', policy: body }, owner),
    }),
    listPolicies: async ({ query }) => ({ status: 200, body: { items: await policies.list(query) } }),
    updatePolicy: async ({ params, body, owner }) => ({
      status: 200,
      body: await policies.change({ kind: 'update', id: params.id, change: body }, owner),
    }),
    deletePolicy: async ({ params, owner }) => {
      await policies.change({ kind: 'delete', id: params.id }, owner)
      return { status: 200, body: { ok: true } }
    },
    simulatePolicy: async ({ body }) => {
      await agents.get(body.agentId)
      const rows = body.policies === undefined ? undefined : draftRows(body.policies)
      return {
        status: 200,
        body: await engine.simulate({ agentId: body.agentId, sessionId: null }, body.request, rows),
      }
    },
    replayPolicy: async ({ body }) => {
      if (body.agentId !== undefined) await agents.get(body.agentId)
      return { status: 200, body: await policies.replay(body) }
    },
  }
}
