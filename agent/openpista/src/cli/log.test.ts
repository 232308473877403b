import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openpista } from './cli.fixture.ts'
import { createDailyFile } from './log.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'openpista-log-'))
})
afterEach(() => rmSync(home, { recursive: true }))

test('a day has one file; yesterday and the week before it are kept, no more', () => {
  const folder = join(home, 'logs')
  let day = 1
  const log = createDailyFile(folder, () => new Date(2027, 0, day, 12))
  for (day = 1; day <= 10; day++) {
    log.write(`day ${day}\n`)
    log.write('and more\n')
  }
  const kept = [3, 4, 5, 6, 7, 8, 9].map((each) => `debug.log.2027-01-0${each}`)
  expect(readdirSync(folder).toSorted()).toEqual(['debug.log', ...kept])
  expect(readFileSync(join(folder, 'debug.log'), 'utf8')).toBe('day 10\nand more\n')
  expect(statSync(join(folder, 'debug.log')).mode & 0o777).toBe(0o600)
})

test('--debug writes what goes on into the file of the day, and no words of the conversation', async () => {
  const env = { openpista_OLLAMA_URL: 'http://127.0.0.1:1/v1' }
  const ran = await openpista(home, ['--debug', 'run', '-e', '/help secret words'], { env })
  expect(ran).toMatchObject({ code: 0, err: '' })
  const lines = readFileSync(join(home, 'logs/debug.log'), 'utf8').trim().split('\n')
  const types = lines.map((line) => (JSON.parse(line) as { type?: string }).type)
  expect(types).toEqual(expect.arrayContaining(['message.stored', 'turn.started', 'turn.finished']))
  expect(lines.join('\n')).not.toContain('secret words')
})

test('a level that does not exist is refused with those that do', async () => {
  expect(await openpista(home, ['-l', 'loud', 'status'])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/loud.*debug, info, warn, error, silent/s),
  })
})
