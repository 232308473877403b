import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareDataDir } from '@waiaas/daemon/testing'
import { deployErc20, type EvmNode, startEvmNode } from '@waiaas/devnet'
import { WAIaaSAdminClient, WAIaaSClient, WAIaaSError, WAIaaSOwnerClient } from '@waiaas/sdk'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type RunningWallet, startWallet } from './testing/run-cli.ts'

type PolicyView = Awaited<ReturnType<WAIaaSAdminClient['listPolicies']>>[number]

const PASSWORD = 'correct horse battery staple'
const PAYEE = '0x00000000000000000000000000000000000000AA'
const STRANGER = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC'
const ETH = 10n ** 18n
const UNLIMITED = ((1n << 256n) - 1n).toString()

const folder = mkdtempSync(join(tmpdir(), 'waiaas-policy-'))
const owner = privateKeyToAccount(generatePrivateKey())
let chain: EvmNode
let wallet: RunningWallet
let admin: WAIaaSAdminClient
let defaults: PolicyView[]
let names = 0
let keys = 0

beforeAll(async () => {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, PASSWORD, { mode: 0o600 })
  chain = await startEvmNode({})
  const env = {
    WAIAAS_DATA_DIR: join(folder, 'wallet'),
    WAIAAS_MASTER_PASSWORD_FILE: passwordFile,
    WAIAAS_DAEMON_PORT: '0',
    WAIAAS_RPC_EVM_LOCAL: chain.rpcUrl,
  }
  await prepareDataDir(env.WAIAAS_DATA_DIR, PASSWORD)
  wallet = await startWallet(env)
  admin = new WAIaaSAdminClient({ baseUrl: wallet.url })
  await admin.login(PASSWORD)
  defaults = await admin.listPolicies()
})
afterAll(async () => {
  await wallet?.end('SIGTERM')
  await chain?.stop()
  rmSync(folder, { recursive: true })
})

/** An agent with money on the local chain, and a client that speaks for it. */
async function fundedAgent() {
  names += 1
  const agent = await admin.createAgent({ name: `agent ${names}`, chains: ['evm'], ownerAddress: owner.address })
  await chain.control.fund(agent.wallets[0]!.address, 1000n * ETH)
  const { token } = await admin.createSession({ agentId: agent.id })
  return {
    id: agent.id,
    address: agent.wallets[0]!.address,
    client: new WAIaaSClient({ baseUrl: wallet.url, sessionToken: token }),
  }
}

type Rules = [type: PolicyView['type'], rules: Record<string, unknown>, rest?: { priority?: number; network?: string }]

/** Sets these policies instead of all others, global ones or an agent's. */
async function only(agentId: string | undefined, ...policies: Rules[]): Promise<void> {
  for (const { id } of await admin.listPolicies()) await admin.deletePolicy(id)
  for (const [type, rules, rest] of policies) {
    await admin.createPolicy({ type, rules, ...rest, ...(agentId === undefined ? {} : { agentId }) })
  }
}

afterEach(async () => {
  for (const { id } of await admin.listPolicies()) await admin.deletePolicy(id)
})

/** The tier that the daemon gives, or its code; for a payment that is let go, after it was confirmed. */
async function outcome(client: WAIaaSClient, payment: Parameters<WAIaaSClient['send']>[0]): Promise<string> {
  keys += 1
  const [request, idempotencyKey] = [{ network: 'evm-local', ...payment }, `key ${keys}`]
  try {
    const { status, tier } = await client.send(request, { idempotencyKey })
    if (status === 'QUEUED') return tier!
    const end = await client.send(request, { idempotencyKey, wait: 20 })
    return end.status === 'CONFIRMED' ? tier! : end.status
  } catch (error) {
    if (error instanceof WAIaaSError) return error.code
    throw error
  }
}

test('without any policy nothing goes, whatever its kind', async () => {
  const { client, address } = await fundedAgent()
  const token = await deployErc20({
    rpcUrl: chain.rpcUrl,
    name: 'Token',
    symbol: 'TKN',
    decimals: 6,
    supply: 10n ** 9n,
    owner: address as `0x${string}`,
  })
  await only(undefined)
  const said = [
    await outcome(client, { to: PAYEE, amount: '1' }),
    await outcome(client, { type: 'TOKEN_TRANSFER', to: PAYEE, amount: '1', token: { address: token } }),
    await outcome(client, { type: 'APPROVE', spender: PAYEE, amount: UNLIMITED, token: { address: token } }),
    await outcome(client, { type: 'CONTRACT_CALL', to: token, calldata: '0x06fdde03' }),
  ]
  expect(said).toEqual(['POLICY_DENIED', 'TOKEN_NOT_ALLOWED', 'APPROVE_DISABLED', 'CONTRACT_CALL_DISABLED'])
  await only(
    undefined,
    ['SPENDING_LIMIT', { instant_max: ETH.toString() }],
    ['ALLOWED_TOKENS', { tokens: [{ address: token }] }],
    ['APPROVED_SPENDERS', { spenders: [{ address: PAYEE, maxAmount: '5' }] }],
    ['CONTRACT_WHITELIST', { contracts: [{ address: token }] }],
    ['METHOD_WHITELIST', { methods: [{ contractAddress: token, selectors: ['0x06fdde03'] }] }],
  )
  const approve = (amount: string, spender = PAYEE) => ({
    type: 'APPROVE' as const,
    spender,
    amount,
    token: { address: token },
  })
  expect(await outcome(client, { type: 'TOKEN_TRANSFER', to: PAYEE, amount: '1', token: { address: token } })).toBe(
    'APPROVAL',
  )
  expect(await outcome(client, approve('5'))).toBe('APPROVAL')
  expect(await outcome(client, approve('6'))).toBe('APPROVE_AMOUNT_EXCEEDED')
  expect(await outcome(client, approve(UNLIMITED))).toMatch(/^(UNLIMITED_APPROVE_BLOCKED|APPROVE_AMOUNT_EXCEEDED)$/)
  expect(await outcome(client, approve('1', STRANGER))).toBe('SPENDER_NOT_APPROVED')
  expect(await outcome(client, { type: 'CONTRACT_CALL', to: token, calldata: '0x06fdde03' })).toBe('INSTANT')
  expect(await outcome(client, { type: 'CONTRACT_CALL', to: token, calldata: '0x95d89b41' })).toBe(
    'METHOD_NOT_WHITELISTED',
  )
  await admin.createPolicy({ type: 'APPROVE_TIER_OVERRIDE', rules: { tier: 'INSTANT' } })
  expect(await outcome(client, approve('5'))).toBe('INSTANT')
})

test('the default limits change their tier at the edge, exactly', async () => {
  const { client, id } = await fundedAgent()
  await only(
    undefined,
    ...defaults.filter(({ type }) => type === 'SPENDING_LIMIT').map(({ type, rules }): Rules => [type, rules]),
  )
  const tierOf = async (amount: bigint) =>
    (
      await admin.simulatePolicy({
        agentId: id,
        request: { type: 'TRANSFER', to: PAYEE, amount: amount.toString(), network: 'evm-local' },
      })
    ).tier
  const edges = [ETH / 200n, ETH / 20n, ETH / 2n]
  const around = edges.flatMap((edge) => [edge - 1n, edge, edge + 1n])
  expect(await Promise.all(around.map(tierOf))).toEqual([
    'INSTANT',
    'INSTANT',
    'NOTIFY',
    'NOTIFY',
    'NOTIFY',
    'DELAY',
    'DELAY',
    'DELAY',
    'APPROVAL',
  ])
  expect(await outcome(client, { to: PAYEE, amount: edges[0]!.toString() })).toBe('INSTANT')
  expect(await outcome(client, { to: PAYEE, amount: (edges[2]! + 1n).toString() })).toBe('APPROVAL')
})

test('RATE_LIMIT and TIME_RESTRICTION stop what they should', async () => {
  const { client } = await fundedAgent()
  const limit: Rules = ['SPENDING_LIMIT', { instant_max: ETH.toString() }]
  await only(undefined, limit, ['RATE_LIMIT', { max_requests: 1, window_seconds: 3600 }])
  const said = []
  for (let i = 0; i < 3; i++) said.push(await outcome(client, { to: PAYEE, amount: '1' }))
  expect(said).toEqual(['INSTANT', 'RATE_LIMIT_EXCEEDED', 'RATE_LIMIT_EXCEEDED'])
  const inThreeDays = (new Date().getUTCDay() + 3) % 7
  await only(undefined, limit, ['TIME_RESTRICTION', { allowed_days: [inThreeDays] }])
  expect(await outcome(client, { to: PAYEE, amount: '1' })).toBe('POLICY_DENIED')
})

test('the higher priority wins, and an agent’s own policy over the global one', async () => {
  const [one, other] = [await fundedAgent(), await fundedAgent()]
  const limit: Rules = ['SPENDING_LIMIT', { instant_max: ETH.toString() }]
  const list = (addresses: string[], priority: number): Rules => [
    'WHITELIST',
    { allowed_addresses: addresses },
    { priority },
  ]
  await only(undefined, limit, list([STRANGER], 100), list([PAYEE], 1))
  expect(await outcome(one.client, { to: PAYEE, amount: '1' })).toBe('WHITELIST_DENIED')
  await only(undefined, limit, list([PAYEE], 100), list([STRANGER], 1))
  expect(await outcome(one.client, { to: PAYEE, amount: '1' })).toBe('INSTANT')
  expect(await outcome(one.client, { to: PAYEE.toLowerCase(), amount: '1' })).toBe('INSTANT')
  await admin.createPolicy({ type: 'SPENDING_LIMIT', rules: { notify_max: '5' }, agentId: one.id })
  expect(await outcome(one.client, { to: PAYEE, amount: '1' })).toBe('NOTIFY')
  expect(await outcome(one.client, { to: PAYEE, amount: '6' })).toBe('APPROVAL')
  expect(await outcome(other.client, { to: PAYEE, amount: '6' })).toBe('INSTANT')
  await admin.createPolicy({ type: 'SPENDING_LIMIT', rules: { delay_max: '5' }, agentId: one.id, network: 'evm-local' })
  expect(await outcome(one.client, { to: PAYEE, amount: '1' })).toBe('DELAY')
})

test('totals above 2^63 are counted exactly, in words people read', async () => {
  const { client } = await fundedAgent()
  const window = { seconds: 86_400, asset: 'native:evm', max: (20n * ETH).toString() }
  await only(undefined, ['SPENDING_LIMIT', { delay_max: (10n * ETH).toString(), windows: [window] }])
  const amount = (95n * ETH) / 10n
  const said = []
  for (let i = 0; i < 3; i++) said.push(await outcome(client, { to: PAYEE, amount: amount.toString() }))
  expect(said).toEqual(['DELAY', 'DELAY', 'SPENDING_LIMIT_EXCEEDED'])
  const refused = await client
    .send({ to: PAYEE, amount: amount.toString(), network: 'evm-local' })
    .catch((error: Error) => error)
  expect((refused as Error).message).toMatch(/^28\.5\d* ETH in 24 hours is above the limit of 20 ETH\.$/)
})

test('a payment in parts is held like the whole', async () => {
  const { client } = await fundedAgent()
  await only(undefined, [
    'SPENDING_LIMIT',
    { instant_max: '1000', windows: [{ seconds: 86_400, max_count: 3, on_exceed: 'APPROVAL' }] },
  ])
  const said = []
  for (let i = 0; i < 5; i++) said.push(await outcome(client, { to: PAYEE, amount: '900' }))
  expect(said).toEqual(['INSTANT', 'INSTANT', 'INSTANT', 'APPROVAL', 'APPROVAL'])
})

test('a dry run leaves the same trace as the judgement that counts, and a draft is tried without being stored', async () => {
  const { client, id } = await fundedAgent()
  await only(undefined, ['SPENDING_LIMIT', { instant_max: '5' }])
  const request = { type: 'TRANSFER' as const, to: PAYEE, amount: '7', network: 'evm-local' }
  const dry = await admin.simulatePolicy({ agentId: id, request })
  const sent = await client.send(request)
  expect([dry.tier, sent.tier]).toEqual(['APPROVAL', 'APPROVAL'])
  for await (const { type, transactionId, data } of client.events({ after: 0 })) {
    if (type !== 'TX_QUEUED' || transactionId !== sent.id) continue
    expect(data.traceHash).toBe(dry.traceHash)
    break
  }
  const draft = { type: 'SPENDING_LIMIT' as const, rules: { instant_max: '7' } }
  const tried = await admin.simulatePolicy({ agentId: id, request, policies: [draft] })
  expect(tried).toMatchObject({ tier: 'INSTANT', policyVersion: dry.policyVersion })
  expect(tried.traceHash).not.toBe(dry.traceHash)
  expect((await client.simulate(request)).tier).toBe('APPROVAL')
  const replay = await fetch(`${wallet.url}/v1/policies/replay`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Master-Password': PASSWORD },
    body: JSON.stringify({ policies: [draft], agentId: id }),
  })
  expect(await replay.json()).toMatchObject({
    transactions: 1,
    tiers: { APPROVAL: { before: 1, after: 0 }, INSTANT: { before: 0, after: 1 } },
    differences: [{ transactionId: sent.id, before: { tier: 'APPROVAL' }, after: { tier: 'INSTANT' } }],
  })
})

test('once the owner has signed, the operator can only tighten', async () => {
  const { client, id } = await fundedAgent()
  await only(id, ['SPENDING_LIMIT', { instant_max: '5' }])
  const [policy] = await admin.listPolicies()
  const waiting = await client.send({ to: PAYEE, amount: '7', network: 'evm-local' })
  const signed = new WAIaaSOwnerClient({
    baseUrl: wallet.url,
    sign: ({ message }) => owner.signTypedData(JSON.parse(message)),
  })
  await signed.reject(waiting.id)
  await expect(admin.updatePolicy(policy!.id, { rules: { instant_max: '6' } })).rejects.toMatchObject({
    code: 'OWNER_APPROVAL_REQUIRED',
    status: 403,
  })
  await expect(
    admin.createPolicy({ type: 'ALLOWED_TOKENS', rules: { tokens: [{ address: PAYEE }] } }),
  ).rejects.toMatchObject({ code: 'OWNER_APPROVAL_REQUIRED' })
  expect(await admin.updatePolicy(policy!.id, { rules: { instant_max: '4' } })).toMatchObject({
    rules: { instant_max: '4' },
  })
  expect(await outcome(client, { to: PAYEE, amount: '5' })).toBe('APPROVAL')
})
