import { newId } from '@openpista/common'
import { type Credential, type Route, type RouteName, routes } from '@waiaas/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fundedAgent, type LocalChains, type Payer, startLocalChains } from './testing/local-chains.ts'
import { pathOf } from './testing/start-http.ts'

const EVM = '0x00000000000000000000000000000000000000AA'
const SOLANA = 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae'

let local: LocalChains
let payer: Payer

beforeAll(async () => {
  local = await startLocalChains()
  payer = await fundedAgent(local, { instant_max: `${10n ** 18n}` })
})
afterAll(() => local?.close())

/** Routes that stop what the other cases need; their bodies are none. */
const ending: readonly RouteName[] = ['shutdown', 'killSwitch', 'logout', 'rotateSecret']
const names = (Object.keys(routes) as RouteName[]).filter((name) => !ending.includes(name))
const takes = (name: RouteName, credential: Credential) => routes[name].authentication.includes(credential as never)
const reachable = names.filter((name) => {
  const { authentication } = routes[name]
  return authentication === 'public' || takes(name, 'master') || takes(name, 'session')
})
const withBody = reachable.filter((name) => (routes[name] as Route).body !== undefined)
const withId = reachable.filter((name) => routes[name].path.includes(':id'))

function credentials(name: RouteName): Record<string, string> {
  if (routes[name].authentication === 'public') return {}
  return { Authorization: `Bearer ${takes(name, 'session') ? payer.token : local.http.adminToken}` }
}

type Answered = { status: number; code: string }

async function call(name: RouteName, path: string, headers: Record<string, string>, body?: string): Promise<Answered> {
  const key: Record<string, string> = 'idempotent' in routes[name] ? { 'Idempotency-Key': newId() } : {}
  const init = { method: routes[name].method.toUpperCase(), headers: { ...credentials(name), ...key, ...headers } }
  const answer = await local.http.fetch(path, body === undefined ? init : { ...init, body })
  const { code = '' } = (await answer.json()) as { code?: string }
  return { status: answer.status, code }
}

const json = { 'Content-Type': 'application/json' }
const give = (name: RouteName, body: string) => call(name, pathOf(name), json, body)

describe.each(withBody)('the body of %s', (name) => {
  test('is read as one JSON object, or refused', async () => {
    const refused = { status: 400, code: 'VALIDATION_FAILED' }
    for (const body of [
      '',
      '{',
      'null',
      '[]',
      '1e309',
      '"\\u0000"',
      '{"a":1,"a":1}',
      '{"__proto__":{"isAdmin":true}}',
      '{"constructor":{"prototype":{"isAdmin":true}}}',
      '{"\\u0000":1}',
      `${'['.repeat(5_000)}${']'.repeat(5_000)}`,
    ]) {
      expect([body.slice(0, 40), await give(name, body)]).toEqual([body.slice(0, 40), refused])
    }
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })

  test('has one media type and an end', async () => {
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
    ]) {
      const answer = await call(name, pathOf(name), { 'Content-Type': type }, '{}')
      expect([type, answer]).toEqual([type, { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' }])
    }
    const large = `{"a":"${'x'.repeat(300_000)}"}`
    expect(await give(name, large)).toEqual({ status: 413, code: 'PAYLOAD_TOO_LARGE' })
  })
})

describe.each(withId)('the id of %s', (name) => {
  test('that is none is a fault of the request; one that nobody has is not found', async () => {
    const body = (routes[name] as Route).body === undefined ? undefined : '{}'
    const headers = body === undefined ? {} : json
    for (const id of ['x', '%00', '..%2F..%2Fadmin', `${newId()}%00`, `${newId()}'--`, '0', '１']) {
      const answer = await call(name, routes[name].path.replace(':id', id), headers, body)
      expect([id, answer]).toEqual([id, { status: 400, code: 'VALIDATION_FAILED' }])
    }
    // With a body of nothing the body is the first fault; the cases of each route try unknown ids with a right one.
    if (body === undefined) expect((await call(name, pathOf(name), {})).status).toBe(404)
  })
})

describe('an amount', () => {
  const payments: readonly [RouteName, (payment: string) => string][] = [
    ['send', (payment) => payment],
    ['simulate', (payment) => payment],
    ['simulatePolicy', (payment) => `{"agentId":"${payer.id}","request":${payment}}`],
  ]
  const pay = async (fields: string) => {
    const answers: Answered[] = []
    for (const [name, wrap] of payments) {
      answers.push(await give(name, wrap(`{"to":"${EVM}","network":"evm-local",${fields}}`)))
    }
    return answers
  }

  test.each([
    '-1',
    '+1',
    '01',
    ' 1',
    '1 ',
    '1e3',
    '0x10',
    '1.0',
    '',
    '１',
    '٣',
    '1\u0000',
    'NaN',
    'Infinity',
    String(2n ** 256n),
    '9'.repeat(400),
  ])('in base units of %j is refused', async (amount) => {
    for (const answer of await pay(`"amount":${JSON.stringify(amount)}`)) {
      expect(answer).toEqual({ status: 400, code: 'VALIDATION_FAILED' })
    }
  })

  test.each(['-0.1', '+1', '.5', '1.', '1e-3', '1,5', '0x1', '１.５', `0.${'1'.repeat(37)}`, `0.${'1'.repeat(19)}`])(
    'in human units of %j is refused',
    async (amount) => {
      for (const answer of await pay(`"humanAmount":${JSON.stringify(amount)}`)) {
        expect(answer).toEqual({ status: 400, code: 'VALIDATION_FAILED' })
      }
    },
  )

  test.each(['1', '1e309', '-0', '9223372036854775808', 'true', 'null', '["1"]', '{"toString":"1"}'])(
    'that is %s and no text is refused',
    async (value) => {
      for (const answer of [...(await pay(`"amount":${value}`)), ...(await pay(`"humanAmount":${value}`))]) {
        expect(answer).toEqual({ status: 400, code: 'VALIDATION_FAILED' })
      }
    },
  )

  test.each([
    '"amount":"0"',
    '"humanAmount":"0"',
    '"humanAmount":"0.000"',
    '"amount":"1","humanAmount":"1"',
    '"memo":"x"',
  ])('of nothing, or said twice or never (%s), is refused', async (fields) => {
    for (const answer of await pay(fields)) expect(answer).toEqual({ status: 400, code: 'VALIDATION_FAILED' })
  })

  test.each([2n ** 63n - 1n, 2n ** 63n, 2n ** 64n, 2n ** 128n, 2n ** 256n - 1n])(
    'of %s base units is counted exactly, and there is not so much',
    async (amount) => {
      const huge = amount > 10n ** 19n
      for (const answer of await pay(`"amount":"${amount}"`)) {
        if (huge) expect(answer).toEqual({ status: 400, code: 'INSUFFICIENT_BALANCE' })
        else expect(answer.status).toBeLessThan(300)
      }
    },
  )
})

describe('a recipient', () => {
  test.each<[string, string, string]>([
    ['of another chain', SOLANA, 'evm-local'],
    ['of another chain', EVM, 'solana-local'],
    ['with a wrong checksum', '0x00000000000000000000000000000000000000aA', 'evm-local'],
    ['with a large X', `0X${EVM.slice(2)}`, 'evm-local'],
    ['that is too short', EVM.slice(0, -1), 'evm-local'],
    ['with a space', `${EVM} `, 'evm-local'],
    ['with NUL', `${EVM}\u0000`, 'evm-local'],
    ['in look-alike letters', `0х${EVM.slice(2)}`, 'evm-local'],
    ['that is nobody', `0x${'0'.repeat(40)}`, 'evm-local'],
    ['in another case', SOLANA.toUpperCase(), 'solana-local'],
    ['of 31 bytes', SOLANA.slice(1), 'solana-local'],
  ])('%s is refused', async (_, to, network) => {
    for (const name of ['send', 'simulate'] as const) {
      const answer = await give(name, JSON.stringify({ to, network, amount: '1' }))
      expect(answer).toEqual({ status: 400, code: 'INVALID_ADDRESS' })
    }
  })
})

test('a query with more than was asked for, or less than numbers, is refused', async () => {
  const asked: readonly [RouteName, string][] = [
    ['listAudit', 'limit=1e309'],
    ['listAudit', 'limit=-1'],
    ['listAudit', 'after=9223372036854775808'],
    ['listAudit', 'agentId=1'],
    ['listAudit', 'limit=5&limit=6'],
    ['listTransactions', 'limit=0'],
    ['listTransactions', 'limit=101'],
    ['listTransactions', 'cursor=x'],
    ['listTransactions', 'status=PAID'],
    ['walletAssets', 'network=nowhere'],
    ['wallet', 'include=keys'],
    ['listTokens', 'network=__proto__'],
    ['removeToken', `network=evm-local`],
    ['removeToken', `address=${EVM}`],
  ]
  for (const [name, query] of asked) {
    const answer = await call(name, `${pathOf(name)}?${query}`, {})
    expect([name, query, answer]).toEqual([name, query, { status: 400, code: 'VALIDATION_FAILED' }])
  }
})
