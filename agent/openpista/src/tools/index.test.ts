import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createHostExecutor } from '../executors/host.ts'
import { resolveRoots } from '../executors/roots.ts'
import { mapToolNames } from '../providers/tool-names.ts'
import { openStore } from '../store/store.ts'
import { createPaymentStore } from '../wallet/payment-store.ts'
import { createPayments } from '../wallet/payments.ts'
import { startFakeWallet } from '../wallet/testing/fake-wallet.ts'
import { connectWallet } from '../wallet/wallet.ts'
import { createTools } from './index.ts'
import { systemLookup } from './pinned-fetch.ts'
import { type ToolCase, toolConformance } from './tool.conformance.ts'
import { toolSpec } from './tool-spec.ts'

const home = realpathSync(mkdtempSync(join(tmpdir(), 'tools-')))
const roots = resolveRoots({ workspace: join(home, 'workspace'), writable: [], readable: [], home })
const write = (name: string, text: string) => writeFileSync(join(roots.workspace, name), text)
write('note.txt', 'a note')
beforeEach(() => write('edited.txt', 'a b c'))
const site = createServer((_request, response) => response.end('hello'))
await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
const host = `127.0.0.1:${(site.address() as AddressInfo).port}`
const daemon = await startFakeWallet()
const store = await openStore(':memory:')
const payments = createPayments(createPaymentStore(store))
afterAll(async () => {
  site.close()
  await daemon.close()
  await store.close()
  rmSync(home, { recursive: true })
})

const tokenFile = join(home, 'wallet-token')
const wallet = daemon.connect(tokenFile)
const away = connectWallet({ url: 'http://127.0.0.1:9', tokenFile })
const web = { allowedHosts: [host], resolve: systemLookup }
const tools = createTools({ roots, web, wallet: { wallet, payments } })
const named = (name: string, of = tools) => of.find((tool) => tool.name === name)!
const withoutDaemon = createTools({ roots, web, wallet: { wallet: away, payments } })

const cases: Record<string, Omit<ToolCase, 'tool'>> = {
  'system.run': { valid: { command: 'echo hi' }, failing: { arguments: { command: 'echo hi', working_dir: '/' } } },
  'fs.read': { valid: { path: 'note.txt' }, failing: { arguments: { path: 'missing.txt' } } },
  'fs.write': {
    valid: { path: 'made.txt', content: 'x' },
    failing: { arguments: { path: '/etc/made.txt', content: 'x' } },
  },
  'fs.edit': {
    valid: { path: 'edited.txt', old: 'b', new: 'd' },
    failing: { arguments: { path: 'note.txt', old: 'not there', new: 'x' } },
  },
  'fs.list': { valid: {}, failing: { arguments: { path: 'note.txt' } } },
  'fs.search': { valid: { pattern: 'no+te' }, failing: { arguments: { pattern: '(' } } },
  'web.fetch': { valid: { url: `http://${host}/` }, failing: { arguments: { url: 'ftp://example.com/' } } },
  'wallet.balance': { valid: {}, failing: { arguments: { network: 'no-such-network' } } },
  'wallet.assets': { valid: {}, failing: { arguments: { network: 'no-such-network' } } },
  'wallet.address': { valid: {}, failing: { arguments: { network: 'no-such-network' } } },
  'wallet.history': { valid: {}, failing: { arguments: {}, tool: named('wallet.history', withoutDaemon) } },
  'wallet.simulate': { valid: { to: '0x01', amount: '0.001' }, failing: { arguments: { to: '0x01', amount: '9999' } } },
  'wallet.send': { valid: { to: '0x01', amount: '0.001' }, failing: { arguments: { to: '0x01', amount: '9999' } } },
}

for (const tool of tools) {
  toolConformance({ tool, ...cases[tool.name]! }, (signal) => ({
    sessionId: 's',
    turnId: 't',
    callId: 'c',
    workspace: roots.workspace,
    exec: createHostExecutor(process.env),
    signal,
    emit: () => {},
  }))
}

test('every tool is under the conformance suite, and all have names of their own to a model', () => {
  expect(tools.map((tool) => tool.name).sort()).toEqual(Object.keys(cases).sort())
  expect(mapToolNames(tools.map((tool) => tool.name)).ok).toBe(true)
})

test('all tools together leave room for the prompt in a first request of 8 KB', () => {
  expect(JSON.stringify(tools.map(toolSpec)).length).toBeLessThan(5500)
})

test('without a wallet there are no wallet tools', () => {
  const names = createTools({ roots, web, wallet: null }).map((tool) => tool.name)
  expect(names.some((name) => name.startsWith('wallet.'))).toBe(false)
})
