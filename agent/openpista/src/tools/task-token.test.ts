import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startDockerd, startFakeDocker } from '@openpista/testing'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { ContainerConfig, createContainers } from '../executors/containers.ts'
import { createHostExecutor } from '../executors/host.ts'
import { createTaskTokens } from '../executors/task-tokens.ts'
import { startAgent } from '../testing/agent-fixture.ts'
import { echo } from '../testing/script.ts'
import { createContainerRun } from './container-run.ts'
import type { Tool } from './tool.ts'
import { toolSpec } from './tool-spec.ts'

type Engine = { socketPath: string; image: string; stop: () => Promise<void> }

async function startFake(): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'fake-docker-'))
  const socketPath = join(folder, 'docker.sock')
  const docker = await startFakeDocker({ socketPath })
  const stop = async () => {
    await docker.close()
    rmSync(folder, { recursive: true })
  }
  return { socketPath, image: 'test-image', stop }
}

let clock = { ahead: 0 }
beforeEach(() => {
  clock = { ahead: 0 }
})

/** A gateway, and containers of which those of `trusted` may have a token. */
async function open({ socketPath, image, stop }: Engine) {
  onTestFinished(stop)
  const home = realpathSync(mkdtempSync(join(tmpdir(), 'task-token-')))
  const tasks = createTaskTokens(() => Date.now() + clock.ahead)
  const images = [
    { name: 'plain', image },
    { name: 'trusted', image, task_token: true },
  ]
  const containers = createContainers(ContainerConfig.parse({ socket: socketPath, images }), home, tasks)
  const [first, ...rest] = containers.images
  const tool = createContainerRun({ ...containers, images: [first!, ...rest] }) as unknown as Tool
  const fixture = await startAgent(echo, { tasks })
  onTestFinished(async () => {
    await fixture[Symbol.asyncDispose]()
    rmSync(home, { recursive: true })
  })
  const ask = async (headers: Record<string, string>) => {
    const response = await fetch(`http://127.0.0.1:${fixture.port}/api/task`, { headers })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const run = (args: Record<string, unknown>, emit = (_text: string) => {}, signal = new AbortController().signal) =>
    tool.run(tool.input.parse(args), {
      ...{ sessionId: 'web:tab', turnId: 't', callId: 'call_7', workspace: home, signal, emit },
      exec: createHostExecutor(process.env),
    })
  return { home, run, ask, verify: (token: string) => ask({ authorization: `Bearer ${token}` }) }
}

/** A container that shows its token and waits for a file. */
function waiting(more: Record<string, unknown> = {}) {
  const seen = Promise.withResolvers<string>()
  const name = more.token_env_name ?? 'openpista_TASK_TOKEN'
  const command = `echo "$${name} $${name}_EXPIRES_AT"; while [ ! -e end ]; do sleep 0.1; done; echo over`
  const emit = (text: string) => seen.resolve(text.trim())
  return { args: { image: 'trusted', inject_task_token: true, command, ...more }, emit, seen: seen.promise }
}

const engines = [
  ['a fake engine', startFake],
  ['a real engine', startDockerd],
] as const

describe.each(engines)('in %s', (_name, start) => {
  test('a task token is good while its container runs, and no longer', async (context) => {
    const engine = await start()
    if ('missing' in engine) return context.skip(engine.missing)
    const { home, run, verify } = await open(engine)
    const { args, emit, seen } = waiting()
    const running = run(args, emit)
    const [token = '', expires = ''] = (await seen).split(' ')
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(await verify(token)).toEqual({
      status: 200,
      body: { callId: 'call_7', sessionId: 'web:tab', expiresAt: expires },
    })
    expect(Date.parse(expires) - Date.now()).toBeGreaterThan(200_000)
    expect(Date.parse(expires) - Date.now()).toBeLessThanOrEqual(300_000)
    writeFileSync(join(home, 'end'), '')
    expect(await running).toMatchObject({ isError: false, output: expect.stringMatching(/over\nexit_code: 0$/) })
    expect(await verify(token)).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } })
  })

  test('it ends with its time although the container runs on, and with a container that is stopped', async (context) => {
    const engine = await start()
    if ('missing' in engine) return context.skip(engine.missing)
    const { run, verify } = await open(engine)
    const { args, emit, seen } = waiting({ token_ttl_secs: 900, token_env_name: 'MINE' })
    const stop = new AbortController()
    const running = run(args, emit, stop.signal)
    const [token = ''] = (await seen).split(' ')
    clock.ahead = 890_000
    expect((await verify(token)).status).toBe(200)
    clock.ahead = 900_000
    expect((await verify(token)).status).toBe(401)
    clock.ahead = 0
    expect((await verify(token)).status).toBe(200)
    stop.abort()
    expect((await running).output).toContain('Command cancelled')
    expect((await verify(token)).status).toBe(401)
  })
})

test('without the owner’s word in the configuration there is no token, whatever the model says', async () => {
  const { run } = await open(await startFake())
  const command = 'env'
  expect(await run({ command, inject_task_token: true })).toMatchObject({
    isError: true,
    output: expect.stringContaining('task_token = true'),
  })
  expect((await run({ command, image: 'trusted' })).output).not.toContain('TASK_TOKEN')
  const config = ContainerConfig.parse({ images: [{ name: 'plain', image: 'x' }] })
  const { images, ...plain } = createContainers(config, '/', createTaskTokens(Date.now))
  const tool = createContainerRun({ ...plain, images: [images[0]!] }) as unknown as Tool
  expect(JSON.stringify(toolSpec(tool))).not.toContain('token')
  expect(tool.input.safeParse({ command, inject_task_token: true }).success).toBe(false)
})

test.each([
  { token_ttl_secs: 901 },
  { token_ttl_secs: 0 },
  { token_env_name: 'A-B' },
  { token_env_name: 'A=B\nPATH' },
  { token_env_name: '' },
])('arguments %j are refused', async (more) => {
  const { run } = await open(await startFake())
  expect(() => run({ command: 'true', image: 'trusted', inject_task_token: true, ...more })).toThrow()
})

test('the variables of a container stay its own, whatever the token is called', async () => {
  const { run } = await open(await startFake())
  const args = { command: 'echo "[$HOME]"', image: 'trusted', inject_task_token: true, token_env_name: 'HOME' }
  expect((await run(args)).output).toContain('[/tmp]')
})

test('a call with a token is not covered by an allowance for one without', async () => {
  const config = ContainerConfig.parse({ images: [{ name: 'trusted', image: 'x', task_token: true }] })
  const { images, ...rest } = createContainers(config, '/', createTaskTokens(Date.now))
  const tool = createContainerRun({ ...rest, images: [images[0]!] }) as unknown as Tool
  const scope = (args: object) => tool.scope(tool.input.parse({ command: 'ls', ...args }))
  expect(scope({ inject_task_token: true })).not.toBe(scope({}))
})

test('nothing but a token of a running task is answered', async () => {
  const { ask, verify } = await open(await startFake())
  expect((await ask({})).status).toBe(401)
  expect((await ask({ authorization: 'Bearer ' })).status).toBe(401)
  expect((await ask({ authorization: 'Basic x' })).status).toBe(401)
  expect((await verify('a token that only tests know')).status).toBe(401)
  expect((await verify('x'.repeat(10_000))).status).toBe(401)
})
