import { type NetworkName, networkNames } from '../network.ts'
import { type Policy, policiesInForce } from './evaluate.ts'
import { findPolicyType, policyTypes } from './policy-types.ts'
import { type Strictness, strictnessOf } from './strictness.ts'

/**
 * How one set of policies stands to another, for one agent, or for all. `tighter` is a promise: whatever the
 * transaction and the facts, nothing that `oldRows` deny or hold passes faster under `newRows`. Where no such
 * promise can be given either way they are `incomparable`; who needs a right to loosen needs it for that too.
 */
export function compareStrictness(
  oldRows: readonly Policy[],
  newRows: readonly Policy[],
  agentId?: string,
): Strictness {
  const scopes = scopesOf([...oldRows, ...newRows], agentId)
  return strictnessOf(asStrict(newRows, oldRows, scopes), asStrict(oldRows, newRows, scopes))
}

type Scope = { agentId: string; network: NetworkName }

function asStrict(rows: readonly Policy[], than: readonly Policy[], scopes: readonly Scope[]): boolean {
  return scopes.every((scope) => {
    const [now, before] = [inForce(rows, scope), inForce(than, scope)]
    if ([...now.values()].includes('unreadable')) return true
    if ([...before.values()].includes('unreadable')) return false
    return policyTypes.every(({ type }) => findPolicyType(type)!.asStrict(now.get(type), before.get(type)))
  })
}

/** The agents in question and every network that some row tells from others, and one of each that none does. */
function scopesOf(rows: readonly Policy[], agentId: string | undefined): Scope[] {
  const named = new Set(rows.flatMap(({ network }) => (network === null ? [] : [network])))
  const other = networkNames.find((network) => !named.has(network))
  const networks = other === undefined ? [...named] : [...named, other]
  const mentioned = new Set(rows.flatMap((row) => (row.agentId === null ? [] : [row.agentId])))
  const agents = agentId === undefined ? [...mentioned, 'any other'] : [agentId]
  return agents.flatMap((agent) => networks.map((network) => ({ agentId: agent, network })))
}

/** Rules in force by type. A row that cannot be read denies everything. */
type InForce = ReadonlyMap<string, unknown>

function inForce(rows: readonly Policy[], { agentId, network }: Scope): InForce {
  return new Map(
    policiesInForce(rows, agentId, network).map(({ type, reading }) => [
      type,
      reading === undefined ? 'unreadable' : reading.rules,
    ]),
  )
}
