import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cheapKdfParams } from './cheap-kdf.fixture.ts'
import { initKeystore } from './keystore.ts'

const dataDir = mkdtempSync(join(tmpdir(), 'signer-'))
const here = import.meta.dirname
const codeDir = join(here, '../../../..')

beforeAll(async () => {
  await initKeystore(join(dataDir, 'keystore'), Buffer.from('open sesame'), cheapKdfParams())
})
afterAll(() => rmSync(dataDir, { recursive: true }))

type Running = {
  signer: ChildProcessByStdio<null, Readable, Readable>
  /** The first line that the daemon says. */
  line: () => Promise<never>
  /** When signer and daemon are both gone: how the signer ended, and what was written. */
  end: Promise<{ code: number | null; errors: string; output: string }>
}

function start(task: string, password = 'open sesame', code = codeDir): Running {
  const daemon = join(here, 'daemon-process.fixture.ts')
  const signer = spawn(
    process.execPath,
    [join(here, 'signer-process.fixture.ts'), dataDir, password, daemon, code, task, dataDir],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, WAIAAS_MASTER_PASSWORD: password } },
  )
  let errors = ''
  let output = ''
  signer.stderr.on('data', (chunk) => {
    errors += chunk
  })
  signer.stdout.on('data', (chunk) => {
    output += chunk
  })
  const first = once(createInterface({ input: signer.stdout }), 'line')
  // The pipes close when the last process that holds them is gone.
  const end = once(signer, 'close').then(([exit]) => ({ code: exit as number | null, errors, output }))
  const line = async () => {
    const [text] = await Promise.race([first, end.then(({ errors }) => Promise.reject(new Error(errors)))])
    return JSON.parse(text) as never
  }
  return { signer, line, end }
}

test('the daemon uses its signer over the pipe', async () => {
  const { line, end } = start('use')
  expect(await line()).toMatchObject({
    key: { keyId: expect.any(String), address: expect.any(String) },
    signature: expect.stringMatching(/^[0-9a-f]{128}$/),
    secret: 32,
    passwords: [true, false],
    halted: 'KEYSTORE_LOCKED',
    unknown: 'KEY_NOT_FOUND',
  })
  expect((await end).code).toBe(0)
})

test('the daemon cannot get at the keys', async () => {
  const { line, end } = start('escape')
  const denied = 'ERR_ACCESS_DENIED'
  expect(await line()).toEqual({
    read: denied,
    list: denied,
    write: denied,
    aside: denied,
    memory: denied,
    spawn: denied,
    native: 'ERR_DLOPEN_DISABLED',
    thread: denied,
    own: 'done',
    password: 'withheld',
  })
  expect((await end).code).toBe(7)
})

test('the daemon cannot open a debugger in its signer', async () => {
  const { end } = start('debugger')
  expect(await end).toMatchObject({ code: 0, errors: '' })
})

test('a signer that is killed takes its daemon along', async () => {
  const { signer, line, end } = start('wait')
  await line()
  signer.kill('SIGKILL')
  expect((await end).code).toBe(null)
})

test('a daemon that is killed ends its signer', async () => {
  const { line, end } = start('wait')
  process.kill(((await line()) as { pid: number }).pid, 'SIGKILL')
  expect((await end).code).toBe(137)
})

test('a stop of the signer lets the daemon stop in order', async () => {
  const { signer, line, end } = start('wait')
  await line()
  signer.kill('SIGTERM')
  expect((await end).code).toBe(0)
})

test('a daemon that breaks the protocol is ended', async () => {
  const { end } = start('babble')
  expect((await end).code).toBe(137)
})

test('with a wrong password the daemon is ended before it does anything', async () => {
  const { end } = start('wait', 'wrong')
  const { code, errors, output } = await end
  expect(code).toBe(1)
  expect(errors).toContain('INVALID_MASTER_PASSWORD')
  expect(output).toBe('')
})

test('no daemon is started that may read the folder of the keystore', async () => {
  const { end } = start('wait', 'open sesame', dataDir)
  const { code, errors } = await end
  expect(code).toBe(1)
  expect(errors).toContain('DATA_DIR_INVALID')
})
