import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EvmNode, startEvmNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contexts, HeaderFile, KeyFile, readSealedFile } from './signer/key-file.ts'
import { keyIds } from './signer/keystore.ts'
import { deriveKey, unseal } from './signer/sealed.ts'
import { prepareDataDir } from './testing/prepared-data-dir.ts'
import { formsOf, occurrences, searchMemory } from './testing/search-memory.ts'

const PASSWORD = 'correct horse battery staple'
const MAIN = join(import.meta.dirname, '../../cli/src/main.ts')
const SIGNATURES = 1_000
const AT_ONCE = 25

const folder = mkdtempSync(join(tmpdir(), 'waiaas-secrecy-'))
const dataDir = join(folder, 'wallet')
let chain: EvmNode
let signer: ChildProcess
let url: string
let adminToken: string
let sessionToken: string
/** The agent's account. */
let address: string
/** Everything that the daemon answered, and what both processes wrote. */
let answers = ''
let output = ''

beforeAll(async () => {
  chain = await startEvmNode({})
  writeFileSync(join(folder, 'password'), PASSWORD, { mode: 0o600 })
  const env = {
    PATH: process.env.PATH,
    NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
    WAIAAS_DATA_DIR: dataDir,
    WAIAAS_MASTER_PASSWORD_FILE: join(folder, 'password'),
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_DAEMON_LOG_LEVEL: 'debug',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
    WAIAAS_SECURITY_RATE_LIMIT_SESSION_RPM: '100000',
    WAIAAS_AUTO_STOP_ENABLED: 'false',
  }
  await prepareDataDir(dataDir, PASSWORD)
  signer = spawn(process.execPath, [MAIN, 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  url = await new Promise((resolve, reject) => {
    for (const stream of [signer.stdout!, signer.stderr!]) {
      stream.on('data', (chunk) => {
        output += chunk
        const ready = /ready on (\S+)/.exec(output)
        if (ready !== null) resolve(ready[1]!)
      })
    }
    signer.once('close', () => reject(new Error(output)))
  })
  adminToken = (await ask('POST', '/v1/admin/login', {}, { password: PASSWORD })).token
  const asAdmin = { Authorization: `Bearer ${adminToken}` }
  const agent = await ask('POST', '/v1/agents', asAdmin, { name: 'payer' })
  address = agent.wallets.find((wallet: { chain: string }) => wallet.chain === 'evm').address
  await chain.control.fund(address, 10n ** 20n)
  sessionToken = (await ask('POST', '/v1/sessions', asAdmin, { agentId: agent.id })).token
})
afterAll(async () => {
  if (signer?.exitCode === null) {
    signer.kill('SIGTERM')
    await once(signer, 'close')
  }
  await chain?.stop()
  rmSync(folder, { recursive: true })
})

async function ask(method: string, path: string, headers: Record<string, string>, body?: object) {
  const init = { method, headers: { ...headers, 'Content-Type': 'application/json' } }
  const response = await fetch(`${url}${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) })
  const text = await response.text()
  answers += text
  expect([response.status, text]).toEqual([expect.toSatisfy((status) => status < 300), text])
  return JSON.parse(text)
}

/** The seed or private key of each chain, opened here as the signer does. */
async function secretKeys(): Promise<Map<string, Buffer>> {
  const keystore = join(dataDir, 'keystore')
  const header = readSealedFile(HeaderFile, join(keystore, 'keystore.json'))!
  const key = await deriveKey(Buffer.from(PASSWORD), header.crypto.kdfparams)
  const secrets = new Map<string, Buffer>()
  for (const id of keyIds(keystore)) {
    const file = readSealedFile(KeyFile, join(keystore, `${id}.json`))!
    const secret = Buffer.alloc(file.crypto.ciphertext.length / 2)
    expect(unseal(key, file.crypto, contexts.key(file), secret)).toBe(true)
    secrets.set(file.chain, secret.subarray(0, 32))
  }
  key.free()
  return secrets
}

function files(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap((name) => files(join(path, name)))
}

test('SEC-04-05 and SEC-04-EX-03: after 1,000 signatures no key is in the daemon’s memory, files, logs or answers', async () => {
  const send = (number: number) =>
    ask(
      'POST',
      '/v1/transactions/send',
      { Authorization: `Bearer ${sessionToken}`, 'Idempotency-Key': `payment-${number}`, Prefer: 'wait=60' },
      { type: 'TRANSFER', network: 'evm-local', to: '0x00000000000000000000000000000000000000AA', amount: '1' },
    )
  for (let number = 0; number < SIGNATURES; number += AT_ONCE) {
    const sent = await Promise.all(Array.from({ length: AT_ONCE }, (_, more) => send(number + more)))
    expect(new Set(sent.map(({ status }) => status))).toEqual(new Set(['CONFIRMED']))
  }

  const secrets = await secretKeys()
  expect([...secrets.keys()].sort()).toEqual(['evm', 'solana'])
  const needles = new Map([...secrets].flatMap(([name, secret]) => [...formsOf(name, secret)]))
  const daemonPid = Number(readFileSync(`/proc/${signer.pid}/task/${signer.pid}/children`, 'utf8').trim())
  // That the search finds what is there is shown by what must be there.
  expect(searchMemory(daemonPid, new Map([['address', Buffer.from(address)]])).get('address')).toBeGreaterThan(0)
  expect(searchMemory(daemonPid, needles)).toEqual(new Map())

  const written = [...files(dataDir).map((path) => readFileSync(path)), Buffer.from(output), Buffer.from(answers)]
  const leaks = written.flatMap((bytes) => [...needles].filter(([, needle]) => occurrences(bytes, needle) > 0))
  expect(leaks.map(([name]) => name)).toEqual([])

  // The signer has keys in guarded memory, and only while it signs.
  expect(searchMemory(signer.pid!, needles)).toEqual(new Map())
}, 240_000)
