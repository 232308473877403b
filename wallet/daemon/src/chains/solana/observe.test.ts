import { base58 } from '@scure/base'
import { type Effect, networkOf } from '@waiaas/core'
import { expect, test } from 'vitest'
import { observe } from './observe.ts'
import { SYSTEM_PROGRAM } from './programs.ts'

const network = networkOf('solana-local')
const [wallet, program] = [1, 2].map((fill) => base58.encode(new Uint8Array(32).fill(fill))) as [string, string]
const coin = { network: network.name, ...network.native }
const coins = (lamports: bigint) => ({ lamports, owner: SYSTEM_PROGRAM, executable: false, data: new Uint8Array() })

test('a payment to oneself explains nothing of what a program takes', () => {
  const told: Effect[] = [
    { kind: 'spend', asset: coin, amount: 400n, to: wallet },
    { kind: 'call', target: program, selector: '0x01' },
  ]
  const trial = {
    before: new Map([[wallet, coins(1_000n)]]),
    after: new Map([[wallet, coins(600n)]]),
    err: null,
    unitsConsumed: 1n,
  }
  const nothing = { tokenAccounts: new Map(), mints: new Map(), created: new Map(), tables: new Map() }
  const { effects } = observe(told, trial, { network, wallet, ...nothing }, 0n)
  expect(effects.slice(2)).toEqual([{ kind: 'spend', asset: coin, amount: 400n, to: program }])
})
