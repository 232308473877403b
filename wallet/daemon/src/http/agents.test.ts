import type { AgentView } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { told } from './testing/real-engine.ts'
import { post, startHttp, type TestHttp } from './testing/start-http.ts'

let http: TestHttp
beforeAll(async () => {
  http = await startHttp()
})
afterAll(() => http.close())

const owner = privateKeyToAccount(generatePrivateKey())
const operator = () => ({ Authorization: `Bearer ${http.adminToken}` })
const ask = (method: string, path: string, body?: unknown) => http.fetch(path, { ...post(body, operator()), method })
const make = (name: string, more: Record<string, unknown> = {}) =>
  http.operate<AgentView>('POST', '/v1/agents', { name, ...more })

test('a name belongs to one agent, however it is written, until that agent is terminated', async () => {
  const first = await make('Alice  Ångström', { chains: ['evm'] })
  const keys = async () => (await http.db.selectFrom('wallets').select('id').execute()).length
  const before = await keys()
  for (const name of [
    'Alice  Ångström',
    'alice ångström',
    'ALICE ANGSTRÖM'.replace('ANG', 'ÅNG'),
    'Alice  A\u030angström',
  ]) {
    const refused = await ask('POST', '/v1/agents', { name })
    expect([name, refused.status, await refused.json()]).toMatchObject([name, 409, { code: 'AGENT_NAME_TAKEN' }])
  }
  const other = await make('bob')
  expect(await told(await ask('PUT', `/v1/agents/${other.id}`, { name: 'alice ångström' }))).toBe(
    '409 AGENT_NAME_TAKEN',
  )
  expect(await told(await ask('PUT', `/v1/agents/${first.id}`, { name: 'ALICE ÅNGSTRÖM' })), 'its own').toBe('ACTIVE')
  const racing = await Promise.all(
    ['x', 'X', 'x', 'X'].map(async (name) => await told(await ask('POST', '/v1/agents', { name }))),
  )
  expect(racing.filter((answer) => answer === 'ACTIVE')).toHaveLength(1)
  expect(await keys()).toBe(before + 4)
  await http.db.updateTable('agents').set({ status: 'TERMINATED' }).where('id', '=', first.id).execute()
  expect((await make('alice ångström')).id).not.toBe(first.id)
})

test('an owner who has never signed is removed; one who has is not', async () => {
  const agent = await make('owned', { ownerAddress: owner.address })
  const path = `/v1/agents/${agent.id}/owner`
  expect(await http.operate('DELETE', path)).toMatchObject({ ownerState: 'NONE' })
  expect(await http.operate<AgentView>('DELETE', path), 'twice is the same').not.toHaveProperty('ownerAddress')
  const removed = await http.db.selectFrom('events').selectAll().where('type', '=', 'OWNER_REMOVED').execute()
  expect(removed).toMatchObject([
    { agent_id: agent.id, actor: 'admin', data: JSON.stringify({ address: owner.address }) },
  ])

  await http.operate('PUT', path, { ownerAddress: owner.address })
  const asked = await askOwner(http, 'verify', agent.id)
  await answerOwner(http, 'POST', `${path}/verify`, asked, await owner.signMessage({ message: asked.message }))
  const refused = await ask('DELETE', path)
  expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'OWNER_ALREADY_CONNECTED' }])
  expect(await http.operate('GET', `/v1/agents/${agent.id}`)).toMatchObject({ ownerState: 'LOCKED' })
  expect(await told(await ask('DELETE', '/v1/agents/01890000-0000-7000-8000-000000000000/owner'))).toBe(
    '404 AGENT_NOT_FOUND',
  )
})
