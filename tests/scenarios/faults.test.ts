import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { base58 } from '@scure/base'
import { type Route, routes } from '@waiaas/core'
import { serializeTransaction } from 'viem'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import {
  as,
  askOwner,
  atOnce,
  balanceOf,
  decide,
  ETH,
  newOwner,
  newPayee,
  ownerProof,
  pay,
  payer,
  read,
  send,
  sentBy,
  tierOf,
  told,
  until,
} from './acts.ts'
import { fault } from './scenario.ts'
import { PASSWORD, type StartedWallet, startWallet } from './started-wallet.ts'

const CALLS_A_MINUTE = 40
const _UUID = '01890000-0000-7000-8000-000000000000'

let wallet: StartedWallet
beforeAll(async () => {
  wallet = await startWallet({ WAIAAS_SECURITY_RATE_LIMIT_SESSION_RPM: `${CALLS_A_MINUTE}` })
})
afterEach(() => wallet?.evm.control.behave())
afterAll(() => wallet?.close())

const count = (table: string) => wallet.sql<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)[0]!.rows

fault(1, async () => {
  const { agentId } = await payer(wallet)
  const before = [count('sessions'), count('admin_tokens'), count('agents'), count('policies'), count('transactions')]
  for (const body of [undefined, {}, { agentIds: [agentId] }]) {
    const answer = await wallet.call('/v1/admin/agent-prompt', { method: 'POST', body })
    expect([answer.status, answer.text.includes('wai_sess_')]).toEqual([404, false])
  }
  for (const [name, route] of Object.entries<Route>(routes)) {
    if (route.authentication === 'public') continue
    const path = route.path.replaceAll(/:\w+/g, agentId)
    const { status, text } = await wallet.call(path, { method: route.method.toUpperCase() })
    expect([name, status]).toEqual([name, 401])
    expect(text).not.toMatch(/wai_(sess|admin)_[A-Za-z0-9]/)
  }
  expect([count('sessions'), count('admin_tokens'), count('agents'), count('policies'), count('transactions')]).toEqual(
    before,
  )
})

fault(2, async () => {
  const { agentId, sessionId, token, evm } = await payer(wallet)
  const open = [
    ...['suspend', 'resume', 'withdraw'].flatMap((act) => [
      `POST /v1/agents/${agentId}/${act}`,
      `POST /v1/wallets/${agentId}/${act}`,
    ]),
    ...['agents', 'wallets'].flatMap((noun) => [
      `DELETE /v1/${noun}/${agentId}/purge`,
      `DELETE /v1/${noun}/${agentId}`,
    ]),
    `POST /v1/sessions/${sessionId}/rotate`,
    ...['build', 'sign'].map((act) => `POST /v1/wallets/${agentId}/userop/${act}`),
    ...['GET', 'POST', 'PUT', 'DELETE'].map((method) => `${method} /v1/admin/wallet-apps`),
    'GET /v1/admin/oracle-status',
    'GET /v1/tokens/resolve',
  ]
  for (const line of open) {
    const [method, path] = line.split(' ') as [string, string]
    expect([line, (await wallet.call(path, { method })).status]).toEqual([
      line,
      expect.toSatisfy((status) => status === 401 || status === 404),
    ])
  }
  expect(await read(wallet, token)).toBe('ACTIVE')
  expect(await balanceOf(wallet, evm)).toBe(1000n * ETH)
})

fault(3, async () => {
  const { token, evm } = await payer(wallet)
  const to = newPayee()
  await wallet.evm.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: 'loseAnswer' } })
  expect(await pay(wallet, token, { to, amount: '1000' })).toBe('CONFIRMED')
  expect([await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([1000n, 1])
})

fault(5, async () => {
  const { token, evm } = await payer(wallet)
  const to = newPayee()
  const ends = await atOnce(32, (index) => pay(wallet, token, { to, amount: `${index + 1}` }))
  expect(ends).toEqual(Array(32).fill('CONFIRMED'))
  expect([await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([528n, 32])
})

fault(6, async () => {
  const { token } = await payer(wallet)
  const folder = join(wallet.dataDir, 'keystore')
  const state = () =>
    readdirSync(folder)
      .filter((name) => /^[0-9a-f-]{36}\.json$/.test(name))
      .map((name) => {
        const { ino, mtimeMs } = statSync(join(folder, name))
        return { name, ino, mtimeMs, content: readFileSync(join(folder, name), 'utf8') }
      })
  const before = state()
  expect(before.length).toBeGreaterThan(1)
  for (let payment = 0; payment < 3; payment++) expect(await pay(wallet, token, { amount: '1' })).toBe('CONFIRMED')
  expect(state()).toEqual(before)
})

fault(7, async () => {
  const { token, evm } = await payer(wallet)
  const to = newPayee()
  const keys = Array.from({ length: 6 }, () => randomBytes(16).toString('hex'))
  const sendAll = () => keys.map((key) => send(wallet, token, { to, amount: '5' }, { 'Idempotency-Key': key }))
  await wallet.evm.control.misbehave({
    method: 'eth_sendRawTransaction',
    times: 'always',
    action: { kind: 'delay', ms: 2_000 },
  })
  const known = count('attempts')
  const cut = Promise.allSettled(sendAll())
  // Signed, and on its way to a node that is slow to answer.
  while (count('attempts') === known) await new Promise((resolve) => setTimeout(resolve, 20))
  await wallet.crash()
  await cut
  await wallet.evm.control.behave()
  await wallet.start()
  const ends = await Promise.all(sendAll())
  expect(ends.map(({ body }) => body.status)).toEqual(Array(6).fill('CONFIRMED'))
  expect([await balanceOf(wallet, to), await sentBy(wallet, evm)]).toEqual([30n, 6])
})

fault(9, async () => {
  const { token, evm, agentId } = await payer(wallet)
  const [before, after] = [newPayee(), newPayee()]
  const states = () =>
    wallet
      .sql<{ status: string }>(`SELECT status FROM transactions WHERE agent_id = '${agentId}'`)
      .map(({ status }) => status)
  const ask = (to: string) => () =>
    wallet.call('/v1/transactions/send', {
      headers: { ...as(token), 'Idempotency-Key': randomBytes(16).toString('hex') },
      body: { network: 'evm-local', to, amount: '1' },
    })
  await wallet.evm.control.pauseMining()
  await atOnce(3, ask(before))
  while (states().filter((state) => state === 'SUBMITTED').length < 3) await new Promise((go) => setTimeout(go, 20))
  await wallet.evm.control.misbehave({ method: '*', times: 'always', action: { kind: 'delay', ms: 200 } })
  const inFlight = atOnce(6, ask(after))
  while (states().length < 4) await new Promise((resolve) => setTimeout(resolve, 5))
  await wallet.operate('POST', '/v1/admin/kill-switch')
  const signatures = () =>
    wallet.sql(`SELECT hash FROM attempts WHERE address = '${evm}' ORDER BY created_at, id`).map(({ hash }) => hash)
  const signed = signatures()
  await wallet.evm.control.behave()
  await wallet.evm.control.resumeMining()
  await inFlight
  const isOpen = (state: string) => !['CONFIRMED', 'FAILED', 'CANCELLED'].includes(state)
  while (states().some(isOpen)) await new Promise((resolve) => setTimeout(resolve, 50))
  await wallet.operate('POST', '/v1/admin/recover')
  wallet.clock.advance(86_400)
  const state = async () => (await wallet.operate('GET', '/v1/admin/kill-switch')).state
  while ((await state()) !== 'NORMAL') await new Promise((resolve) => setTimeout(resolve, 50))
  // What was signed before the answer is followed to its end. Nothing is signed after it, and not when it is over.
  expect(signatures()).toEqual(signed)
  expect(states().filter((one) => one === 'CONFIRMED')).toHaveLength(signed.length)
  expect([await sentBy(wallet, evm), await balanceOf(wallet, before)]).toEqual([signed.length, 3n])
  expect(await balanceOf(wallet, after)).toBe(BigInt(signed.length - 3))
})

fault(10, async () => {
  const limits = { instant_max: '1', delay_max: '10', delay_seconds: 60 }
  const { token, agentId, evm } = await payer(wallet, { limits })
  const waiting = await send(wallet, token, { to: newPayee(), amount: '5' })
  await wallet.operate('POST', `/v1/agents/${agentId}/suspend`)
  expect(await pay(wallet, token, { amount: '1' })).toBe('409 AGENT_SUSPENDED')
  wallet.clock.advance(61)
  expect((await until(wallet, waiting.body.id, 'CANCELLED', 'CONFIRMED')).status).toBe('CANCELLED')
  expect([await read(wallet, token), await sentBy(wallet, evm)]).toEqual(['SUSPENDED', 0])
})

fault(11, async () => {
  const owner = newOwner()
  const { token } = await payer(wallet, { agent: { ownerAddress: owner.address }, limits: { instant_max: '1' } })
  const to = newPayee()
  const [one, other] = [await send(wallet, token, { to, amount: '2' }), await send(wallet, token, { to, amount: '3' })]
  expect([one.body, other.body]).toMatchObject(Array(2).fill({ status: 'QUEUED', tier: 'APPROVAL' }))
  await decide(wallet, owner, 'approve', one.body.id)
  expect(await decide(wallet, owner, 'reject', other.body.id)).toBe('CANCELLED')
  expect((await until(wallet, one.body.id, 'CONFIRMED', 'FAILED')).status).toBe('CONFIRMED')
  expect(await balanceOf(wallet, to)).toBe(2n)
})

fault(12, async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const ownerAddress = base58.encode(Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url'))
  const { agentId } = await payer(wallet, { agent: { ownerAddress } })
  const path = `/v1/agents/${agentId}/owner/verify`
  const asked = await askOwner(wallet, 'verify', agentId)
  const answer = async (message: string) => {
    const signature = base58.encode(sign(null, Buffer.from(message), privateKey))
    const headers = ownerProof({ ...asked, message }, signature)
    return told(await wallet.call(path, { method: 'POST', headers }))
  }
  const nonce = /^Nonce: (\S+)$/m.exec(asked.message)![1]
  const texts = [
    'hello',
    'approve',
    '',
    `I agree. ${nonce}`,
    `Nonce: ${nonce}`,
    `${asked.message} `,
    asked.message.trim(),
  ]
  for (const text of texts.filter((text) => text !== asked.message)) {
    expect([text, await answer(text)]).toEqual([text, expect.stringMatching(/^401 INVALID_(NONCE|SIGNATURE)$/)])
  }
  expect((await wallet.operate('GET', `/v1/agents/${agentId}`)).ownerState).toBe('GRACE')
  expect([await answer(asked.message), await answer(asked.message)]).toEqual(['ok', '401 INVALID_NONCE'])
})

fault(16, async () => {
  const { token, evm } = await payer(wallet)
  const bytecode = '0x600160005500'
  for (const body of [
    { type: 'CONTRACT_DEPLOY', bytecode },
    { type: 'NFT_TRANSFER', to: newPayee(), tokenId: '1', token: { address: newPayee() } },
    { type: 'X402_PAYMENT', to: newPayee(), amount: '1' },
    { type: 'CONTRACT_CALL', calldata: bytecode },
    { type: 'CONTRACT_CALL', to: '', calldata: bytecode },
    { type: 'TRANSFER', amount: '1', data: bytecode },
  ]) {
    const answer = await wallet.call('/v1/transactions/send', {
      headers: { ...as(token), 'Idempotency-Key': randomBytes(16).toString('hex') },
      body: { network: 'evm-local', ...body },
    })
    expect([body, told(answer)]).toEqual([body, '400 VALIDATION_FAILED'])
  }
  const fees = { gas: 100_000n, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n }
  const deploy = serializeTransaction({ type: 'eip1559', chainId: 31_337, nonce: 0, data: bytecode, ...fees })
  const signing = await wallet.call('/v1/transactions/sign', {
    headers: { ...as(token), 'Idempotency-Key': randomBytes(16).toString('hex') },
    body: { network: 'evm-local', transaction: deploy },
  })
  expect(told(signing)).toBe('403 POLICY_DENIED')
  expect(await sentBy(wallet, evm)).toBe(0)
})

fault(19, async () => {
  const owner = { ownerAddress: newOwner().address }
  const window = { seconds: 86_400, max_usd: 1 }
  const limits = { instant_max: `${10n * ETH}`, windows: [window] }
  const { token, evm } = await payer(wallet, { agent: owner, limits })
  expect(await tierOf(wallet, token, { humanAmount: '5' })).toBe('APPROVAL')
  const inDollarsOnly = await payer(wallet, { agent: owner, limits: { instant_max_usd: 1 } })
  expect(await tierOf(wallet, inDollarsOnly.token, { humanAmount: '5' })).toBe('APPROVAL')
  expect(await sentBy(wallet, evm)).toBe(0)
})

fault(21, async () => {
  wallet.clock.stand()
  const [busy, calm] = [await payer(wallet), await payer(wallet)]
  const reads = CALLS_A_MINUTE - 5
  const listed = await atOnce(reads, () => read(wallet, busy.token, '/v1/transactions'))
  const paid = await atOnce(8, () => pay(wallet, busy.token, { amount: '1' }))
  // Reading and sending share one allowance; another session has its own.
  expect([listed, paid.sort()]).toEqual([
    Array(reads).fill('ok'),
    [...Array(3).fill('429 RATE_LIMIT_EXCEEDED'), ...Array(5).fill('CONFIRMED')],
  ])
  expect([await pay(wallet, calm.token, { amount: '1' }), await sentBy(wallet, busy.evm)]).toEqual(['CONFIRMED', 5])
  wallet.clock.advance(60)
  expect(await pay(wallet, busy.token, { amount: '1' })).toBe('CONFIRMED')
  wallet.clock.run()
})

fault(23, async () => {
  const { token } = await payer(wallet, { limits: { instant_max: '1', delay_max: '10', delay_seconds: 60 } })
  const instant = await send(wallet, token, { to: newPayee(), amount: '1' })
  const delayed = await send(wallet, token, { to: newPayee(), amount: '2' })
  wallet.clock.advance(61)
  await until(wallet, delayed.body.id, 'CONFIRMED')
  const entries: { seq: number; type: string; transactionId?: string }[] = []
  for (;;) {
    const after = entries.at(-1)?.seq ?? 0
    const { items } = await wallet.operate<{ items: typeof entries }>(
      'GET',
      `/v1/admin/audit?after=${after}&limit=1000`,
    )
    if (items.length === 0) break
    entries.push(...items)
  }
  const typesOf = (id: string) => entries.filter((entry) => entry.transactionId === id).map(({ type }) => type)
  expect(typesOf(instant.body.id)).toEqual(['TX_REQUESTED', 'TX_ALLOWED', 'TX_SIGNED', 'TX_SUBMITTED', 'TX_CONFIRMED'])
  expect(typesOf(delayed.body.id)).toEqual([
    'TX_REQUESTED',
    'TX_QUEUED',
    'TX_DELAY_OVER',
    'TX_SIGNED',
    'TX_SUBMITTED',
    'TX_CONFIRMED',
  ])
  expect(await wallet.operate('POST', '/v1/admin/audit/verify')).toMatchObject({ ok: true })
})

fault(24, async () => {
  const { token, sessionId } = await payer(wallet, { session: { ttl: 600 } })
  const rotate = await wallet.call(`/v1/sessions/${sessionId}/rotate`, { method: 'POST' })
  const renew = (headers: Record<string, string>) =>
    wallet.call(`/v1/sessions/${sessionId}/renew`, { method: 'PUT', headers })
  expect([rotate.status, told(await renew({}))]).toEqual([404, '401 INVALID_TOKEN'])
  wallet.clock.advance(301)
  const { status, body } = await renew(as(token))
  expect(status).toBe(200)
  expect([await read(wallet, body.token as string), await read(wallet, token)]).toEqual(['ACTIVE', '401 INVALID_TOKEN'])
})

fault(26, async () => {
  const { token } = await payer(wallet)
  wallet.clock.stand()
  const forged = (index: number) => ({ 'X-Forwarded-For': `10.0.0.${index}`, 'X-Real-IP': `10.0.1.${index}` })
  const statuses = new Map<string, number>()
  for (const [path, headers] of [
    ['/health', {}],
    ['/v1/agents', { Authorization: 'Bearer wai_admin_guess' }],
    ['/v1/wallet', { Authorization: 'Bearer wai_sess_guess' }],
  ] as const) {
    const answers = await atOnce(200, (index) => wallet.call(path, { headers: { ...headers, ...forged(index) } }))
    statuses.set(path, answers.filter(({ status }) => status === 429).length)
  }
  for (const [path, limited] of statuses) expect([path, limited > 50]).toEqual([path, true])
  expect((await wallet.asOperator('GET', '/v1/admin/status')).status).toBe(200)
  const login = await wallet.call('/v1/admin/login', { body: { password: PASSWORD } })
  expect([login.status, await read(wallet, token), await pay(wallet, token, { amount: '1' })]).toEqual([
    200,
    'ACTIVE',
    'CONFIRMED',
  ])
  wallet.clock.run()
  wallet.clock.advance(60)
})
