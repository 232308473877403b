import type { EngineByHand } from '../../engine/engine.ts'
import type { Handlers } from '../handler.ts'

type Names =
  | 'continueTransaction'
  | 'raiseMaxFee'
  | 'proveTransaction'
  | 'writeOffTransaction'
  | 'listHeldAccounts'
  | 'releaseAccount'

/** The operator's decisions about payments whose end is not proven. */
export function byHandHandlers(engine: EngineByHand): Pick<Handlers, Names> {
  return {
    continueTransaction: async ({ params }) => ({ status: 200, body: await engine.continue(params.id, 'admin') }),
    raiseMaxFee: async ({ params, body }) => ({
      status: 200,
      body: await engine.raiseMaxFee(params.id, BigInt(body.maxFee), 'admin'),
    }),
    proveTransaction: async ({ params, body }) => ({
      status: 200,
      body: await engine.prove(params.id, body.rpcUrl, 'admin'),
    }),
    writeOffTransaction: async ({ params, body }) => ({
      status: 200,
      body: await engine.writeOff(params.id, body, 'admin'),
    }),
    listHeldAccounts: async () => ({ status: 200, body: { items: await engine.heldAccounts() } }),
    releaseAccount: async ({ body }) => ({
      status: 200,
      body: { released: await engine.releaseAccount(body.network, body.address, 'admin') },
    }),
  }
}
