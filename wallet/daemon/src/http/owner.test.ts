import { secp256k1 } from '@noble/curves/secp256k1.js'
import { createKeyPairSignerFromPrivateKeyBytes, getBase58Decoder, signBytes } from '@solana/kit'
import type { ChallengeView } from '@waiaas/core'
import { bytesToHex, hashTypedData } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { agentWithPayment, post, startHttp, type TestHttp } from './testing/start-http.ts'

const privateKey = generatePrivateKey()
const owner = privateKeyToAccount(privateKey)

let http: TestHttp
let agents = 0

beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())

const waiting = (ownerAddress: string = owner.address) => agentWithPayment(http, `agent ${++agents}`, ownerAddress)

async function challenge(transactionId: string, action: 'approve' | 'reject' = 'approve'): Promise<ChallengeView> {
  const answer = await http.fetch('/v1/owner/challenges', post({ action, resourceId: transactionId }))
  expect(answer.status).toBe(201)
  return (await answer.json()) as ChallengeView
}

const sign = ({ message }: { message: string }, account = owner) => account.signTypedData(JSON.parse(message))

async function answer(
  transactionId: string,
  message: string,
  signature: string,
  options: { action?: 'approve' | 'reject'; address?: string } = {},
) {
  const response = await http.fetch(`/v1/transactions/${transactionId}/${options.action ?? 'approve'}`, {
    method: 'POST',
    headers: {
      'X-Owner-Address': options.address ?? owner.address,
      'X-Owner-Message': Buffer.from(message).toString('base64url'),
      'X-Owner-Signature': signature,
    },
  })
  const body = (await response.json()) as { code?: string; status?: string }
  return response.ok ? body.status : `${response.status} ${body.code}`
}

test('the owner of an EVM address approves what the message says, once, and is locked in', async () => {
  const { agent, transactionId } = await waiting()
  expect(agent.ownerState).toBe('GRACE')
  const asked = await challenge(transactionId)
  const typed = JSON.parse(asked.message)
  expect(typed.message).toMatchObject({
    action: 'Approve payment',
    transactionId,
    effects: [expect.stringContaining('Send 0.6 ETH (600000000000000000 base units) to 0x')],
  })
  expect(asked.approval).toMatchObject({ network: 'evm-local', agent: { id: agent.id }, status: 'QUEUED' })
  const signature = await sign(asked)
  expect(await answer(transactionId, asked.message, signature)).toBe('CONFIRMED')
  expect(await answer(transactionId, asked.message, signature)).toBe('401 INVALID_NONCE')
  const after = await http.operate<{ ownerState: string }>('GET', `/v1/agents/${agent.id}`)
  expect(after.ownerState).toBe('LOCKED')
  const other = privateKeyToAccount(generatePrivateKey()).address
  await expect(http.operate('PUT', `/v1/agents/${agent.id}/owner`, { ownerAddress: other })).rejects.toThrow(
    '409 {"code":"OWNER_ALREADY_CONNECTED"',
  )
})

test('of two equal answers at once one counts', async () => {
  const { transactionId } = await waiting()
  const asked = await challenge(transactionId)
  const signature = await sign(asked)
  const both = await Promise.all([1, 2].map(() => answer(transactionId, asked.message, signature)))
  expect(both.sort()).toEqual(['401 INVALID_NONCE', 'CONFIRMED'])
})

test('a signature answers no other question', async () => {
  const [one, two] = [await waiting(), await waiting()]
  const asked = await challenge(one.transactionId)
  const again = await challenge(one.transactionId)
  const signature = await sign(asked)
  expect(await answer(two.transactionId, asked.message, signature), 'another transaction').toBe('401 INVALID_NONCE')
  expect(await answer(one.transactionId, asked.message, signature, { action: 'reject' }), 'another action').toBe(
    '401 INVALID_NONCE',
  )
  expect(await answer(one.transactionId, again.message, signature), 'another message').toBe('401 INVALID_SIGNATURE')
  expect(await answer(one.transactionId, `${asked.message} `, signature), 'a changed message').toBe('401 INVALID_NONCE')
  const rejection = await challenge(one.transactionId, 'reject')
  expect(await answer(one.transactionId, rejection.message, signature, { action: 'reject' })).toBe(
    '401 INVALID_SIGNATURE',
  )
  expect(await answer(one.transactionId, asked.message, signature), 'its own').toBe('CONFIRMED')
})

test('another key, another address and a malleable form are refused', async () => {
  const { transactionId } = await waiting()
  const asked = await challenge(transactionId)
  const stranger = privateKeyToAccount(generatePrivateKey())
  const foreign = await sign(asked, stranger)
  expect(await answer(transactionId, asked.message, foreign)).toBe('401 INVALID_SIGNATURE')
  expect(await answer(transactionId, asked.message, foreign, { address: stranger.address })).toBe(
    '401 INVALID_SIGNATURE',
  )
  const signature = await sign(asked)
  expect(await answer(transactionId, asked.message, highS(asked.message))).toBe('401 INVALID_SIGNATURE')
  for (const wrong of ['0x', `${signature}00`, signature.slice(0, -2), `0x${'00'.repeat(65)}`, 'hello']) {
    expect(await answer(transactionId, asked.message, wrong)).toBe('401 INVALID_SIGNATURE')
  }
  expect(await answer(transactionId, asked.message, signature, { address: owner.address.toLowerCase() })).toBe(
    'CONFIRMED',
  )
})

/** The same signature with n - s, which recovers the same address. */
function highS(message: string): string {
  const hash = Buffer.from(hashTypedData(JSON.parse(message)).slice(2), 'hex')
  const bytes = secp256k1.sign(hash, Buffer.from(privateKey.slice(2), 'hex'), { prehash: false, format: 'recovered' })
  const { r, s, recovery } = secp256k1.Signature.fromBytes(bytes, 'recovered')
  const mirrored = new secp256k1.Signature(r, secp256k1.Point.Fn.ORDER - s)
  return `${bytesToHex(mirrored.toBytes('compact'))}${recovery === 0 ? '1c' : '1b'}`
}

test('a message expires after five minutes', async () => {
  const own = await startHttp()
  try {
    const { transactionId } = await agentWithPayment(own, 'late', owner.address)
    const response = await own.fetch('/v1/owner/challenges', post({ action: 'approve', resourceId: transactionId }))
    const asked = (await response.json()) as ChallengeView
    own.clock.advance(300)
    const late = await own.fetch(`/v1/transactions/${transactionId}/approve`, {
      method: 'POST',
      headers: {
        'X-Owner-Address': owner.address,
        'X-Owner-Message': Buffer.from(asked.message).toString('base64url'),
        'X-Owner-Signature': await sign(asked),
      },
    })
    expect([late.status, await late.json()]).toMatchObject([401, { code: 'INVALID_NONCE' }])
  } finally {
    await own.close()
  }
})

test('an owner with a Solana address rejects with a signature over exactly the text', async () => {
  const signer = await createKeyPairSignerFromPrivateKeyBytes(crypto.getRandomValues(new Uint8Array(32)))
  const { transactionId } = await waiting(signer.address)
  const asked = await challenge(transactionId, 'reject')
  expect(asked.scheme).toBe('solana')
  expect(asked.message).toContain('wants you to sign in with your Solana account:')
  const signature = await signBytes(signer.keyPair.privateKey, Buffer.from(asked.message))
  const base58 = getBase58Decoder().decode(signature)
  const as = { action: 'reject', address: signer.address } as const
  const changed = Buffer.from(signature)
  changed[0]! ^= 1
  expect(await answer(transactionId, asked.message, getBase58Decoder().decode(changed), as)).toBe(
    '401 INVALID_SIGNATURE',
  )
  expect(await answer(transactionId, asked.message, base58, { ...as, address: owner.address })).toBe(
    '401 INVALID_SIGNATURE',
  )
  expect(await answer(transactionId, asked.message, base58, as)).toBe('CANCELLED')
})

test('nobody is asked about what does not wait', async () => {
  const ask = async (resourceId: string) =>
    (
      (await (await http.fetch('/v1/owner/challenges', post({ action: 'approve', resourceId }))).json()) as {
        code: string
      }
    ).code
  expect(await ask('01890000-0000-7000-8000-000000000000')).toBe('TX_NOT_FOUND')
  const ownerless = await agentWithPayment(http, 'nobody’s')
  expect(await ask(ownerless.transactionId)).toBe('OWNER_NOT_CONNECTED')
  const { transactionId } = await waiting()
  const asked = await challenge(transactionId)
  await answer(transactionId, asked.message, await sign(asked))
  expect(await ask(transactionId)).toBe('TX_ALREADY_PROCESSED')
})
