import type { NetworkName } from '@waiaas/core'
import { expect, test } from 'vitest'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { address, createWorld, replacePolicies, WALLET } from './testing/world.ts'

const upTo = (amount: number) => [{ type: 'SPENDING_LIMIT', rules: { instant_max: `${amount}` } }]

test('the next payment after a change of the policies is judged by the new ones', async () => {
  const books = emptyBooks()
  books.balances.set(WALLET, 10n ** 18n)
  const adapters = new Map([['evm-local' as NetworkName, createLedgerChain('evm-local', books)]])
  const world = await createWorld({ adapters, policies: upTo(5) })
  const tierOf = async (amount: number) => {
    const request = { type: 'TRANSFER', to: address(0xcc), amount: `${amount}` } as const
    const sent = await world.engine.send(world.caller, request, crypto.randomUUID()).catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'POLICY_DENIED' })
      return undefined
    })
    const asked = await world.engine.simulate(world.caller, request)
    expect(asked.tier).toBe(sent?.tier ?? 'DENY')
    return [asked.tier, asked.policyVersion]
  }
  try {
    expect(await tierOf(5)).toEqual(['INSTANT', 0])
    for (const [limit, tier] of [
      [4, 'DELAY'],
      [6, 'INSTANT'],
      [3, 'DELAY'],
    ] as const) {
      const version = (await tierOf(1))[1] as number
      await replacePolicies(world, upTo(limit))
      expect(await tierOf(5)).toEqual([tier, version + 1])
      expect(await tierOf(limit)).toEqual(['INSTANT', version + 1])
    }
    await replacePolicies(world, [])
    expect((await tierOf(1))[0]).toBe('DENY')
    const judged = await world.db.kysely.selectFrom('judgements').select('policy_version').distinct().execute()
    expect(judged.map((row) => row.policy_version)).toEqual([0, 1, 2, 3, 4])
  } finally {
    await world.close()
  }
})
