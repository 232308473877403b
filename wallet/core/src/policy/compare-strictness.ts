import { type NetworkName, networkNames } from '../network.ts'
import { type Policy, policiesInForce } from './evaluate.ts'
import { findPolicyType, policyTypes } from './policy-types.ts'
import { type Strictness, strictnessOf } from './strictness.ts'

/**
 * How one set of policies stands to another. `tighter` is a promise: whatever the transaction and the facts,
 * nothing that `oldRows` deny or hold passes faster under `newRows`. Where no such promise can be given either
 * way they are `incomparable`; who needs a right to loosen needs it for that too.
 */
export function compareStrictness(oldRows: readonly Policy[], newRows: readonly Policy[]): Strictness {
  return strictnessOf(asStrict(newRows, oldRows), asStrict(oldRows, newRows))
}

function asStrict(rows: readonly Policy[], than: readonly Policy[]): boolean {
  return scopesOf([...rows, ...than]).every(({ agentId, network }) => {
    const [now, before] = [rows, than].map((set) => inForce(set, agentId, network)) as [InForce, InForce]
    if ([...now.values()].includes('unreadable')) return true
    if ([...before.values()].includes('unreadable')) return false
    return policyTypes.every(({ type }) => findPolicyType(type)!.asStrict(now.get(type), before.get(type)))
  })
}

/** Every agent and network that some row tells from others, and one of each that none does. */
function scopesOf(rows: readonly Policy[]): { agentId: string; network: NetworkName }[] {
  const agents = new Set(rows.flatMap(({ agentId }) => (agentId === null ? [] : [agentId])))
  const named = new Set(rows.flatMap(({ network }) => (network === null ? [] : [network])))
  const other = networkNames.find((network) => !named.has(network))
  const networks = other === undefined ? [...named] : [...named, other]
  return [...agents, 'any other'].flatMap((agentId) => networks.map((network) => ({ agentId, network })))
}

/** Rules in force by type. A row that cannot be read denies everything. */
type InForce = ReadonlyMap<string, unknown>

function inForce(rows: readonly Policy[], agentId: string, network: NetworkName): InForce {
  return new Map(
    policiesInForce(rows, agentId, network).map((row) => {
      const parsed = findPolicyType(row.type)?.rules.safeParse(row.rules)
      return [row.type, parsed?.success === true ? parsed.data : 'unreadable']
    }),
  )
}
