import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { sendCommand } from './control.ts'

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

test.each(['SIGINT', 'SIGTERM'] as const)(
  'the command prints both addresses and %s ends it cleanly',
  async (signal) => {
    const child = spawn(process.execPath, [MAIN], { stdio: ['ignore', 'pipe', 'inherit'] })
    const urls = await printedUrls(child)
    expect(await Promise.all(urls.map(answers))).toEqual([true, true])
    child.kill(signal)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await Promise.all(urls.map(answers))).toEqual([false, false])
  },
)

test('with --evm-as and --solana-as the nodes behave as those clients do, and take acts', async () => {
  const child = spawn(process.execPath, [MAIN, '--evm-as', 'nethermind', '--solana-as', 'agaveWithoutHistory'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [evm = '', solana = ''] = await printedUrls(child)
  expect(await call(evm, 'web3_clientVersion')).toMatchObject({ result: expect.stringContaining('Nethermind') })
  expect(await call(solana, 'getTransaction', ['1'.repeat(64)])).toMatchObject({ error: { code: -32011 } })
  await sendCommand(evm, 'act', { kind: 'lacks', methods: ['eth_feeHistory'] })
  expect(await call(evm, 'eth_feeHistory', ['0x1', 'latest', []])).toMatchObject({ error: {} })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each(['--evm-as', '--solana-as'])(
  'an unknown personality under %s is refused with those that there are',
  async (option) => {
    const child = spawn(process.execPath, [MAIN, option, 'toString'], { stdio: ['ignore', 'ignore', 'pipe'] })
    const [text, [code]] = await Promise.all([child.stderr.setEncoding('utf8').toArray(), once(child, 'exit')])
    expect({ text: text.join(''), code }).toEqual({
      text: expect.stringMatching(/must be one of geth|must be one of agave/),
      code: 1,
    })
  },
)

async function call(url: string, method: string, params: unknown[] = []): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  return await (await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json()
}

test('the command ends when its parent process is killed', async () => {
  const script = `require('node:child_process').spawn(process.execPath, [${JSON.stringify(MAIN)}], { stdio: 'inherit' })`
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const urls = await printedUrls(parent)
  // The grandchild shares this pipe: it closes when the last of them is gone.
  const closed = once(parent, 'close')
  parent.kill('SIGKILL')
  await closed
  expect(await Promise.all(urls.map(answers))).toEqual([false, false])
})

test('anvil ends even when the process that started it is killed', async () => {
  const module = JSON.stringify(new URL('evm-node.ts', import.meta.url).href)
  const script = `const { startEvmNode } = await import(${module}); console.log('pid', (await startEvmNode({})).pid)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: holder.stdout }), 'line')) as [string]
  const pid = Number(line.split(' ')[1])
  expect(isAlive(pid)).toBe(true)
  holder.kill('SIGKILL')
  await expect.poll(() => isAlive(pid)).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

async function printedUrls(child: ChildProcess): Promise<string[]> {
  const urls: string[] = []
  if (!child.stdout) throw new Error('started without a pipe')
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /http:\S+/.exec(line)?.[0]
    if (url) urls.push(url)
    if (urls.length === 2) break
  }
  child.stdout.resume()
  return urls
}

async function answers(url: string): Promise<boolean> {
  const body = JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'anything' }])
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
    (response) => response.ok,
    () => false,
  )
}
