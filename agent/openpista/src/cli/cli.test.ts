import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programEntry } from '@openpista/testing/programs'
import { afterEach, expect, test } from 'vitest'

const MAIN = programEntry('openpista')
const homes: string[] = []
const children = new Set<ChildProcess>()

afterEach(async () => {
  for (const child of children) {
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  }
  for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true })
})

function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'openpista-cli-'))
  homes.push(home)
  writeFileSync(join(home, 'config.toml'), '[agent]\nollama_url = ""\n[executor]\nkind = "host"\n')
  return home
}

type Ran = { code: number | null; out: string; err: string }

function begin(home: string, args: string[], input: 'none' | 'open' = 'none') {
  const { OPENAI_API_KEY: _, ...env } = process.env
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...env, OPENPISTA_HOME: home, OPENPISTA_WEB_PORT: '0' },
    stdio: [input === 'open' ? 'pipe' : 'ignore', 'pipe', 'pipe'],
  })
  children.add(child)
  const text = { out: '', err: '' }
  const seen = Promise.withResolvers<void>()
  child.stdout!.on('data', (chunk) => {
    text.out += chunk
    seen.resolve()
  })
  child.stderr!.on('data', (chunk) => {
    text.err += chunk
  })
  const ended = new Promise<Ran>((resolve) =>
    child.once('exit', (code) => {
      children.delete(child)
      resolve({ code, ...text })
    }),
  )
  return { child, ended, firstOutput: seen.promise, text }
}

const openpista = (home: string, ...args: string[]) => begin(home, args).ended

async function startGateway(home: string) {
  const gateway = begin(home, ['start'])
  await Promise.race([gateway.firstOutput, gateway.ended])
  expect(gateway.text.out).toMatch(/openpista is ready.*http:\/\/127\.0\.0\.1:\d+\/auth\?code=\S+/)
  return gateway
}

test('--help names the commands', async () => {
  const { code, out } = await openpista(newHome(), '--help')
  expect(code).toBe(0)
  for (const name of ['start', 'run', 'repl', 'status', 'stop', 'link', 'audit']) expect(out).toContain(`  ${name}`)
})

test('the program has its old name too', () => {
  const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as { bin: object }
  expect(manifest.bin).toEqual({ openpista: './src/main.ts', openpistacrab: './src/main.ts' })
})

test('run starts a gateway of its own where none runs, and its exit code tells how it went', async () => {
  const home = newHome()
  const allowed = await openpista(home, 'run', '--yes', '-e', '/run echo hello')
  expect(allowed).toMatchObject({ code: 0, out: expect.stringContaining('hello') })
  const denied = await openpista(home, 'run', '-e', '/run echo hello')
  expect(denied).toMatchObject({ code: 1, err: expect.stringContaining('no terminal to ask at') })
  const hint = await openpista(home, 'run', '-e', 'hello')
  expect(hint).toMatchObject({ code: 1, out: expect.stringContaining('No model is configured') })
  const json = await openpista(home, 'run', '--json', '-e', '/help')
  expect(JSON.parse(json.out)).toMatchObject({ status: 'stop', sessionId: expect.stringMatching(/^cli:run-/) })
  expect(await openpista(home, 'audit', 'verify')).toMatchObject({ code: 0, out: expect.stringContaining('whole') })
})

test('a reader that leaves early does not break a run', async () => {
  const home = newHome()
  const piped = `"${process.execPath}" "${MAIN}" run --yes -e '/run seq 1 500' | head -n 0; exit "\${PIPESTATUS[0]}"`
  const env = { PATH: process.env.PATH, HOME: home, OPENPISTA_HOME: home }
  expect(spawnSync('bash', ['-c', piped], { env, encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})

test('the gateway starts once, serves, and ends cleanly', async () => {
  const home = newHome()
  const gateway = await startGateway(home)
  expect(readFileSync(join(home, 'openpista.pid'), 'utf8')).toBe(`${gateway.child.pid}\n`)
  for (const file of ['gateway-token', 'openpista.sock', 'memory.db']) {
    expect(statSync(join(home, file)).mode & 0o077).toBe(0)
  }
  const second = await openpista(home, 'start')
  expect(second).toMatchObject({ code: 1, err: expect.stringContaining('runs already') })
  expect(await openpista(home, 'status')).toMatchObject({ code: 0, out: expect.stringContaining('running') })
  expect(await openpista(home, 'run', '-e', '/status')).toMatchObject({ code: 0 })
  const link = (await openpista(home, 'link')).out.trim()
  expect((await fetch(link, { redirect: 'manual' })).status).toBe(303)
  expect(await openpista(home, 'stop')).toMatchObject({ code: 0 })
  expect(await gateway.ended).toMatchObject({ code: 0 })
  expect(existsSync(join(home, 'openpista.pid'))).toBe(false)
  expect(await openpista(home, 'status')).toMatchObject({ code: 1 })
})

test('web start serves the web client alone; web status tells, web stop ends it and nothing else', async () => {
  const home = newHome()
  writeFileSync(
    join(home, 'config.toml'),
    `${readFileSync(join(home, 'config.toml'))}[channels.web]\nenabled = false\n`,
  )
  expect(await openpista(home, 'web', 'status')).toMatchObject({ code: 1, out: expect.stringContaining('stopped') })
  const gateway = begin(home, ['web', 'start'])
  await Promise.race([gateway.firstOutput, gateway.ended])
  expect(gateway.text.out).toMatch(/openpista is ready.*http:\/\/127\.0\.0\.1:\d+\/auth\?code=\S+/)
  const status = await openpista(home, 'web', 'status')
  expect(status).toMatchObject({ code: 0, out: expect.stringMatching(/running\n.*disabled.*web start.*health: ok/s) })
  expect(await openpista(home, 'web', 'stop')).toMatchObject({ code: 0 })
  expect(await gateway.ended).toMatchObject({ code: 0 })
  writeFileSync(join(home, 'config.toml'), '[agent]\nollama_url = ""\n[executor]\nkind = "host"\n')
  const whole = await startGateway(home)
  expect(await openpista(home, 'web', 'stop')).toMatchObject({
    code: 1,
    err: expect.stringContaining('openpista stop'),
  })
  expect(await openpista(home, 'stop')).toMatchObject({ code: 0 })
  expect(await whole.ended).toMatchObject({ code: 0 })
})

test('a gateway without its socket is found all the same, and no second one takes its place', async () => {
  const home = newHome()
  writeFileSync(join(home, 'config.toml'), '[agent]\nollama_url = ""\n[channels.cli]\nenabled = false\n')
  const gateway = await startGateway(home)
  expect(await openpista(home, 'status')).toMatchObject({ code: 0, out: expect.stringContaining('socket: off') })
  const refused = await openpista(home, 'run', '-e', '/status')
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('channels.cli.enabled') })
  expect(await openpista(home, 'stop')).toMatchObject({ code: 0 })
  expect(await gateway.ended).toMatchObject({ code: 0 })
})

test('what a killed gateway left behind does not keep the next one from starting', async () => {
  const home = newHome()
  const killed = await startGateway(home)
  killed.child.kill('SIGKILL')
  await killed.ended
  expect(existsSync(join(home, 'openpista.pid'))).toBe(true)
  const next = await startGateway(home)
  next.child.kill('SIGTERM')
  expect(await next.ended).toMatchObject({ code: 0 })
})

test('repl answers line by line, keeps a history and ends at /quit and at the end of input', async () => {
  const home = newHome()
  for (const last of ['/quit\n', '']) {
    const repl = begin(home, ['repl'], 'open')
    repl.child.stdin!.end(`\n/status\n${last}`)
    expect(await repl.ended).toMatchObject({ code: 0, out: expect.stringContaining('session: cli:local') })
  }
  expect(readFileSync(join(home, 'history'), 'utf8')).toContain('/status\n')
})

test('repl changes sessions, and tells what a command did once', async () => {
  const home = newHome()
  writeFileSync(join(home, 'note.txt'), 'a note')
  const lines = ['/list', '/session new', '/list nowhere', '/session load cli:none', '/session load cli:local']
  const repl = begin(home, ['repl'], 'open')
  for (const line of lines) {
    repl.child.stdin!.write(`${line}\n`)
    await expect.poll(() => repl.text.out.split('openpista> ').length).toBeGreaterThan(lines.indexOf(line) + 2)
  }
  repl.child.stdin!.end('/session delete cli:local\n')
  const { code, out } = await repl.ended
  expect(code).toBe(0)
  expect(out.split('(empty folder)')).toHaveLength(2)
  expect(out.match(/nowhere/g)).toHaveLength(2)
  expect(out.match(/\[cli:local\]/g)).toHaveLength(2)
  expect(out).toContain("There is no session 'cli:none'")
  expect(out).toContain('Deleted.')
})

test('a wrong configuration is refused in words', async () => {
  const home = newHome()
  writeFileSync(join(home, 'config.toml'), '[agent]\nmodle = "x"\n')
  expect(await openpista(home, 'start')).toMatchObject({
    code: 1,
    err: expect.stringContaining("did you mean 'agent.model'"),
  })
})
