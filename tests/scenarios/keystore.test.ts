import { chmodSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  as,
  atOnce,
  balanceOf,
  newPayee,
  openSession,
  type Payer,
  pay,
  payer,
  read,
  send,
  sentBy,
  tierOf,
  told,
} from './acts.ts'
import { scenario } from './scenario.ts'
import { type StartedWallet, startWallet } from './started-wallet.ts'

const READS_A_MINUTE = 40

let wallet: StartedWallet
let [damaged, missing]: Payer[] = []
beforeAll(async () => {
  wallet = await startWallet({ WAIAAS_SECURITY_RATE_LIMIT_SESSION_RPM: `${READS_A_MINUTE}` })
  // A key file is read when it is first used, so these two must not have signed before they are broken.
  damaged = await payer(wallet)
  missing = await payer(wallet)
})
afterAll(() => wallet?.close())

scenario('SEC-04-03', async () => {
  await wallet.end('SIGTERM')
  const database = readFileSync(join(wallet.dataDir, 'data', 'waiaas.db'))
  await expect(wallet.start('A master password for scenarios')).rejects.toThrow('This is not the master password.')
  expect(readFileSync(join(wallet.dataDir, 'data', 'waiaas.db')).equals(database)).toBe(true)
  await wallet.start()
  expect(await read(wallet, damaged!.token)).toBe('ACTIVE')
})

function keyFile(agentId: string): string {
  const [row] = wallet.sql<{ key_id: string }>(
    `SELECT key_id FROM wallets WHERE agent_id = '${agentId}' AND chain = 'evm'`,
  )
  return join(wallet.dataDir, 'keystore', `${row!.key_id}.json`)
}

/** That a payment ends, unpaid, and that its end tells nothing of the files. */
async function expectUnsigned({ token, evm }: Payer): Promise<void> {
  const to = newPayee()
  const { body } = await send(wallet, token, { to, amount: '1' })
  expect(body).toMatchObject({ status: 'FAILED', error: { code: 'KEYSTORE_LOCKED' } })
  expect(JSON.stringify(body)).not.toContain('keystore/')
  expect([await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([0n, 0])
}

scenario('SEC-04-02', async () => {
  const path = keyFile(damaged!.agentId)
  const file = JSON.parse(readFileSync(path, 'utf8'))
  const tag = Buffer.from(file.crypto.authTag, 'hex')
  tag[0]! ^= 1
  file.crypto.authTag = tag.toString('hex')
  writeFileSync(path, JSON.stringify(file))
  await expectUnsigned(damaged!)
})

scenario('SEC-04-06', async () => {
  const path = keyFile(missing!.agentId)
  renameSync(path, `${path}.gone`)
  await expectUnsigned(missing!)
  renameSync(`${path}.gone`, path)
  expect(await pay(wallet, missing!.token, { amount: '1' })).toBe('CONFIRMED')
})

scenario('SEC-04-01', async () => {
  const { token, evm } = await payer(wallet)
  const flag = join(wallet.dataDir, 'keystore', 'halted')
  writeFileSync(flag, '', { mode: 0o600 })
  const { body } = await send(wallet, token, { to: newPayee(), amount: '1' })
  const agent = await wallet.asOperator('POST', '/v1/agents', { body: { name: 'while locked' } })
  rmSync(flag)
  expect(body).toMatchObject({ status: 'FAILED', error: { code: 'SYSTEM_LOCKED' } })
  expect(told(agent)).toBe('503 KEYSTORE_LOCKED')
  expect(await sentBy(wallet, evm)).toBe(0)
  expect(await pay(wallet, token, { amount: '1' })).toBe('CONFIRMED')
  expect(await sentBy(wallet, evm)).toBe(1)
})

scenario('SEC-04-04', async () => {
  const { token } = await payer(wallet)
  const ids = ['../../keystore/keystore', '..%2F..%2Fkeystore%2Fkeystore', '/etc/passwd', '%00', 'keystore.json', '..']
  for (const id of ids.flatMap((one) => [one, encodeURIComponent(one)])) {
    for (const path of [`/v1/agents/${id}`, `/v1/sessions/${id}`, `/v1/policies/${id}`, `/v1/skills/${id}`]) {
      const { status, text } = await wallet.asOperator('GET', path)
      expect([path, status]).toEqual([path, expect.toSatisfy((one) => one === 400 || one === 404)])
      expect(text).not.toMatch(/ciphertext|root:/)
    }
    const own = await wallet.call(`/v1/transactions/${id}`, { headers: as(token) })
    expect([id, own.status]).toEqual([id, expect.toSatisfy((one) => [400, 404].includes(one))])
  }
})

scenario('SEC-04-EX-01', async () => {
  const { token } = await payer(wallet)
  const statusFor = (headers: Record<string, string>) =>
    new Promise((resolve, reject) => {
      const call = request(`${wallet.url()}/v1/wallet`, { headers: { ...as(token), ...headers } }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      call.once('error', reject).end()
    })
  const { port, host } = new URL(wallet.url())
  for (const name of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', '192.168.0.1']) {
    expect([name, await statusFor({ Host: name })]).toEqual([name, 403])
  }
  for (const origin of ['https://evil.example', 'null', `http://localhost.evil.example:${port}`]) {
    expect([origin, await statusFor({ Origin: origin })]).toEqual([origin, 403])
  }
  expect([await statusFor({}), await statusFor({ Origin: `http://${host}` })]).toEqual([200, 200])
})

/** Everything in a folder whose group or others may do anything with it. */
function open(path: string): string[] {
  const stat = statSync(path)
  const own = (stat.mode & 0o077) === 0 ? [] : [`${path} ${(stat.mode & 0o777).toString(8)}`]
  return stat.isDirectory() ? [...own, ...readdirSync(path).flatMap((name) => open(join(path, name)))] : own
}

scenario('SEC-04-EX-02', async () => {
  const { token } = await payer(wallet)
  expect(await pay(wallet, token, { amount: '1' })).toBe('CONFIRMED')
  await wallet.end('SIGTERM')
  // The clock is the test's own, and not of the wallet.
  expect(open(wallet.dataDir).filter((path) => !path.includes('/run/clock '))).toEqual([])
  const keystore = join(wallet.dataDir, 'keystore')
  chmodSync(keystore, 0o750)
  await expect(wallet.start()).rejects.toThrow('can be used by other users')
  chmodSync(keystore, 0o700)
  await wallet.start()
  expect(await pay(wallet, token, { amount: '1' })).toBe('CONFIRMED')
})

scenario('SEC-04-EX-04', async () => {
  const rules = { max_requests: 2, window_seconds: 3600 }
  const { token, agentId } = await payer(wallet, { policies: { RATE_LIMIT: rules } })
  const tokens = [token]
  for (let more = 1; more < 5; more++) tokens.push((await openSession(wallet, agentId)).token)
  const sixth = await wallet.asOperator('POST', '/v1/sessions', { body: { agentId } })
  expect(told(sixth)).toBe('403 SESSION_LIMIT_EXCEEDED')
  // The money's limit is the agent's, however many sessions it has.
  const tiers = await Promise.all(tokens.map((one) => tierOf(wallet, one, { amount: '1' })))
  expect(tiers.filter((tier) => tier === 'INSTANT')).toHaveLength(2)
  expect(tiers.filter((tier) => tier === '429 RATE_LIMIT_EXCEEDED')).toHaveLength(3)
  wallet.clock.stand()
  const reads = await atOnce(READS_A_MINUTE + 1, () => read(wallet, tokens[1]!))
  expect(reads).toContain('429 RATE_LIMIT_EXCEEDED')
  expect(await pay(wallet, tokens[1]!, { amount: '1' })).toBe('429 RATE_LIMIT_EXCEEDED')
  wallet.clock.run()
})
