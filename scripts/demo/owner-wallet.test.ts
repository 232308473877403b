import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { APPROVAL_TYPES } from '@waiaas/core'
import { type Hex, recoverTypedDataAddress } from 'viem'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type DemoOwnerWallet, startDemoOwnerWallet } from './owner-wallet.ts'

const ORIGIN = 'http://127.0.0.1:3100'
const question = {
  domain: { name: 'WAIaaS', version: '1' },
  types: APPROVAL_TYPES,
  primaryType: 'Approval' as const,
  message: {
    action: 'Approve payment',
    agent: 'demo',
    network: 'evm-local',
    from: '0x',
    effects: ['Send 1 ETH'],
    feeCeiling: '1',
    expiresAt: 1n,
    transactionId: 'x',
    nonce: 'n',
    digest: `0x${'00'.repeat(32)}` as Hex,
  },
}
const asJson = (value: unknown) => JSON.stringify(value, (_, field) => (typeof field === 'bigint' ? `${field}` : field))

let folder: string
let wallet: DemoOwnerWallet

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'demo-owner-'))
  wallet = await startDemoOwnerWallet({ keyFile: join(folder, 'key'), allowedOrigin: ORIGIN })
})
afterEach(async () => {
  await wallet.close()
  rmSync(folder, { recursive: true })
})

const ask = (message: string, options: { origin?: string; scheme?: string } = {}) =>
  fetch(`${wallet.url}/sign`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(options.origin === '' ? {} : { origin: options.origin ?? ORIGIN }),
    },
    body: JSON.stringify({ scheme: options.scheme ?? 'eip712', message }),
  })

test("signs the daemon's question for the daemon's page", async () => {
  const response = await ask(asJson(question))
  const { signature, address } = (await response.json()) as { signature: Hex; address: string }
  expect(address).toBe(wallet.address)
  expect(await recoverTypedDataAddress({ ...question, signature })).toBe(wallet.address)
  expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
})

test.each([
  ['another page', asJson(question), { origin: 'http://127.0.0.1:3101' }, 403],
  ['a caller without an origin', asJson(question), { origin: '' }, 403],
  ['typed data of somebody else', asJson({ ...question, domain: { name: 'Permit2' } }), {}, 403],
  ['another type', asJson({ ...question, primaryType: 'Permit' }), {}, 403],
  ['typed data that contradicts itself', asJson({ ...question, types: {} }), {}, 400],
  ['a text', 'hello', {}, 403],
  ['another scheme', asJson(question), { scheme: 'solana' }, 400],
  ['far too much', 'x'.repeat(70_000), {}, 413],
])('refuses %s', async (_, message, options, status) => {
  const response = await ask(message, options)
  expect(response.status).toBe(status)
  expect(Object.keys((await response.json()) as object)).toEqual(['message'])
})

test('keeps its key between starts, for its user only', async () => {
  const { address } = wallet
  expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600)
  await wallet.close()
  wallet = await startDemoOwnerWallet({ keyFile: join(folder, 'key'), allowedOrigin: ORIGIN })
  expect(wallet.address).toBe(address)
})
