import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '@openpista/common'
import { afterEach, expect, test } from 'vitest'
import { migrations, type Tables } from '../store/tables.ts'
import { verifyEvents } from '../store/verify-audit.ts'
import { booksFromText } from './testing/ledger-chain.ts'
import { address } from './testing/world.ts'

const CHILD = fileURLToPath(new URL('./testing/crash-child.ts', import.meta.url))
const folders: string[] = []

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function run(folder: string, where: string): Promise<{ signal: string | null; output: string }> {
  const child = spawn(process.execPath, [CHILD, folder, where], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [output, [, signal]] = await Promise.all([text(child.stdout), once(child, 'exit')])
  return { signal: signal as string | null, output: output.trim() }
}

const places = ['judged', 'signed', 'before the node', 'in the node', 'broadcast', 'submitted', 'settled'] as const

test.each(places)(
  'killed at "%s" and started again, the daemon pays exactly once',
  async (where) => {
    const folder = mkdtempSync(join(tmpdir(), 'waiaas-crash-'))
    folders.push(folder)
    expect(await run(folder, where)).toEqual({ signal: 'SIGKILL', output: '' })
    expect(await run(folder, 'nowhere')).toEqual({ signal: null, output: 'CONFIRMED' })
    const books = booksFromText(readFileSync(join(folder, 'books.json'), 'utf8'))
    expect(books.balances.get(address(0xcc))).toBe(1000n)
    const db = await openDatabase<Tables>({ path: join(folder, 'wallet.db'), migrations, synchronous: 'FULL' })
    expect(await db.kysely.selectFrom('attempts').select('id').execute()).toHaveLength(1)
    expect(await verifyEvents(db.kysely)).toMatchObject({ ok: true })
    await db.close()
  },
  60_000,
)
