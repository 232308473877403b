import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium, startFakeDocker } from '@openpista/testing'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { ContainerConfig, createContainers } from './executors/containers.ts'
import { createHostExecutor } from './executors/host.ts'
import { createExecutor } from './executors/index.ts'
import { resolveRoots } from './executors/roots.ts'
import { createTaskTokens } from './executors/task-tokens.ts'
import { createMachine, type MachineParts } from './machine.ts'
import { systemPrompt } from './prompt.ts'
import { mapToolNames } from './providers/tool-names.ts'
import type { Schedules } from './schedules/schedule.ts'
import type { SkillRunner } from './skills/runner.ts'
import type { Skills } from './skills/skills.ts'
import { openStore } from './store/store.ts'
import { BrowserSection, ScreenSection } from './tools/config.ts'
import { createContainerRun } from './tools/container-run.ts'
import { createTools } from './tools/index.ts'
import { createOutputRead } from './tools/output-read.ts'
import { systemLookup } from './tools/pinned-fetch.ts'
import { createScheduleTools } from './tools/schedules.ts'
import { createScreenCapture } from './tools/screen-capture.ts'
import { createSkillTools } from './tools/skills.ts'
import { type ToolCase, toolConformance } from './tools/tool.conformance.ts'
import type { Tool, ToolContext } from './tools/tool.ts'
import { toolSpec } from './tools/tool-spec.ts'
import { createWorkerTools } from './tools/workers.ts'
import { createPayments } from './wallet/payments.ts'
import type { Wallet } from './wallet/wallet.ts'
import type { Workers } from './workers/worker.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'machine-')))
const roots = resolveRoots({ workspace: join(home, 'workspace'), writable: [], readable: [], home })
const chromium = await findChromium()
const docker = await startFakeDocker({ socketPath: join(home, 'docker.sock') })
const site = createServer((_request, response) => {
  response.setHeader('content-type', 'text/html').end('<title>Site</title><button>go</button><input>')
})
await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`
const store = await openStore(':memory:')

const image = { name: 'plain', image: 'test-image' }
const containersAt = (socket: string, changes: object = {}) =>
  createContainers(
    ContainerConfig.parse({ socket, images: [image, { name: 'gone', image: 'none:1' }], ...changes }),
    home,
    createTaskTokens(Date.now),
  )
const containers = containersAt(docker.socketPath)
const runnerOf = ({ images: [first, ...rest], ...others }: typeof containers) =>
  createContainerRun({ ...others, images: [first!, ...rest] })

/** A program that takes a picture, as the table of screens knows them. */
const bin = join(home, 'bin')
mkdirSync(bin)
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAIAAAADCAIAAAA2iEnWAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=='
const grabber = (script: string) => {
  writeFileSync(join(bin, 'scrot'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(bin, 'scrot'), 0o755)
}
const screenEnv = { DISPLAY: ':0', PATH: `${bin}:${process.env.PATH}` }
beforeEach(() => grabber(`echo ${PNG} | base64 -d > "$2"`))

const parts: MachineParts = {
  browser: BrowserSection.parse({ path: 'path' in chromium ? chromium.path : '' }),
  screen: ScreenSection.parse({}),
  containers,
  home,
  env: { ...process.env, WAYLAND_DISPLAY: '', ...screenEnv },
  platform: 'linux',
  web: { allowedHosts: [new URL(url).host], resolve: systemLookup },
  store,
}
const machine = createMachine(parts)
afterAll(async () => {
  await machine.close()
  await docker.close()
  await store.close()
  site.closeAllConnections()
  site.close()
  rmSync(home, { recursive: true })
})
const contextOf = (signal: AbortSignal): ToolContext => ({
  ...{ sessionId: 's', turnId: 't', callId: 'c', workspace: roots.workspace },
  ...{ exec: createHostExecutor(process.env), signal, emit: () => {} },
})
const use = async (tool: unknown, input: unknown) =>
  await (tool as Tool).run((tool as Tool).input.parse(input), contextOf(new AbortController().signal))
const named = (name: string) => machine.tools.find((tool) => tool.name === name)!

const cases: Record<string, Omit<ToolCase, 'tool'>> = {
  'browser.navigate': { valid: { url }, failing: { arguments: { url: 'file:///etc/passwd' } } },
  'browser.text': { valid: {}, failing: { arguments: { selector: '#none' } } },
  'browser.click': { valid: { selector: 'button' }, failing: { arguments: { selector: '#none', timeout_secs: 1 } } },
  'browser.type': {
    valid: { selector: 'input', text: 'x' },
    failing: { arguments: { selector: '#none', text: 'x', timeout_secs: 1 } },
  },
  'browser.screenshot': {
    valid: {},
    failing: {
      arguments: {},
      tool: createMachine({ ...parts, browser: { ...parts.browser, path: '/nonexistent' } }).tools.find(
        ({ name }) => name === 'browser.screenshot',
      )!,
    },
  },
  'screen.capture': { valid: {}, failing: { arguments: { display: 3 } } },
  'container.run': { valid: { command: 'echo hi' }, failing: { arguments: { command: 'true', image: 'gone' } } },
  'memory.search': { valid: { query: 'ducks' }, failing: { arguments: { query: '?!' } } },
}
const tested = machine.tools.filter(({ name }) => 'path' in chromium || !name.startsWith('browser.'))
for (const tool of tested) toolConformance({ tool, ...cases[tool.name]! }, contextOf)

test('every tool is under the conformance suite, and all built-in tools have names of their own', () => {
  expect(machine.tools.map(({ name }) => name).sort()).toEqual(Object.keys(cases).sort())
})

test('a first request with every built-in tool stays below 8 KB', () => {
  const wallet = { wallet: {} as Wallet, payments: createPayments({} as Parameters<typeof createPayments>[0]) }
  const all = [
    ...createTools({ roots, web: parts.web, wallet }),
    ...machine.tools,
    ...createScheduleTools({} as Schedules),
    ...createSkillTools({} as Skills, {} as SkillRunner),
    ...createWorkerTools({} as Workers),
    createOutputRead(async () => undefined, ['system.run']) as unknown as Tool,
  ]
  const names = mapToolNames(all.map(({ name }) => name))
  if (!names.ok) throw new Error(names.message)
  const request = {
    ...{ model: 'gpt-4o', stream: true, stream_options: { include_usage: true } },
    messages: [
      {
        role: 'system',
        content: systemPrompt({
          workspace: '/srv/owner/.openpista/workspace',
          executor: 'bubblewrap',
          channel: 'web',
          skills: '',
        }),
      },
      { role: 'user', content: 'Hello' },
    ],
    tools: all
      .filter(({ offeredAfter }) => offeredAfter === undefined)
      .map(toolSpec)
      .map((spec) => ({ type: 'function', function: { ...spec, name: names.names.wire(spec.name) } })),
  }
  expect(Buffer.byteLength(JSON.stringify(request))).toBeLessThan(8192)
})

test('what is not configured, or has nothing to work on, is not offered', () => {
  const { tools } = createMachine({
    ...parts,
    browser: { ...parts.browser, enabled: false },
    containers: { ...containers, images: [] },
    env: {},
  })
  expect(tools.map(({ name }) => name)).toEqual(['memory.search'])
})

describe('container.run', () => {
  test('runs in a container of the named image with the workspace as configured, and marks the words as foreign', async () => {
    writeFileSync(join(roots.workspace, 'note.txt'), 'a note')
    expect(await use(named('container.run'), { command: 'cat note.txt; echo $HOME; exit 2' })).toEqual({
      output: 'stdout:\na note/tmp\nexit_code: 2',
      isError: false,
      provenance: { kind: 'tool', tool: 'container.run' },
    })
    expect(docker.created.at(-1)).toMatchObject({
      Cmd: ['sh', '-lc', expect.any(String)],
      WorkingDir: '/workspace',
      HostConfig: { Mounts: [{ Source: roots.workspace, Target: '/workspace', ReadOnly: true }], NetworkMode: 'none' },
    })
    expect(docker.left()).toEqual([])
  })

  test('the model chooses among names, and nothing else', () => {
    const { input } = named('container.run')
    for (const more of [
      { image: 'test-image' },
      { image: 'debian:latest' },
      { allow_network: true },
      { memory_mb: 9999 },
      { workspace_dir: '/etc' },
      { allow_subprocess_fallback: true },
      { timeout_secs: 301 },
      { command: ' ' },
    ]) {
      expect(input.safeParse({ command: 'true', ...more }).success).toBe(false)
    }
    expect(JSON.stringify(toolSpec(named('container.run')))).toContain('"enum":["plain","gone"]')
  })

  test('without an engine the answer says so; only a configured fallback runs the command elsewhere', async () => {
    const away = containersAt(join(home, 'nobody.sock'))
    expect(await use(runnerOf(away), { command: 'echo hi' })).toMatchObject({
      isError: true,
      output: expect.stringContaining('Is Docker installed and running'),
    })
    expect(await use(runnerOf({ ...away, fallback: true }), { command: 'echo hi' })).toMatchObject({
      isError: false,
      output: '[no container engine: ran in host instead]\nstdout:\nhi\nexit_code: 0',
    })
    const refused = containersAt(docker.socketPath, { fallback: true })
    expect(await use(runnerOf(refused), { command: 'true', image: 'gone' })).toMatchObject({ isError: true })
  })

  test('what a killed process left is removed when the next one starts', async () => {
    const dead = spawn('true')
    await new Promise((resolve) => dead.once('exit', resolve))
    const Labels = { 'openpista.owner': containers.owner, 'openpista.pid': String(dead.pid) }
    await containers.engine.call('POST', '/containers/create?name=left', {
      Image: 'test-image',
      Cmd: ['sleep', '60'],
      Labels,
    })
    await containers.engine.call('POST', '/containers/left/start')
    expect(await machine.start()).toBeUndefined()
    expect(docker.left()).toEqual([])
    const away = createMachine({ ...parts, containers: containersAt(join(home, 'nobody.sock')) })
    expect(await away.start()).toContain('ENOENT')
  })

  test('commands of a session can run in containers; a wrong configuration says what to do', async () => {
    const config = { kind: 'docker', network: false, roots, env: process.env, containers } as const
    const executor = await createExecutor({ ...config, container: 'plain' })
    const request = { command: 'pwd', cwd: roots.workspace, timeoutSeconds: 10, maxOutput: 100, onOutput: () => {} }
    expect((await executor.run(request, new AbortController().signal)).stdout).toBe(`${roots.workspace}\n`)
    for (const container of ['', 'gone']) {
      await expect(createExecutor({ ...config, container })).rejects.toMatchObject({ code: 'EXECUTOR_UNAVAILABLE' })
    }
  })
})

const SCREEN_PROGRAM = 'Xvfb'

describe('screen.capture', () => {
  const capture = (env: Record<string, string>, platform: NodeJS.Platform = 'linux') =>
    use(createScreenCapture(env, platform), {})

  test('the picture comes as an image, with its size in words, and nothing stays on disk', async () => {
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('openpista-screen-'))
    const result = await capture(screenEnv)
    expect(JSON.parse(result.output)).toEqual({ mime: 'image/png', display: 0, width: 2, height: 3, size_bytes: 73 })
    expect(result.images).toMatchObject([{ type: 'image', mime: 'image/png', provenance: { kind: 'tool' } }])
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('openpista-screen-'))).toEqual(before)
  })

  test('what is missing or fails is said in words', async () => {
    expect((await capture({ PATH: bin })).output).toContain('neither DISPLAY nor WAYLAND_DISPLAY')
    expect((await capture({ ...screenEnv, PATH: '/nonexistent' })).output).toMatch(
      /can install one of: maim, scrot, imagemagick/,
    )
    expect((await capture({ WAYLAND_DISPLAY: 'wayland-0', PATH: bin })).output).toContain('grim')
    expect((await capture({ PATH: bin }, 'darwin')).output).toContain('screencapture')
    grabber('echo "cannot open display" >&2; exit 1')
    expect((await capture(screenEnv)).output).toBe('scrot: cannot open display')
    grabber('echo no picture > "$2"')
    expect(await capture(screenEnv)).toMatchObject({ isError: true, output: 'The picture is no PNG.' })
  })

  test('a real screen is seen', async (context) => {
    const has = (program: string) => {
      try {
        return execFileSync('which', [program]).length > 0
      } catch {
        return false
      }
    }
    if (!has(SCREEN_PROGRAM) || !(has('maim') || has('scrot') || has('import'))) {
      return context.skip('Xvfb and one of maim, scrot, imagemagick are not installed')
    }
    const screen = spawn(SCREEN_PROGRAM, ['-displayfd', '3', '-screen', '0', '640x480x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    try {
      const number = await new Promise<string>((resolve, reject) => {
        screen.stdio[3]!.once('data', (text: Buffer) => resolve(text.toString().trim()))
        screen.once('exit', () => reject(new Error('Xvfb does not start')))
      })
      const result = await capture({ DISPLAY: `:${number}`, PATH: process.env.PATH ?? '' })
      expect(JSON.parse(result.output)).toMatchObject({ width: 640, height: 480 })
    } finally {
      screen.kill()
    }
  })
})
