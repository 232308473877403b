import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DockerFault, type FakeDocker, startDockerd, startFakeDocker } from '@openpista/testing'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { type ContainerSpec, runContainer, sweepContainers } from './container.ts'
import { createDockerExecutor } from './docker.ts'
import { createDockerEngine } from './docker-engine.ts'
import { executorConformance } from './executor.conformance.ts'
import type { ContainerOffer } from './executor.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'docker-')))
const socketPath = join(home, 'docker.sock')
let fault: (route: string) => DockerFault | undefined = () => undefined
beforeEach(() => {
  fault = () => undefined
})
const docker: FakeDocker = await startFakeDocker({
  socketPath,
  fault: (route) => fault(route),
  outOfMemory: (code) => code === 137,
})
const engine = createDockerEngine(socketPath)
afterAll(async () => {
  await docker.close()
  rmSync(home, { recursive: true })
})

const offer: ContainerOffer = {
  ...{ name: 'tests', image: 'test-image', network: false, memoryMb: 512, cpuMillis: 1500, pids: 256 },
}
const specOf = (command: string, changes: Partial<ContainerSpec> = {}): ContainerSpec => ({
  ...{ offer, argv: ['sh', '-c', command], cwd: '/workspace', owner: 'me' },
  ...{ mounts: [{ source: home, target: '/workspace', readOnly: true }], ...changes },
})
const run = async (
  command: string,
  changes: Partial<ContainerSpec> = {},
  { seconds = 10, signal = new AbortController().signal } = {},
) =>
  await runContainer(
    engine,
    specOf(command, changes),
    { timeoutSeconds: seconds, maxOutput: 1000, onOutput: () => {} },
    signal,
  )

executorConformance('docker', (roots) => createDockerExecutor({ engine, offer, roots, owner: 'me' }))

test('a container gets its limits, no network, no rights, and the workspace as configured', async () => {
  expect(await run('pwd; exit 3')).toMatchObject({ ok: true, result: { stdout: `${home}\n`, exitCode: 3 } })
  expect(docker.created.at(-1)).toEqual({
    Image: 'test-image',
    Entrypoint: [],
    Cmd: ['sh', '-c', 'pwd; exit 3'],
    WorkingDir: '/workspace',
    User: `${process.getuid!()}:${process.getgid!()}`,
    Env: ['HOME=/tmp', 'TMPDIR=/tmp', 'LC_ALL=C.UTF-8'],
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    NetworkDisabled: true,
    Labels: { 'openpista.owner': 'me', 'openpista.pid': String(process.pid) },
    HostConfig: {
      Memory: 536_870_912,
      MemorySwap: 536_870_912,
      NanoCpus: 1_500_000_000,
      PidsLimit: 256,
      NetworkMode: 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      Init: true,
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,size=64m,mode=1777' },
      Mounts: [{ Type: 'bind', Source: home, Target: '/workspace', ReadOnly: true }],
      LogConfig: { Type: 'none', Config: {} },
    },
  })
})

test('every container is removed: after an end, a kill, a cancel, and a fault at any step', async () => {
  await run('true')
  await run('sleep 60', {}, { seconds: 0.2 })
  const controller = new AbortController()
  setTimeout(() => controller.abort(), 100)
  expect(await run('sleep 60', {}, { signal: controller.signal })).toMatchObject({ result: { killed: 'cancelled' } })
  for (const step of ['attach', 'start', 'wait']) {
    fault = (route) =>
      route === `POST /containers/{id}/${step}` ? { status: 500, message: `no ${step} today` } : undefined
    expect(await run('sleep 60')).toMatchObject({ ok: false, message: expect.stringContaining(`no ${step} today`) })
    fault = (route) => (route === `POST /containers/{id}/${step}` ? 'cut' : undefined)
    expect(await run('sleep 60')).toMatchObject({ ok: false, missing: false })
  }
  fault = (route) => (route === 'POST /containers/{id}/kill' ? { status: 409, message: 'is not running' } : undefined)
  expect(await run('sleep 60', {}, { seconds: 0.2 })).toMatchObject({ result: { killed: 'timeout' } })
  expect(docker.left()).toEqual([])
})

test('what the engine refuses is said in words', async () => {
  expect(await run('true', { offer: { ...offer, image: 'none:1' } })).toMatchObject({
    ok: false,
    missing: false,
    message: expect.stringContaining('docker pull none:1'),
  })
  expect(await run('true', { offer: { ...offer, memoryMb: 1 } })).toMatchObject({
    message: expect.stringContaining('Minimum memory limit'),
  })
  fault = (route) => (route === 'POST /containers/create' ? { status: 409, message: 'Conflict.' } : undefined)
  expect(await run('true')).toMatchObject({ ok: false, message: expect.stringContaining('Conflict.') })
  fault = () => undefined
  expect(await run('exit 137')).toMatchObject({ result: { stderr: expect.stringContaining('more memory than') } })
  expect(docker.left()).toEqual([])
})

test('no engine, and something else at its socket, are told apart from a refusal', async () => {
  const nobody = createDockerEngine(join(home, 'nobody.sock'))
  expect(await nobody.call('GET', '/_ping')).toMatchObject({
    ok: false,
    missing: true,
    message: expect.stringContaining('ENOENT'),
  })
  const path = join(home, 'other.sock')
  const other = createServer((_request, response) => response.end('<html>'))
  await new Promise<void>((resolve) => other.listen(path, resolve))
  const odd = createDockerEngine(path)
  const output = { timeoutSeconds: 5, maxOutput: 10, onOutput: () => {} }
  expect(await runContainer(odd, specOf('true'), output, new AbortController().signal)).toMatchObject({ ok: false })
  other.close()
})

test('containers of a killed process are removed at the next start, those of a living one and of others stay', async () => {
  const create = async (owner: string, pid: number) => {
    const labels = { Labels: { 'openpista.owner': owner, 'openpista.pid': String(pid) } }
    await engine.call('POST', `/containers/create?name=${owner}-${pid}`, {
      Image: 'test-image',
      Cmd: ['sleep', '60'],
      ...labels,
    })
    await engine.call('POST', `/containers/${owner}-${pid}/start`)
  }
  await create('me', 1)
  await create('me', 2)
  await create('you', 1)
  expect(await sweepContainers(engine, 'me', (pid) => pid === 2)).toEqual({ removed: 1 })
  expect(docker.left().sort()).toEqual(['me-2', 'you-1'])
  for (const name of docker.left()) await engine.call('DELETE', `/containers/${name}?force=1`)
  fault = () => ({ status: 500, message: 'broken' })
  expect(await sweepContainers(engine, 'me', () => false)).toEqual({ fault: 'broken' })
})

test('a real engine keeps the limits', async (context) => {
  const engine = await startDockerd()
  if ('missing' in engine) return context.skip(engine.missing)
  context.onTestFinished(engine.stop)
  const { image } = engine
  const real = createDockerEngine(engine.socketPath)
  const owner = `test-${process.pid}`
  const runReal = async (command: string, seconds = 30) => {
    const spec = specOf(command, { offer: { ...offer, image, memoryMb: 64 }, owner })
    const limits = { timeoutSeconds: seconds, maxOutput: 5000, onOutput: () => {} }
    return await runContainer(real, spec, limits, new AbortController().signal)
  }
  writeFileSync(join(home, 'note.txt'), 'from the workspace\n')
  const inside =
    'cat note.txt; echo x > note.txt; echo x > /root-file; ls /sys/class/net; grep CapEff /proc/self/status'
  expect(await runReal(inside)).toMatchObject({
    ok: true,
    result: {
      stdout: expect.stringMatching(/^from the workspace\nlo\nCapEff:\t0+\n$/),
      stderr: expect.stringMatching(/Read-only file system.*Read-only file system/s),
    },
  })
  expect(await runReal('sleep 60', 1)).toMatchObject({ result: { killed: 'timeout', exitCode: null } })
  expect(await runReal('echo out; echo err >&2; exit 4')).toMatchObject({
    result: { stdout: 'out\n', stderr: 'err\n', exitCode: 4 },
  })
  const listed = await real.call(
    'GET',
    `/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify({ label: [`openpista.owner=${owner}`] }))}`,
  )
  expect(listed).toEqual({ ok: true, body: [] })
})
