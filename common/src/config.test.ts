import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { AppError, loadConfig } from './index.ts'

const folder = mkdtempSync(join(tmpdir(), 'config-'))
afterAll(() => rmSync(folder, { recursive: true }))

const Schema = z.strictObject({
  daemon: z
    .strictObject({ port: z.number().int().default(3100), hostname: z.string().default('127.0.0.1') })
    .prefault({}),
  agent: z.strictObject({ model: z.string().default('') }).prefault({}),
})

function load(toml: string | null, env: Record<string, string> = {}) {
  const file = join(folder, 'config.toml')
  rmSync(file, { force: true })
  if (toml !== null) writeFileSync(file, toml)
  return loadConfig(Schema, { file, env, envKeys: { APP_PORT: 'daemon.port', app_model: 'agent.model' } })
}

function fault(work: () => unknown): AppError {
  try {
    work()
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

test('a missing file gives the defaults', () => {
  expect(load(null)).toEqual({ daemon: { port: 3100, hostname: '127.0.0.1' }, agent: { model: '' } })
})

test('the environment wins over the file, and a lower-case name is accepted in upper case too', () => {
  const config = load('[daemon]\nport = 1\n[agent]\nmodel = "a"', { APP_PORT: '2', APP_MODEL: 'b' })
  expect(config.daemon.port).toBe(2)
  expect(config.agent.model).toBe('b')
})

test('a typing error is refused with the nearest known key', () => {
  const error = fault(() => load('[daemon]\nprot = 1'))
  expect(error.code).toBe('CONFIG_INVALID')
  expect(error.message).toContain("unknown key 'daemon.prot' (did you mean 'daemon.port'?)")
})

test('a value of the wrong kind names the key', () => {
  expect(fault(() => load('[daemon]\nport = "many"')).message).toContain('daemon.port')
})

test('a file that is no TOML is refused, not ignored', () => {
  expect(fault(() => load('[daemon\nport=')).message).toContain('is not valid TOML')
})

test('a text from the environment stays as it was written', () => {
  expect(load(null, { APP_MODEL: '007' }).agent.model).toBe('007')
  expect(load(null, { APP_MODEL: 'true' }).agent.model).toBe('true')
})

test('a key that belongs to another table is refused with its place', () => {
  expect(fault(() => load('[agent]\nhostname = "x"')).message).toContain("(did you mean 'daemon.hostname'?)")
})

test.each<[string, (file: string) => void, string]>([
  ['a folder', (file) => mkdirSync(file), 'is a folder, not a file.'],
  ['a device', (file) => symlinkSync('/dev/null', file), 'is no plain file.'],
  ['a link to nothing', (file) => symlinkSync('nowhere.toml', file), 'is a link that leads nowhere.'],
  ['a link to itself', (file) => symlinkSync(file, file), 'is a link that leads nowhere.'],
  ['a huge file', (file) => writeFileSync(file, '# \n'.repeat(400_000)), 'has more than 1 MiB'],
  [
    'bytes that are no text',
    (file) => writeFileSync(file, Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22])),
    'is no text in UTF-8.',
  ],
  ['a table twice', (file) => writeFileSync(file, '[a]\n[a]\n'), 'is not valid TOML: trying to redefine'],
])('%s in place of the file is refused in words', (_what, make, words) => {
  const file = join(folder, 'odd.toml')
  rmSync(file, { recursive: true, force: true })
  make(file)
  expect(() => loadConfig(z.looseObject({}), { file, env: {}, envKeys: {} })).toThrow(words)
})

test('a key that has to be there and is not, and a list in place of a table, are told as such', () => {
  const schema = z.strictObject({ a: z.strictObject({ name: z.string() }) })
  const load = (text: string) => {
    writeFileSync(join(folder, 'x.toml'), text)
    return loadConfig(schema, { file: join(folder, 'x.toml'), env: {}, envKeys: {} })
  }
  expect(() => load('[a]\n')).toThrow('a.name: is missing')
  expect(() => load('[[a]]\nname = "x"\n')).toThrow('a: Invalid input: expected a table, received array')
  expect(load('\ufeff[a]\nname = "x"\n')).toEqual({ a: { name: 'x' } })
})
