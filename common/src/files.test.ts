import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { assertPrivate, ensurePrivateDir, writeFileAtomic } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'files-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('an atomic write replaces the file, keeps it private and leaves nothing else behind', () => {
  const file = join(folder, 'secret')
  writeFileSync(file, 'old', { mode: 0o644 })
  writeFileAtomic(file, 'new')
  expect(readFileSync(file, 'utf8')).toBe('new')
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['secret'])
})

test('a folder or file that others can use is refused, with the command that mends it', () => {
  const nested = join(folder, 'a', 'b')
  ensurePrivateDir(nested)
  expect(statSync(nested).mode & 0o777).toBe(0o700)
  chmodSync(nested, 0o750)
  expect(() => ensurePrivateDir(nested)).toThrow(
    expect.objectContaining({ code: 'PERMISSIONS_TOO_OPEN', hint: `Run: chmod 700 '${nested}'` }),
  )
  const file = join(folder, 'f')
  writeFileSync(file, '', { mode: 0o640 })
  chmodSync(file, 0o640)
  expect(() => assertPrivate(file, 0o600)).toThrow(expect.objectContaining({ code: 'PERMISSIONS_TOO_OPEN' }))
})
