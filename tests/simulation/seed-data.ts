import { networkOf } from '@waiaas/core'
import type { EngineParts } from '../../wallet/daemon/src/engine/parts.ts'
import { nextPolicyVersion, removePolicy, savePolicy } from '../../wallet/daemon/src/store/policies.ts'
import type { SimulatedKey } from './keys.ts'
import type { Random } from './random.ts'
import type { Side } from './side.ts'

export const AGENT = '01890000-0000-7000-8000-000000000001'
export const OWNER = '0x000000000000000000000000000000000000bEEF'
const LONG = 10 ** 9

export type Rules = {
  /** Limits in base units of one coin of each network. */
  instant: (coin: bigint) => bigint
  delay: (coin: bigint) => bigint
  window: (coin: bigint) => bigint
  delaySeconds: number
}

export function drawRules(random: Random): Rules {
  const window = random.pick([1n, 2n, 20n])
  return {
    instant: (coin) => coin / 20n,
    delay: (coin) => coin / 4n,
    window: (coin) => (window * coin) / 2n,
    delaySeconds: random.pick([60, 120]),
  }
}

/** Agent, wallets, owner and policies of a new database. */
export async function seedData(
  db: EngineParts['db'],
  given: {
    sides: readonly Side[]
    keys: Readonly<Record<string, SimulatedKey>>
    now: number
    newId: () => string
    rules: Rules
  },
): Promise<void> {
  const { sides, keys, now, newId, rules } = given
  const owner = { owner_address: OWNER, owner_family: 'evm' as const, owner_verified_at: now, owner_network: null }
  const network = sides[0]!.network
  const agent = { id: AGENT, name: 'agent', status: 'ACTIVE' as const, ...owner, default_network: network }
  await db
    .insertInto('agents')
    .values({ ...agent, created_at: now, updated_at: now })
    .execute()
  for (const { network: name } of sides) {
    const { family } = networkOf(name)
    const { address, publicKey } = keys[family]!
    const wallet = { id: newId(), agent_id: AGENT, chain: family, address, public_key: publicKey, key_id: family }
    await db
      .insertInto('wallets')
      .values({ ...wallet, created_at: now })
      .execute()
  }
  await addSession(db, 'session 0', now)
  await replacePolicies(db, { sides, rules, newId, now })
}

export async function addSession(db: EngineParts['db'], id: string, now: number): Promise<void> {
  const session = { id, agent_id: AGENT, token_hash: id, previous_token_hash: null, ttl: LONG, revoked_at: null }
  const ends = { expires_at: now + LONG, absolute_expires_at: now + LONG, created_at: now }
  await db
    .insertInto('sessions')
    .values({ ...session, ...ends, renewal_count: 0, max_renewals: 30, constraints: '{}' })
    .execute()
}

export async function replacePolicies(
  db: EngineParts['db'],
  given: { sides: readonly Side[]; rules: Rules; newId: () => string; now: number },
): Promise<void> {
  const { sides, rules, newId, now } = given
  const limits = sides.map(({ network, coin }) => [
    `${network}/native`,
    { instant_max: `${rules.instant(coin)}`, delay_max: `${rules.delay(coin)}` },
  ])
  const windows = sides.map(({ network, coin }) => ({
    seconds: 86_400,
    asset: `${network}/native`,
    max: `${rules.window(coin)}`,
  }))
  const spending = {
    token_limits: Object.fromEntries(limits),
    delay_seconds: rules.delaySeconds,
    approval_timeout: 600,
    windows,
  }
  const version = await nextPolicyVersion(db)
  for (const { id } of await db.selectFrom('policies').select('id').execute()) await removePolicy(db, id, version)
  const scope = { agent_id: null, network: null, priority: 0, enabled: 1 as const, created_at: now, updated_at: now }
  await savePolicy(db, { id: newId(), type: 'SPENDING_LIMIT', rules: JSON.stringify(spending), version, ...scope })
}
