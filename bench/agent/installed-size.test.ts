import { linkSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { diskUse, installedPackages } from './installed-size.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'installed-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a folder takes what its files take, at any depth, and a hard link nothing', () => {
  const empty = diskUse(folder)
  mkdirSync(join(folder, 'deep', 'er'), { recursive: true })
  writeFileSync(join(folder, 'deep', 'er', 'file'), Buffer.alloc(1_000_000, 1))
  const full = diskUse(folder)
  expect(full - empty).toBeGreaterThanOrEqual(1_000_000)
  expect(full - empty).toBeLessThan(1_100_000)
  linkSync(join(folder, 'deep', 'er', 'file'), join(folder, 'again'))
  expect(diskUse(folder)).toBe(full)
})

test('packages are what npm recorded, without the project itself', () => {
  const packages = { '': {}, 'node_modules/a': {}, 'node_modules/a/node_modules/b': {} }
  writeFileSync(join(folder, '.package-lock.json'), JSON.stringify({ packages }))
  expect(installedPackages(folder)).toEqual(['node_modules/a', 'node_modules/a/node_modules/b'])
})
