import type { AgentView, PolicyChallengeView, PolicyChange, PolicyView } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readOwnerKey } from '../owner-key.ts'
import { answerOwner, askOwner } from './testing/owner.ts'
import { told } from './testing/real-engine.ts'
import { post, startHttp, type TestHttp } from './testing/start-http.ts'

const ETH = 10n ** 18n
const owner = privateKeyToAccount(generatePrivateKey())
const stranger = privateKeyToAccount(generatePrivateKey())

let http: TestHttp
let agents = 0
let agent: AgentView
let policy: PolicyView

beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())
beforeEach(async () => {
  agent = await ownedAgent(`demo ${++agents}`)
  policy = await limit(agent, ETH)
  await lock(agent)
})

const ownedAgent = (name: string, by = owner) =>
  http.operate<AgentView>('POST', '/v1/agents', { name, ownerAddress: by.address })

async function lock({ id }: AgentView, by = owner): Promise<void> {
  const asked = await askOwner(http, 'verify', id)
  const signature = await by.signMessage({ message: asked.message })
  expect(await told(await answerOwner(http, 'POST', `/v1/agents/${id}/owner/verify`, asked, signature))).toBe('ok')
}

async function lockedAgent(name: string, by = owner): Promise<AgentView> {
  const made = await ownedAgent(name, by)
  await lock(made, by)
  return made
}

const limit = ({ id }: AgentView, amount: bigint) =>
  makePolicy({ agentId: id, type: 'SPENDING_LIMIT', rules: { instant_max: `${amount}` } })

const makePolicy = (body: object) => http.operate<PolicyView>('POST', '/v1/policies', body)

/** The limit of the agent's payments, five times as high. */
const looser = (): PolicyChange & { kind: 'update' } => ({
  kind: 'update',
  id: policy.id,
  change: { rules: { instant_max: `${5n * ETH}` } },
})

const ask = (change: PolicyChange, resourceId = agent.id) =>
  http.fetch('/v1/owner/challenges', post({ action: 'policy_change', resourceId, change }))

async function question(change: PolicyChange, resourceId = agent.id): Promise<PolicyChallengeView> {
  const answer = await ask(change, resourceId)
  expect(answer.status).toBe(201)
  return (await answer.json()) as PolicyChallengeView
}

const sign = ({ message }: { message: string }, by = owner) => by.signTypedData(JSON.parse(message))

const operator = () => ({ Authorization: `Bearer ${http.adminToken}` })

/** Carries a change out, as the operator with the owner's signature. */
async function carryOut(
  change: PolicyChange,
  asked: Pick<PolicyChallengeView, 'message' | 'ownerAddress'>,
  signature: string,
  headers: Record<string, string> = operator(),
): Promise<string> {
  const answer = await answerOwner(http, ...routeOf(change), asked, signature, headers, bodyOf(change))
  return await told(answer)
}

function routeOf(change: PolicyChange): [method: string, path: string] {
  if (change.kind === 'create') return ['POST', '/v1/policies']
  return [change.kind === 'update' ? 'PUT' : 'DELETE', `/v1/policies/${change.id}`]
}

function bodyOf(change: PolicyChange): unknown {
  return change.kind === 'create' ? change.policy : change.kind === 'update' ? change.change : undefined
}

/** The change with the operator's word alone. */
async function alone(change: PolicyChange): Promise<string> {
  const [method, path] = routeOf(change)
  const init = { ...post(bodyOf(change), operator()), method }
  return await told(await http.fetch(path, init))
}

async function instantMax(): Promise<unknown> {
  const { items } = await http.operate<{ items: PolicyView[] }>('GET', `/v1/policies?agentId=${agent.id}`)
  return items.find(({ id }) => id === policy.id)?.rules.instant_max
}

test('what loosens needs operator and owner, once, and the log keeps the signature', async () => {
  expect(await alone(looser())).toBe('403 OWNER_APPROVAL_REQUIRED')
  const asked = await question(looser())
  const { message: typed, primaryType } = JSON.parse(asked.message)
  const change = [
    `Change SPENDING_LIMIT for agent ${agent.name} (${agent.id}) on all networks`,
    'instant_max: 5000000000000000000 base units (5 ETH or 5000000000 SOL) instead of 1000000000000000000 base units (1 ETH or 1000000000 SOL)',
  ]
  expect(primaryType).toBe('PolicyChange')
  expect(typed).toMatchObject({ action: 'Loosen policy', agents: [`${agent.name} (${agent.id})`], change })
  expect(asked.policyChange).toMatchObject({ lines: change, agents: [{ id: agent.id, name: agent.name }] })
  const signature = await sign(asked)
  expect(await carryOut(looser(), asked, signature, {}), 'the owner alone').toBe('401 INVALID_TOKEN')
  expect(await carryOut(looser(), asked, signature)).toBe('ok')
  expect(await instantMax()).toBe(`${5n * ETH}`)
  expect(await carryOut(looser(), asked, signature), 'again').toBe('401 INVALID_NONCE')
  const last = await http.db
    .selectFrom('events')
    .selectAll()
    .where('type', '=', 'POLICY_UPDATED')
    .orderBy('seq', 'desc')
    .executeTakeFirstOrThrow()
  expect(JSON.parse(last.data)).toMatchObject({
    strictness: 'looser',
    owner: {
      address: owner.address,
      challengeId: asked.id,
      signature,
      digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  })
})

test('removing and adding can loosen as well; what tightens needs nobody', async () => {
  const list = { agentId: agent.id, type: 'WHITELIST', rules: { allowed_addresses: [stranger.address] } } as const
  const added = await makePolicy(list)
  const removal: PolicyChange = { kind: 'delete', id: added.id }
  const asked = await question(removal)
  expect(asked.policyChange.lines).toContain(`allowed_addresses: no longer ${stranger.address}`)
  expect(await alone(removal)).toBe('403 OWNER_APPROVAL_REQUIRED')
  expect(await carryOut(removal, asked, await sign(asked))).toBe('ok')
  const tokens: PolicyChange = {
    kind: 'create',
    policy: {
      agentId: agent.id,
      type: 'ALLOWED_TOKENS',
      rules: { tokens: [{ address: stranger.address, symbol: 'X' }] },
      priority: 0,
      enabled: true,
    },
  }
  const forTokens = await question(tokens)
  expect(forTokens.policyChange.lines.slice(1)).toContain(`tokens[1].address: ${stranger.address}`)
  expect(await carryOut(tokens, forTokens, await sign(forTokens))).toBe('ok')
  const tighter = { ...looser(), change: { rules: { instant_max: '1' } } }
  expect(await told(await ask(tighter)), 'nothing to sign').toBe('404 APPROVAL_NOT_FOUND')
  expect(await alone(tighter)).toBe('ok')
})

test('a signature is good for its own change only', async () => {
  const asked = await question(looser())
  const signature = await sign(asked)
  const more = { ...looser(), change: { rules: { instant_max: `${6n * ETH}` } } }
  expect(await carryOut(more, asked, signature), 'a larger limit').toBe('401 INVALID_SIGNATURE')
  const whitelist = { type: 'WHITELIST', rules: { allowed_addresses: [] } }
  const other = await makePolicy({ agentId: agent.id, ...whitelist })
  const elsewhere = { ...looser(), id: other.id, change: { rules: { allowed_addresses: [stranger.address] } } }
  const again = await question(looser())
  expect(await carryOut(elsewhere, again, await sign(again)), 'another policy').toBe('401 INVALID_NONCE')
  const added: PolicyChange = {
    kind: 'create',
    policy: {
      agentId: agent.id,
      type: 'APPROVE_TIER_OVERRIDE',
      rules: { tier: 'INSTANT' },
      priority: 0,
      enabled: true,
    },
  }
  expect(await carryOut(added, again, await sign(again)), 'another kind').toBe('401 INVALID_SIGNATURE')
  expect(await instantMax()).toBe(`${ETH}`)
})

test('with another change in between it says nothing any more', async () => {
  const asked = await question(looser())
  await makePolicy({ agentId: agent.id, type: 'RATE_LIMIT', rules: { max_requests: 100, window_seconds: 60 } })
  expect(await carryOut(looser(), asked, await sign(asked))).toBe('401 INVALID_SIGNATURE')
  const list = await makePolicy({ agentId: agent.id, type: 'WHITELIST', rules: { allowed_addresses: [] } })
  const changes: PolicyChange[] = [looser(), { kind: 'delete', id: list.id }]
  const signed = await Promise.all(
    changes.map(async (change) => {
      const answer = await question(change)
      return { change, answer, signature: await sign(answer) }
    }),
  )
  const both = await Promise.all(signed.map(({ change, answer, signature }) => carryOut(change, answer, signature)))
  expect(both.sort(), 'of two at once the second was signed for the set before').toEqual([
    '401 INVALID_SIGNATURE',
    'ok',
  ])
})

test('forged, changed, foreign and late answers are refused', async () => {
  const asked = await question(looser())
  const tampered = asked.message.replace('5000000000000000000', '1000000000000000000')
  expect(tampered).not.toBe(asked.message)
  expect(await carryOut(looser(), { ...asked, message: tampered }, await sign({ message: tampered }))).toBe(
    '401 INVALID_NONCE',
  )
  expect(await carryOut(looser(), asked, await sign(asked, stranger))).toBe('401 INVALID_SIGNATURE')
  const verification = await askOwner(http, 'verify', agent.id)
  const plain = await owner.signMessage({ message: verification.message })
  expect(await carryOut(looser(), verification, plain), 'a message for another action').toBe('401 INVALID_NONCE')
  const signature = await sign(asked)
  http.clock.advance(300)
  expect(await carryOut(looser(), asked, signature)).toBe('401 INVALID_NONCE')
  expect(await instantMax()).toBe(`${ETH}`)
})

test('an owner speaks for no agent of another', async () => {
  const other = await ownedAgent('other', stranger)
  const own = await limit(other, ETH)
  await lock(other, stranger)
  expect(await told(await ask(looser(), other.id))).toBe('404 APPROVAL_NOT_FOUND')
  const everybody: PolicyChange = {
    kind: 'create',
    policy: { type: 'APPROVE_TIER_OVERRIDE', rules: { tier: 'INSTANT' }, priority: 0, enabled: true },
  }
  const answer = await ask(everybody)
  const text = await answer.text()
  expect([answer.status, JSON.parse(text).code]).toEqual([403, 'OWNER_APPROVAL_REQUIRED'])
  expect(text, 'a stranger learns nothing of the other agent').not.toContain(other.id)
  const asked = await question(looser())
  expect(await carryOut({ ...looser(), id: own.id }, asked, await sign(asked, stranger))).toBe('401 INVALID_NONCE')
  const theirs: PolicyChange = { kind: 'update', id: own.id, change: looser().change }
  const forged = await question(theirs, other.id)
  expect(await carryOut(theirs, forged, await sign(forged)), 'by the other owner').toBe('401 INVALID_SIGNATURE')
  expect(await carryOut(theirs, { ...forged, ownerAddress: owner.address }, await sign(forged))).toBe(
    '401 INVALID_SIGNATURE',
  )
  expect(await carryOut(looser(), forged, await sign(forged, stranger)), 'at another policy').toBe('401 INVALID_NONCE')
})

test('one signature covers all agents of an owner that a change loosens', async () => {
  const own = await startHttp()
  const outer = http
  http = own
  try {
    const agents = [await lockedAgent('one'), await lockedAgent('two')]
    agent = agents[0]!
    const everybody: PolicyChange = {
      kind: 'create',
      policy: { type: 'SPENDING_LIMIT', rules: { instant_max: '5' }, priority: 0, enabled: true },
    }
    const asked = await question(everybody)
    expect(asked.policyChange.agents.map(({ name }) => name)).toEqual(['one', 'two'])
    const signature = await sign(asked)
    await lockedAgent('three')
    expect(await carryOut(everybody, asked, signature), 'a third agent came meanwhile').toBe('401 INVALID_SIGNATURE')
    const again = await question(everybody)
    expect(await carryOut(everybody, again, await sign(again))).toBe('ok')
  } finally {
    http = outer
    await own.close()
  }
})

test('a Solana owner signs the same as a sign-in message', async () => {
  const { getBase58Decoder, generateKeyPair } = await import('@solana/kit')
  const pair = await generateKeyPair(true)
  const secret = new Uint8Array(await crypto.subtle.exportKey('pkcs8', pair.privateKey)).slice(-32)
  const open = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey))
  const key = await readOwnerKey(getBase58Decoder().decode(Buffer.concat([secret, open])))
  agent = await http.operate<AgentView>('POST', '/v1/agents', { name: 'sol "quoted"', ownerAddress: key.address })
  policy = await limit(agent, ETH)
  const verification = await askOwner(http, 'verify', agent.id)
  const path = `/v1/agents/${agent.id}/owner/verify`
  expect(await told(await answerOwner(http, 'POST', path, verification, await key.sign(verification)))).toBe('ok')
  const asked = await question(looser())
  expect(asked.scheme).toBe('solana')
  expect(asked.message).toContain(`Loosen the policy of sol ?quoted? (${agent.id}): Change SPENDING_LIMIT`)
  expect(await carryOut(looser(), asked, await key.sign(asked))).toBe('ok')
  expect(await instantMax()).toBe(`${5n * ETH}`)
})

test('a change that is too long to sign is refused before anybody is asked', async () => {
  const addresses = Array.from({ length: 200 }, (_, index) => `0x${(index + 1).toString(16).padStart(40, '0')}`)
  const long = { agentId: agent.id, type: 'WHITELIST', rules: { allowed_addresses: addresses } }
  const { id } = await makePolicy(long)
  expect(await told(await ask({ kind: 'delete', id }))).toBe('400 VALIDATION_FAILED')
})
