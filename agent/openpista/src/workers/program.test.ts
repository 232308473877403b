import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startFakeOpenAI } from '@openpista/testing'
import { expect, onTestFinished, test } from 'vitest'
import { openpista } from '../cli/cli.fixture.ts'

const CONFIG = `
[executor]
kind = "host"
[[approvals.rules]]
name = "workers"
decision = "allow"
tool = "worker.*"
`

test('the program as it is started has workers, over the wire of a real service', async () => {
  const home = mkdtempSync(join(tmpdir(), 'openpista-workers-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const call = (name: string, args: Record<string, unknown>) => ({ calls: [{ name, arguments: args }] })
  const service = await startFakeOpenAI({
    models: ['small'],
    script: ({ messages }) => {
      const last = messages.at(-1)!
      const told = last.role === 'tool' ? String(last.content) : undefined
      if (JSON.stringify(messages).includes('You are a worker')) {
        return told === undefined ? call('fs_read', { path: 'note.txt' }) : { text: `It holds: ${told}` }
      }
      if (told === undefined) return call('worker_start', { task: 'Read note.txt.', name: 'reader' })
      return told.startsWith('Started') ? call('worker_result', { worker: 'reader', wait_secs: 40 }) : { text: told }
    },
  })
  onTestFinished(service.close)
  mkdirSync(join(home, 'workspace'))
  writeFileSync(join(home, 'workspace', 'note.txt'), 'bread and milk')
  writeFileSync(join(home, 'config.toml'), CONFIG)
  const env = {
    openpista_PROVIDER: 'custom',
    openpista_MODEL: 'small',
    openpista_BASE_URL: service.baseUrl,
    openpista_API_KEY: service.apiKey,
  }
  const ran = await openpista(home, ['run', '-e', 'What is in my note?'], { env })
  expect(ran).toMatchObject({ code: 0, err: '' })
  expect(ran.out).toMatch(/\[Report of worker reader \(.*\): done; 2 rounds, .*\nIt holds: bread and milk/)
  expect(service.refused).toEqual([])
})
