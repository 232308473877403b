import { type NetworkName, policiesInForce, type ReadPolicy } from '@waiaas/core'
import type { Kysely } from 'kysely'
import { policiesOf, policyVersion } from '../store/policies.ts'
import type { Tables } from '../store/tables.ts'

/** The policies in force for an agent on a network, and the version of the set that they are of. */
export type InForce = { version: number; policies: readonly ReadPolicy[] }

export type PolicySource = (db: Kysely<Tables>, agentId: string, network: NetworkName) => Promise<InForce>

/**
 * Reads policies once per version of the set. The version is asked of the database each time, and every change of a
 * policy raises it in the transaction of the change: what is kept is never in force longer than its version.
 * Call it outside of transactions that change policies.
 */
export function createPolicySource(): PolicySource {
  let kept = { version: -1, sets: new Map<string, readonly ReadPolicy[]>() }
  return async (db, agentId, network) => {
    const version = await policyVersion(db)
    if (kept.version !== version) kept = { version, sets: new Map() }
    const { sets } = kept
    const name = `${agentId} ${network}`
    const known = sets.get(name)
    if (known !== undefined) return { version, policies: known }
    const policies = policiesInForce(await policiesOf(db, agentId), agentId, network)
    // Outside of a transaction a change may have come in between: then the rows are of a later version.
    if ((await policyVersion(db)) === version) sets.set(name, policies)
    return { version, policies }
  }
}
