import { formatSignIn, parseSignIn } from '@waiaas/core'
import { afterAll, beforeAll, expect } from 'vitest'
import { askOwner, newOwner, type Owner, ownerProof, payer, type Question, told } from './acts.ts'
import { scenario } from './scenario.ts'
import { type Headers, type StartedWallet, startWallet } from './started-wallet.ts'

let wallet: StartedWallet
beforeAll(async () => {
  wallet = await startWallet()
})
afterAll(() => wallet?.close())

type Asked = Question & { agentId: string; owner: Owner }

/** A message by which an owner that was never heard of before would lock itself in. */
async function question(): Promise<Asked> {
  const owner = newOwner()
  const { agentId } = await payer(wallet, { agent: { ownerAddress: owner.address } })
  return { ...(await askOwner(wallet, 'verify', agentId)), agentId, owner }
}

async function verify(asked: Asked, signature: string, headers: Headers = {}): Promise<string> {
  const call = { method: 'POST', headers: { ...ownerProof(asked, signature), ...headers } }
  return told(await wallet.call(`/v1/agents/${asked.agentId}/owner/verify`, call))
}

async function ownerState({ agentId }: Asked): Promise<unknown> {
  return (await wallet.operate('GET', `/v1/agents/${agentId}`)).ownerState
}

/** The message with some of its fields changed, and signed by the owner all the same. */
async function changed(asked: Asked, change: Record<string, string>): Promise<string> {
  const message = formatSignIn({ ...parseSignIn(asked.message)!, ...change })
  expect(message).not.toBe(asked.message)
  return await verify({ ...asked, message }, await asked.owner.sign(message))
}

scenario('SEC-01-OA-01', async () => {
  const asked = await question()
  const signature = await asked.owner.sign(asked.message)
  for (const message of ['%%% not base64url %%%', '', asked.message.replaceAll('\n', ' ')]) {
    expect(await verify(asked, signature, { 'X-Owner-Message': message })).toBe('401 INVALID_SIGNATURE')
  }
  expect(await verify(asked, signature, { 'X-Owner-Message': 'aGVsbG8' })).toBe('401 INVALID_NONCE')
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-02', async () => {
  const asked = await question()
  const signature = await asked.owner.sign(asked.message)
  expect(await changed(asked, { expirationTime: '2099-01-01T00:00:00.000Z' })).toBe('401 INVALID_NONCE')
  wallet.clock.advance(301)
  expect(await verify(asked, signature)).toBe('401 INVALID_NONCE')
  expect(await changed(asked, { expirationTime: '2099-01-01T00:00:00.000Z' })).toBe('401 INVALID_NONCE')
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-03', async () => {
  const asked = await question()
  const signature = await asked.owner.sign(asked.message)
  const { nonce } = (await wallet.call('/v1/nonce')).body as { nonce: string }
  for (const own of ['0123456789abcdef', nonce]) expect(await changed(asked, { nonce: own })).toBe('401 INVALID_NONCE')
  expect([await verify(asked, signature), await verify(asked, signature)]).toEqual(['ok', '401 INVALID_NONCE'])
})

scenario('SEC-01-OA-04', async () => {
  const asked = await question()
  expect(await verify(asked, await newOwner().sign(asked.message))).toBe('401 INVALID_SIGNATURE')
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-05', async () => {
  const asked = await question()
  const stranger = newOwner()
  const signature = await stranger.sign(asked.message)
  expect(await verify({ ...asked, ownerAddress: stranger.address }, signature)).toBe('401 INVALID_SIGNATURE')
  const message = formatSignIn({ ...parseSignIn(asked.message)!, address: stranger.address })
  const own = { ...asked, message, ownerAddress: stranger.address }
  expect(await verify(own, await stranger.sign(message))).toMatch(/^401 INVALID_(SIGNATURE|NONCE)$/)
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-06', async () => {
  const asked = await question()
  const headers = ownerProof(asked, await asked.owner.sign(asked.message))
  for (const path of ['/v1/admin/kill-switch', `/v1/transactions/${asked.agentId}/approve`]) {
    expect(told(await wallet.call(path, { method: 'POST', headers }))).toBe('401 INVALID_NONCE')
  }
  expect(await wallet.operate('GET', '/v1/admin/kill-switch')).toEqual({ state: 'NORMAL' })
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-07', async () => {
  const asked = await question()
  const foreign = { domain: 'evil.example', uri: 'https://evil.example' }
  expect(await changed(asked, foreign)).toBe('401 INVALID_NONCE')
  const host = new URL(wallet.url()).host
  expect(parseSignIn(asked.message)).toMatchObject({ domain: host })
  expect(await ownerState(asked)).toBe('GRACE')
})

scenario('SEC-01-OA-08', async () => {
  const [asked, other] = [await question(), await question()]
  const signature = await asked.owner.sign(asked.message)
  expect(await verify({ ...asked, agentId: other.agentId }, signature)).toBe('401 INVALID_NONCE')
  const both = await Promise.all([verify(asked, signature), verify(asked, signature)])
  expect(both.sort()).toEqual(['401 INVALID_NONCE', 'ok'])
  expect(await verify(asked, signature)).toBe('401 INVALID_NONCE')
  expect([await ownerState(asked), await ownerState(other)]).toEqual(['LOCKED', 'GRACE'])
})
