import { type ExecFileSyncOptions, execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type FakeOpenAI, startFakeOpenAI } from '@openpista/testing'
import { programEntry } from '@openpista/testing/programs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { inherited, openpista } from './cli.fixture.ts'

const MAIN = programEntry('openpista')
const hasTmux = spawnSync('tmux', ['-V']).status === 0
const PATIENCE = { interval: 200 }

let home: string
let service: FakeOpenAI
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'openpista-tui-'))
  writeFileSync(join(home, 'config.toml'), '[agent]\nollama_url = ""\n[executor]\nkind = "host"\n')
  service = await startFakeOpenAI({ models: ['gpt-4o'], script: () => ({ text: '안녕하세요, owner.' }) })
})
afterEach(async () => {
  await service.close()
  rmSync(home, { recursive: true, force: true })
})

/** A terminal with a shell in it: keys go in, what stands on the screen comes out. */
function openTmux() {
  const env = { ...inherited, ...{ HOME: home, OPENPISTA_HOME: home, LANG: 'C.UTF-8', PS1: '$ ' } }
  const options: ExecFileSyncOptions = {
    env: { ...env, openpista_BASE_URL: service.baseUrl, OPENAI_API_KEY: service.apiKey },
  }
  const tmux = (...args: string[]) =>
    execFileSync('tmux', ['-u', '-f', '/dev/null', '-S', join(home, 'tmux'), ...args], options).toString()
  tmux('new-session', '-d', '-x', '90', '-y', '26', 'sh')
  return {
    type: (text: string) => tmux('send-keys', '-l', text),
    press: (key: string) => tmux('send-keys', key),
    screen: () => tmux('capture-pane', '-p'),
    close: () => tmux('kill-server'),
  }
}

const program = (args: string) =>
  `${process.execPath} ${MAIN} ${args}; echo "ended with $?"; stty -a | tr ' ' '\\n' | grep icanon`

test.skipIf(!hasTmux)('in a terminal: home, a message, its answer, and the terminal as it was', async () => {
  const terminal = openTmux()
  try {
    terminal.type(program('-s desk'))
    terminal.press('Enter')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/gpt-4o {10,}cli:desk/)
    terminal.type('인사해 줘')
    terminal.press('Enter')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/▌ 인사해 줘\n\n {2}안녕하세요, owner\./)
    terminal.press('C-b')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/Sessions +│.*● 인사해 줘 +│/s)
    terminal.press('Escape')
    await expect.poll(terminal.screen, PATIENCE).not.toContain('Sessions')
    terminal.type('/quit')
    terminal.press('Enter')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/ended with 0\nicanon/)
    expect(terminal.screen()).not.toContain('안녕하세요')
  } finally {
    terminal.close()
  }
})

test.skipIf(!hasTmux)('when it is told to stop, it restores the terminal', async () => {
  const terminal = openTmux()
  try {
    // The shell becomes the program, so that its process id is the shell's.
    terminal.type(
      `sh -c 'echo $$ > "$HOME/pid"; exec ${process.execPath} ${MAIN} tui'; echo "ended with $?"; stty -a | tr ' ' '\\n' | grep icanon`,
    )
    terminal.press('Enter')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/gpt-4o {10,}cli:/)
    process.kill(Number(execFileSync('cat', [join(home, 'pid')])), 'SIGTERM')
    await expect.poll(terminal.screen, PATIENCE).toMatch(/ended with 143\nicanon/)
  } finally {
    terminal.close()
  }
})

test.skipIf(!hasTmux)('when its terminal goes away it ends, and its gateway with it', async () => {
  const terminal = openTmux()
  terminal.type(`exec ${process.execPath} ${MAIN}`)
  terminal.press('Enter')
  await expect.poll(terminal.screen, PATIENCE).toMatch(/gpt-4o {10,}cli:/)
  expect(existsSync(join(home, 'openpista.pid'))).toBe(true)
  terminal.close()
  await expect.poll(() => existsSync(join(home, 'openpista.pid')), PATIENCE).toBe(false)
})

test('without a terminal it says what to do instead', async () => {
  expect(await openpista(home, ['tui'])).toMatchObject({ code: 1, err: expect.stringContaining('openpista run -e') })
  expect(await openpista(home, [])).toMatchObject({ code: 1, err: expect.stringContaining('Usage: openpista') })
  expect(await openpista(home, ['nonsense'])).toMatchObject({
    code: 1,
    err: expect.stringContaining("unknown command 'nonsense'"),
  })
})
