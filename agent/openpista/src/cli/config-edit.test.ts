import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ConfigChange, changeConfig } from './config-edit.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openpista-config-edit-'))
  file = join(folder, 'config.toml')
})
afterEach(() => rmSync(folder, { recursive: true }))

const model: ConfigChange = { path: 'agent.model', value: 'new' }
const port: ConfigChange = { path: 'channels.web.port', value: 4000 }

test.each<[string, string, ConfigChange[], string]>([
  ['an empty file', '', [model], '[agent]\nmodel = "new"\n'],
  ['other tables', '# mine\n[wallet]\nurl = ""\n', [model], '# mine\n[wallet]\nurl = ""\n[agent]\nmodel = "new"\n'],
  [
    'another value, with a comment behind it',
    '[agent] # here\n  model = "old" # why\nprovider = "openai"\n\n[wallet]\n',
    [model],
    '[agent] # here\n  model = "new" # why\nprovider = "openai"\n\n[wallet]\n',
  ],
  [
    'the table without the key',
    '[agent]\n# the service\nprovider = "openai"',
    [model],
    '[agent]\nmodel = "new"\n# the service\nprovider = "openai"',
  ],
  [
    'a table below the table',
    '[channels.web]\nport = 1\n[channels.cli]\nenabled = true\n',
    [port, { path: 'channels.cli.enabled', value: false }, { path: 'channels.web.hosts', value: ['a', 'b'] }],
    '[channels.web]\nhosts = ["a","b"]\nport = 4000\n[channels.cli]\nenabled = false\n',
  ],
  ['a value with a # in it', '[agent]\nmodel = "a # b"\n', [model], '[agent]\nmodel = "new"\n'],
])('keys are set in %s, and nothing else changes', (_what, before, changes, after) => {
  writeFileSync(file, before)
  changeConfig(file, changes)
  expect(readFileSync(file, 'utf8')).toBe(after)
  expect(lstatSync(file).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['config.toml'])
})

test.each([
  ['a table in one line', 'agent = { model = "old" }\n', model],
  ['a dotted key', 'agent.model = "old"\n', model],
  [
    'a value over several lines',
    '[channels.web]\nhosts = [\n  "a",\n]\n',
    { path: 'channels.web.hosts', value: ['b'] },
  ],
  ['a text that looks like the table', '[agent]\napi_key = """\n[channels.web]\n"""\n', port],
  ['a value that the schema refuses', '', { path: 'channels.web.port', value: 99_999 }],
])('%s is not guessed at: the file stays, and what to write is said', (_what, before, change) => {
  writeFileSync(file, before)
  expect(() => changeConfig(file, [change])).toThrow(
    expect.objectContaining({ code: 'CONFIG_NOT_WRITTEN', hint: expect.stringContaining('Write into it yourself: [') }),
  )
  expect(readFileSync(file, 'utf8')).toBe(before)
  expect(readdirSync(folder)).toEqual(['config.toml'])
})

test('a file that is wrong already is not touched', () => {
  writeFileSync(file, '[agent]\nmodle = "x"\n')
  expect(() => changeConfig(file, [port])).toThrow("did you mean 'agent.model'")
  expect(readFileSync(file, 'utf8')).toBe('[agent]\nmodle = "x"\n')
})

test('a file that is not there yet is made, with its folder; a link stays a link', () => {
  const deep = join(folder, 'a/b/config.toml')
  changeConfig(deep, [model])
  symlinkSync(deep, file)
  changeConfig(file, [port])
  expect(lstatSync(file).isSymbolicLink()).toBe(true)
  expect(readFileSync(deep, 'utf8')).toBe('[agent]\nmodel = "new"\n[channels.web]\nport = 4000\n')
})
