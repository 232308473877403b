import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Config, loadSettings } from './config.ts'
import { renderExample } from './config-example.ts'
import { configKeys } from './config-keys.ts'

const home = () => {
  const folder = mkdtempSync(join(tmpdir(), 'openpista-example-'))
  homes.push(folder)
  return folder
}
const homes: string[] = []
afterEach(() => {
  for (const folder of homes.splice(0)) rmSync(folder, { recursive: true })
})

function load(toml: string) {
  const folder = home()
  writeFileSync(join(folder, 'config.toml'), toml)
  return loadSettings(undefined, { OPENPISTA_HOME: folder }).config
}

test('config.example.toml is what the schema says; vitest -u writes it anew', async () => {
  await expect(renderExample(Config)).toMatchFileSnapshot('../config.example.toml')
})

test('the example is accepted as it stands, and changes nothing', () => {
  expect(load(renderExample(Config))).toEqual(load(''))
})

test('what stands in it as a comment is accepted too', () => {
  const opened = renderExample(Config).replace(/^# (?=# |\[\[|\w+ = )/gm, '')
  const config = load(opened)
  expect(config.schedules).toMatchObject([{ name: 'morning' }])
  expect(config.containers.images).toMatchObject([{ name: 'python' }])
  expect(config.approvals.rules).toMatchObject([{ name: 'look at git', new_host: true }])
})

test('every key has a line of explanation, and a default or an example', () => {
  const keys = configKeys(Config)
  expect(keys.length).toBeGreaterThan(60)
  expect(keys.filter(({ description }) => description === '' || description.includes('\n'))).toEqual([])
  expect(keys.filter(({ standard, example }) => standard === undefined && example === undefined)).toEqual([])
})

test('every key that is a secret by its name is marked as one, and has a variable', () => {
  const texts = configKeys(Config).filter(({ standard }) => typeof standard !== 'boolean')
  const named = texts.filter(({ path }) => /(key|token|secret|password)$/.test(path))
  expect(named.map(({ path }) => path)).toEqual(['agent.api_key', 'channels.web.token'])
  expect(named.filter(({ secret, env }) => !secret || env.length === 0)).toEqual([])
})
