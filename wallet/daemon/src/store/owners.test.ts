import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@openpista/common'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { homeOf, nameWithdrawAddress } from './owners.ts'
import { migrations, type Tables } from './tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-owners-'))
const open = () => openDatabase<Tables>({ path: join(folder, 'wallet.db'), migrations, synchronous: 'NORMAL' })
let db: Awaited<ReturnType<typeof open>>

const CONTRACT = '0x00000000000000000000000000000000000000C0'
const KEY = '0x00000000000000000000000000000000000000aA'
const SOLANA = 'So11111111111111111111111111111111111111112'
const agent = {
  id: '01890000-0000-7000-8000-000000000001',
  name: 'payer',
  status: 'ACTIVE' as const,
  owner_address: CONTRACT,
  owner_family: 'evm' as const,
  owner_verified_at: 1 as number | null,
  owner_network: 'base-sepolia' as const,
  default_network: 'base-sepolia' as const,
  created_at: 1,
  updated_at: 1,
}

beforeAll(async () => {
  db = await open()
  await db.kysely.insertInto('agents').values(agent).execute()
})
afterAll(async () => {
  await db.close()
  rmSync(folder, { recursive: true })
})

const name = (family: 'evm' | 'solana', address: string, named_by = CONTRACT) =>
  nameWithdrawAddress(db.kysely, { agent_id: agent.id, family, address, named_by, created_at: 1 })

test('an owner that is a contract is paid on its own network, elsewhere at the address that it has named', async () => {
  expect(await homeOf(db.kysely, agent, 'base-sepolia')).toBe(CONTRACT)
  for (const network of ['optimism-sepolia', 'solana-devnet'] as const) {
    expect(await homeOf(db.kysely, agent, network)).toBeUndefined()
  }
  await name('evm', KEY)
  await name('solana', SOLANA)
  expect(await homeOf(db.kysely, agent, 'base-sepolia')).toBe(CONTRACT)
  expect(await homeOf(db.kysely, agent, 'optimism-sepolia')).toBe(KEY)
  expect(await homeOf(db.kysely, agent, 'solana-devnet')).toBe(SOLANA)
})

test('nothing goes to an owner who has not signed, or where another owner wanted it', async () => {
  expect(await homeOf(db.kysely, { ...agent, owner_verified_at: null }, 'base-sepolia')).toBeUndefined()
  expect(await homeOf(db.kysely, { ...agent, owner_address: KEY }, 'solana-devnet')).toBeUndefined()
  await name('solana', SOLANA, KEY)
  expect(await homeOf(db.kysely, agent, 'solana-devnet')).toBeUndefined()
})
