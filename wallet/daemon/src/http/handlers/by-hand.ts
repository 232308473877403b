import { type NetworkName, networkOf, parseAddress } from '@waiaas/core'
import type { EngineByHand } from '../../engine/engine.ts'
import { fail } from '../fail.ts'
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
      body: { released: await engine.releaseAccount(body.network, accountOn(body.network, body.address), 'admin') },
    }),
  }
}

/** The address as accounts are stored under it. @throws AppError INVALID_ADDRESS. */
function accountOn(network: NetworkName, text: string): string {
  const parsed = parseAddress(networkOf(network).family, text)
  if (!parsed.ok) throw fail('INVALID_ADDRESS', `${text} is not a valid address on ${network}: ${parsed.fault}.`)
  return parsed.address
}
