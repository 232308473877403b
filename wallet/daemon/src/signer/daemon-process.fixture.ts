import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { connectToParent } from './signer-client.ts'

/** A daemon that does what the test asks: `<what> <data directory>`. Says what happened in lines of JSON. */
const [what, dataDir] = process.argv.slice(2) as [string, string]
const signer = connectToParent()
await signer.unlocked()
const say = (line: unknown) => process.stdout.write(`${JSON.stringify(line)}\n`)

/** The error code of an attempt; "done" where it succeeded. */
function attempt(work: () => unknown): string {
  try {
    work()
    return 'done'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

const tasks: Record<string, () => Promise<void> | void> = {
  wait: () => {
    process.on('SIGTERM', () => process.exit(0))
    say({ pid: process.pid })
  },
  escape: () => {
    const keystore = join(dataDir, 'keystore')
    say({
      read: attempt(() => readFileSync(join(keystore, 'keystore.json'))),
      list: attempt(() => readdirSync(keystore)),
      write: attempt(() => writeFileSync(join(keystore, 'halted'), '')),
      aside: attempt(() => readFileSync(join(dataDir, 'data', '..', 'keystore', 'keystore.json'))),
      memory: attempt(() => readFileSync(`/proc/${process.ppid}/maps`)),
      spawn: attempt(() => spawnSync('cat', [join(keystore, 'keystore.json')])),
      native: attempt(() => process.dlopen({ exports: {} }, join(dataDir, 'data', 'some.node'))),
      thread: attempt(() => new Worker('0', { eval: true, execArgv: [] })),
      own: attempt(() => writeFileSync(join(dataDir, 'data', 'note'), 'x')),
      password: process.env.WAIAAS_MASTER_PASSWORD ?? 'withheld',
    })
    process.exit(7)
  },
  debugger: async () => {
    process.kill(process.ppid, 'SIGUSR1')
    await signer.halted()
    process.exit(0)
  },
  use: async () => {
    const key = await signer.createKey('solana')
    const signature = await signer.sign(key.keyId, Buffer.from('message'))
    const secret = await signer.secret('session')
    const passwords = await Promise.all(['open sesame', 'wrong'].map(signer.checkPassword))
    await signer.halt()
    const halted = await signer.sign(key.keyId, Buffer.from('message')).catch((error) => error.code)
    await signer.resume()
    const unknown = await signer.sign('nobody', Buffer.from('message')).catch((error) => error.code)
    say({
      key,
      signature: Buffer.from(signature).toString('hex'),
      secret: secret.length,
      passwords,
      halted,
      unknown,
    })
    process.exit(0)
  },
  babble: () => {
    process.send?.({ id: 1, method: 'exportKey', keyId: '../keystore' })
  },
  hurry: async () => {
    const key = await signer.createKey('solana')
    const bytes = new Uint8Array(250)
    for (let round = 0; round < 200; round++) await signer.sign(key.keyId, bytes)
    const start = performance.now()
    for (let round = 0; round < 1000; round++) await signer.sign(key.keyId, bytes)
    say({ millisEach: (performance.now() - start) / 1000 })
    process.exit(0)
  },
}

await tasks[what]!()
