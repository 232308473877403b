import { randomBytes } from 'node:crypto'
import { newId } from '@openpista/common'
import { type Credential, type Route, type RouteName, routes } from '@waiaas/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { agentWithPayment, PASSWORD, pathOf, startHttp, type TestHttp } from './testing/start-http.ts'

let http: TestHttp
let sessionToken: string

beforeAll(async () => {
  http = await startHttp()
  sessionToken = (await agentWithPayment(http, 'matrix')).session.token
})
afterAll(() => http.close())

const names = Object.keys(routes) as RouteName[]
const guarded = names.filter((name) => routes[name].authentication !== 'public')

/** Credentials by kind: one that is right where it is accepted, and wrong ones. */
function credentials(): {
  kind: Credential | 'none'
  valid: boolean
  label: string
  headers: Record<string, string>
}[] {
  const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
  const [head, claims, signature] = sessionToken.split('.')
  const noneHead = Buffer.from(JSON.stringify({ alg: 'none', typ: 'waiaas-session+jwt' })).toString('base64url')
  return [
    { kind: 'none', valid: false, label: 'nothing', headers: {} },
    { kind: 'none', valid: false, label: 'an empty header', headers: { Authorization: '' } },
    { kind: 'none', valid: false, label: 'a bearer of no kind', headers: bearer('something') },
    { kind: 'session', valid: false, label: 'a token without its prefix', headers: bearer(sessionToken.slice(9)) },
    {
      kind: 'session',
      valid: false,
      label: 'a changed signature',
      headers: bearer(`${head}.${claims}.${flip(signature!)}`),
    },
    { kind: 'session', valid: false, label: 'alg none', headers: bearer(`wai_sess_${noneHead}.${claims}.`) },
    { kind: 'master', valid: false, label: 'an invented admin token', headers: bearer(`wai_admin_${'a'.repeat(43)}`) },
    {
      kind: 'owner',
      valid: false,
      label: 'an invented owner proof',
      headers: {
        'X-Owner-Address': '0x00000000000000000000000000000000000000AA',
        'X-Owner-Message': Buffer.from('hello').toString('base64url'),
        'X-Owner-Signature': `0x${randomBytes(65).toString('hex')}`,
      },
    },
    { kind: 'session', valid: true, label: 'a session token', headers: bearer(sessionToken) },
    { kind: 'master', valid: true, label: 'an admin token', headers: bearer(http.adminToken) },
    { kind: 'master', valid: true, label: 'the master password', headers: { 'X-Master-Password': PASSWORD } },
  ]
}

/** Another first character of the signature: its last one carries bits that do not count. */
function flip(signature: string): string {
  return `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`
}

function isFor(name: RouteName, credential: Credential): boolean {
  return routes[name].authentication.includes(credential as never)
}

describe.each(guarded)('%s', (name) => {
  const route: Route = routes[name]

  test('refuses every credential but its own', async () => {
    for (const { kind, valid, label, headers } of credentials()) {
      if (valid && kind !== 'none' && route.authentication.includes(kind as never)) continue
      const answer = await http.fetch(pathOf(name), { method: route.method.toUpperCase(), headers })
      const body = (await answer.json()) as { code: string; message: string }
      expect({ label, status: answer.status }).toEqual({ label, status: 401 })
      expect(body).toMatchObject({ code: expect.stringMatching(/^INVALID_/), retryable: false })
    }
  })
})

test('every other route is one of the public ones that are meant to be', () => {
  expect(names.filter((name) => !guarded.includes(name))).toEqual([
    'health',
    'openApi',
    'nonce',
    'getSkill',
    'login',
    'challenge',
  ])
})

test('a session token ends with its revocation, its time, and its agent only sees its own', async () => {
  const { session, transactionId } = await agentWithPayment(http, 'other')
  const asOther = { headers: { Authorization: `Bearer ${session.token}` } }
  const asMatrix = { headers: { Authorization: `Bearer ${sessionToken}` } }
  expect((await http.fetch(`/v1/transactions/${transactionId}`, asOther)).status).toBe(200)
  const foreign = await http.fetch(`/v1/transactions/${transactionId}`, asMatrix)
  expect([foreign.status, await foreign.json()]).toMatchObject([404, { code: 'TX_NOT_FOUND' }])
  const cancelled = await http.fetch(`/v1/transactions/${transactionId}/cancel`, { method: 'POST', ...asMatrix })
  expect(cancelled.status).toBe(404)
  const listed = (await (await http.fetch('/v1/transactions', asMatrix)).json()) as { items: { id: string }[] }
  expect(listed.items.map(({ id }) => id)).not.toContain(transactionId)

  await http.operate('DELETE', `/v1/sessions/${session.id}`)
  const revoked = await http.fetch('/v1/wallet', asOther)
  expect([revoked.status, await revoked.json()]).toMatchObject([401, { code: 'SESSION_REVOKED' }])
})

test('the operator lists the payments of all agents or of one, a session only its own', async () => {
  const one = await agentWithPayment(http, 'listed')
  const other = await agentWithPayment(http, 'listed too')
  await http.operate('POST', `/v1/transactions/${other.transactionId}/cancel`)
  type Listed = { items: { id: string; agentId: string }[]; cursor?: string; hasMore: boolean }
  const list = async (query: string, token: string) => {
    const answer = await http.fetch(`/v1/transactions${query}`, { headers: { Authorization: `Bearer ${token}` } })
    return (await answer.json()) as Listed
  }
  const ids = async (query: string, token = http.adminToken) => (await list(query, token)).items.map(({ id }) => id)
  expect((await ids('?limit=100')).slice(0, 2)).toEqual([other.transactionId, one.transactionId])
  expect(await ids(`?agentId=${other.agent.id}`)).toEqual([other.transactionId])
  expect(await ids(`?agentId=${newId()}`)).toEqual([])
  const open = await ids('?open=true&limit=100')
  expect(open).toContain(one.transactionId)
  expect(open).not.toContain(other.transactionId)
  const first = await list('?limit=1', http.adminToken)
  expect(first).toMatchObject({ items: [{ id: other.transactionId }], hasMore: true })
  expect(await ids(`?limit=1&cursor=${first.cursor}`)).toEqual([one.transactionId])

  expect(await ids('', one.session.token)).toEqual([one.transactionId])
  expect(await ids('?open=true', other.session.token)).toEqual([])
  // As if the other agent did not exist.
  expect(await ids(`?agentId=${other.agent.id}`, one.session.token)).toEqual([])
  const refused = await http.fetch('/v1/transactions?open=yes', {
    headers: { Authorization: `Bearer ${http.adminToken}` },
  })
  expect([refused.status, await refused.json()]).toMatchObject([400, { code: 'VALIDATION_FAILED' }])
})

test('what belongs to another agent looks to a session as if it did not exist', async () => {
  const { session, transactionId } = await agentWithPayment(http, 'hidden')
  const asMatrix = { Authorization: `Bearer ${sessionToken}` }
  const own = names.filter((name) => routes[name].path.includes(':id') && isFor(name, 'session'))
  expect(own).toEqual(['renewSession', 'getTransaction', 'cancel', 'getTrace'])
  for (const name of own) {
    const ask = async (id: string) => {
      const answer = await http.fetch(pathOf(name, id), {
        method: routes[name].method.toUpperCase(),
        headers: asMatrix,
      })
      const { code } = (await answer.json()) as { code: string }
      return { name, status: answer.status, code }
    }
    const foreign = await ask(routes[name].path.startsWith('/v1/sessions') ? session.id : transactionId)
    expect(foreign).toMatchObject({ status: 404, code: expect.stringMatching(/_NOT_FOUND$/) })
    expect(foreign).toEqual(await ask(newId()))
  }
})

test('tokens end with their time', async () => {
  const own = await startHttp()
  try {
    const { session } = await agentWithPayment(own, 'late')
    const asSession = { headers: { Authorization: `Bearer ${session.token}` } }
    own.clock.advance(86_000)
    expect((await own.fetch('/v1/wallet', asSession)).status).toBe(200)
    own.clock.advance(401)
    const expired = await own.fetch('/v1/wallet', asSession)
    expect([expired.status, await expired.json()]).toMatchObject([401, { code: 'TOKEN_EXPIRED' }])
    const idle = await own.fetch('/v1/agents', { headers: { Authorization: `Bearer ${own.adminToken}` } })
    expect([idle.status, await idle.json()]).toMatchObject([401, { code: 'TOKEN_EXPIRED' }])
  } finally {
    await own.close()
  }
})

test('an operator login ends with logout', async () => {
  const headers = { 'Content-Type': 'application/json' }
  const login = await http.fetch('/v1/admin/login', {
    method: 'POST',
    headers,
    body: JSON.stringify({ password: PASSWORD }),
  })
  const { token } = (await login.json()) as { token: string }
  const asAdmin = { headers: { Authorization: `Bearer ${token}` } }
  expect((await http.fetch('/v1/admin/logout', { method: 'POST', ...asAdmin })).status).toBe(200)
  const after = await http.fetch('/v1/agents', asAdmin)
  expect([after.status, await after.json()]).toMatchObject([401, { code: 'INVALID_TOKEN' }])
})
