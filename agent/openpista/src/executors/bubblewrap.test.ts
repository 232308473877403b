import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createBubblewrapExecutor, probeBubblewrap } from './bubblewrap.ts'
import { ContainerConfig, createContainers } from './containers.ts'
import { executorConformance } from './executor.conformance.ts'
import { createExecutor } from './index.ts'
import { resolveRoots } from './roots.ts'
import { createTaskTokens } from './task-tokens.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'bubblewrap-')))
const roots = resolveRoots({ workspace: join(home, '.openpista/workspace'), writable: [], readable: [], home })
const containers = createContainers(ContainerConfig.parse({}), home, createTaskTokens(Date.now))
const given = { network: false, roots, containers, container: '' }
const probe = await probeBubblewrap({ roots, network: false, env: process.env })
afterAll(() => rmSync(home, { recursive: true }))

// A machine without user namespaces or without bwrap has no sandbox to test.
describe.skipIf(!probe.works)(`bubblewrap (${probe.works ? 'works here' : probe.why})`, () => {
  executorConformance('bubblewrap', (own, env) => createBubblewrapExecutor({ roots: own, network: false, env }))

  const run = async (command: string, network = false, own = roots) => {
    const executor = createBubblewrapExecutor({ roots: own, network, env: process.env })
    const request = { command, cwd: own.workspace, timeoutSeconds: 10, maxOutput: 4000, onOutput: () => {} }
    return await executor.run(request, new AbortController().signal)
  }

  beforeAll(() => {
    mkdirSync(join(home, '.waiaas'))
    writeFileSync(join(home, '.waiaas/keystore.json'), 'top secret')
    writeFileSync(join(home, '.openpista/token'), 'top secret')
    writeFileSync(join(home, 'diary.txt'), 'top secret')
  })

  test('is what a machine gets when nothing is configured', async () => {
    const executor = await createExecutor({ ...given, kind: 'auto', env: process.env })
    expect(executor.name).toBe('bubblewrap')
  })

  test('the home of the owner, of the agent and of the wallet are not there', async () => {
    const files = `${home}/.waiaas/keystore.json ${home}/.openpista/token ${home}/diary.txt`
    const result = await run(
      `cat ${files}; ls -A ${home} ${home}/.openpista ${homedir()}; grep -rs "top secret" ${home} ${homedir()} /tmp /etc`,
    )
    expect(result.stdout).not.toContain('top secret')
    expect(result.stdout).not.toContain('diary')
  })

  test('a link in the workspace does not lead out of it', async () => {
    symlinkSync(join(home, '.waiaas'), join(roots.workspace, 'link'))
    const result = await run('cat link/keystore.json; echo changed > link/keystore.json')
    expect(result.stdout).toBe('')
    expect(readFileSync(join(home, '.waiaas/keystore.json'), 'utf8')).toBe('top secret')
  })

  test('the system cannot be written, remounted or seen through its sockets', async () => {
    const result = await run(
      'touch /usr/x /etc/x /x 2>&1; mount -o remount,rw /usr 2>&1; ls /run /var 2>&1; cat /etc/shadow | wc -c; echo $(ls /proc | grep -c "^[0-9]")',
    )
    expect(result.stdout).toMatch(/Read-only file system/)
    const [shadow, processes] = result.stdout.trim().split('\n').slice(-2)
    expect(shadow).toBe('0')
    expect(Number(processes)).toBeLessThan(10)
  })

  test('/tmp is its own', async () => {
    const result = await run('ls /tmp; echo x > /tmp/left-behind && cat /tmp/left-behind')
    expect(result.stdout).toContain('x')
    expect(() => readFileSync('/tmp/left-behind')).toThrow('ENOENT')
  })

  test('no network unless configured, the own loopback included', async () => {
    const server = createServer((socket) => socket.end('reached'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const connect = `cat < /dev/tcp/127.0.0.1/${port}`
    expect((await run(connect)).exitCode).not.toBe(0)
    expect(await run(connect, true)).toMatchObject({ stdout: 'reached', exitCode: 0 })
    await new Promise((resolve) => server.close(resolve))
  })

  test('configured folders are there, readable or writable as configured', async () => {
    const readable = join(home, 'readable')
    const writable = join(home, 'writable')
    for (const folder of [readable, writable]) mkdirSync(folder)
    const own = resolveRoots({ workspace: roots.workspace, writable: [writable], readable: [readable], home })
    const result = await run(`echo a > ${writable}/a && cat ${writable}/a; echo b > ${readable}/b`, false, own)
    expect(result.stdout).toBe('a\n')
    expect(result.stderr).toContain('Read-only file system')
  })
})

test('a folder that would open the wallet is refused', () => {
  const config = { workspace: roots.workspace, writable: [], readable: [], home }
  mkdirSync(join(home, '.waiaas/inner'), { recursive: true })
  symlinkSync(join(home, '.waiaas'), join(home, 'innocent'))
  for (const folder of [home, join(home, '.waiaas'), join(home, '.waiaas/inner'), join(home, 'innocent')]) {
    expect(() => resolveRoots({ ...config, readable: [folder] })).toThrow('would give tools access')
    expect(() => resolveRoots({ ...config, writable: [folder] })).toThrow('would give tools access')
  }
  expect(() => resolveRoots({ ...config, workspace: home })).toThrow('would give tools access')
  expect(() => resolveRoots({ ...config, readable: [join(home, 'nowhere')] })).toThrow('cannot be used')
})

test('a sandbox asked for by name that does not start is an error that says what to do', async () => {
  const none = { ...process.env, PATH: '/nonexistent' }
  await expect(createExecutor({ ...given, kind: 'bubblewrap', env: none })).rejects.toMatchObject({
    code: 'EXECUTOR_UNAVAILABLE',
    hint: expect.stringContaining('apt-get install bubblewrap'),
  })
  expect((await createExecutor({ ...given, kind: 'auto', env: none })).name).toBe('host')
})
