import type { TransactionView } from '@waiaas/core'
import { serialize } from 'ox/TxEnvelopeEip1559'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { anvil } from '../chains/evm/contracts.fixture.ts'
import { type NodeProxy, startNodeProxy } from '../chains/node-proxy.fixture.ts'
import { type EvmChain, type EvmPayer, startEvmChain } from './testing/evm-chain.ts'
import { post } from './testing/start-http.ts'

const TO = '0x00000000000000000000000000000000000000AA'
const GENEROUS = { SPENDING_LIMIT: { instant_max: `${10n ** 30n}` } }
/** A refusal that no pattern knows. */
const REFUSED = { eth_sendRawTransaction: { code: -32000, message: 'not today' } }

let chain: EvmChain
let other: NodeProxy
let payer: EvmPayer

beforeAll(async () => {
  chain = await startEvmChain()
  other = await startNodeProxy(chain.evm.rpcUrl)
})
afterAll(async () => {
  await other.close()
  await chain.close()
})
beforeEach(async () => {
  chain.node.refuse({})
  chain.node.behave('well')
  other.pretend({})
  other.asked.length = 0
  payer = await chain.payer(GENEROUS, { agent: { name: `payer ${Math.random()}` } })
})

const read = (id: string) => chain.http.operate<TransactionView>('GET', `/v1/transactions/${id}`)
const until = async (id: string, expected: object) => await expect.poll(() => read(id)).toMatchObject(expected)

async function decide(path: string, body?: unknown) {
  const answer = await chain.http.fetch(path, post(body, { Authorization: `Bearer ${chain.http.adminToken}` }))
  return { status: answer.status, body: (await answer.json()) as TransactionView & { code?: string; message?: string } }
}
const act = (id: string, name: 'prove' | 'write-off' | 'continue' | 'max-fee' | 'cancel', body?: unknown) =>
  decide(`/v1/transactions/${id}/${name}`, body)

/** A payment that no node has taken. */
async function unsent(amount = '1000'): Promise<string> {
  chain.node.refuse(REFUSED)
  const { body } = await chain.ask(payer, 'send', { to: TO, amount })
  await until(body.id, { status: 'SUBMITTED', outcomeUnknown: true })
  return body.id
}

async function rawOf(id: string): Promise<string> {
  const { raw } = await chain.http.db
    .selectFrom('attempts')
    .select('raw')
    .where('transaction_id', '=', id)
    .orderBy('created_at')
    .executeTakeFirstOrThrow()
  return `0x${Buffer.from(raw).toString('hex')}`
}

/** Uses up the account's next nonce with something that the wallet did not sign. */
async function useElsewhere({ address }: EvmPayer): Promise<void> {
  await anvil(chain.evm.rpcUrl, 'anvil_impersonateAccount', address)
  await anvil(chain.evm.rpcUrl, 'eth_sendTransaction', { from: address, to: TO, value: '0x1', gas: '0x5208' })
  await anvil(chain.evm.rpcUrl, 'evm_mine')
}

async function reservedOf(id: string): Promise<string[]> {
  const rows = await chain.http.db.selectFrom('ledger').select('state').where('transaction_id', '=', id).execute()
  return [...new Set(rows.map(({ state }) => state))]
}

test('nobody but the operator decides by hand', async () => {
  const id = await unsent()
  for (const [path, body] of [
    [`/v1/transactions/${id}/prove`, { rpcUrl: other.url }],
    [`/v1/transactions/${id}/write-off`, { as: 'paid' }],
    [`/v1/transactions/${id}/continue`, undefined],
    [`/v1/transactions/${id}/max-fee`, { maxFee: '1' }],
    ['/v1/admin/accounts/release', { network: 'evm-local', address: payer.address }],
  ] as const) {
    const answer = await chain.http.fetch(path, post(body, { Authorization: `Bearer ${payer.token}` }))
    expect([path, answer.status]).toEqual([path, 401])
  }
  const held = await chain.http.fetch('/v1/admin/accounts/held', {
    headers: { Authorization: `Bearer ${payer.token}` },
  })
  expect(held.status).toBe(401)
  expect(await read(id)).toMatchObject({ status: 'SUBMITTED', closing: false })
})

test('what is over, and what there is not, is refused in words', async () => {
  const nothing = '01a22c94-c8e0-72f1-921e-1876b024d36d'
  const { body } = await chain.ask(payer, 'send', { to: TO, amount: '1000' })
  await until(body.id, { status: 'CONFIRMED' })
  for (const [name, given] of [
    ['prove', { rpcUrl: other.url }],
    ['write-off', { as: 'paid' }],
    ['continue', undefined],
    ['max-fee', { maxFee: '1' }],
  ] as const) {
    expect(await act(nothing, name, given)).toMatchObject({ status: 404, body: { code: 'TX_NOT_FOUND' } })
    const refused = {
      status: 409,
      body: { code: 'TX_ALREADY_PROCESSED', message: expect.stringContaining('CONFIRMED') },
    }
    expect(await act(body.id, name, given)).toMatchObject(refused)
  }
})

describe('prove', () => {
  test('a node of another network, or none, proves nothing', async () => {
    const id = await unsent()
    other.pretend({ eth_chainId: '0x1' })
    const misled = await act(id, 'prove', { rpcUrl: other.url })
    expect(misled).toMatchObject({
      status: 502,
      body: { code: 'CHAIN_ERROR', message: expect.stringContaining('chain 1') },
    })
    expect(await act(id, 'prove', { rpcUrl: 'http://127.0.0.1:9' })).toMatchObject({ status: 502 })
    for (const rpcUrl of ['file:///etc/passwd', 'no address', '']) {
      expect(await act(id, 'prove', { rpcUrl })).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } })
    }
    expect(await read(id)).toMatchObject({ status: 'SUBMITTED' })
  })

  test('a node that shows nothing proves nothing, and says so in time', async () => {
    const id = await unsent()
    other.pretend({ eth_getTransactionReceipt: null, eth_getTransactionByHash: null })
    let isAnswered = false
    const asked = act(id, 'prove', { rpcUrl: other.url }).finally(() => {
      isAnswered = true
    })
    const passTime = () => {
      chain.http.clock.advance(5)
      return isAnswered
    }
    await expect.poll(passTime).toBe(true)
    expect(await asked).toMatchObject({ status: 409, body: { code: 'OUTCOME_UNKNOWN' } })
    expect(await read(id)).toMatchObject({ status: 'SUBMITTED', closing: false })
    expect(await reservedOf(id)).toEqual(['RESERVED'])
  })

  test('a node that has the block ends it as paid, though its receipts are gone', async () => {
    const id = await unsent()
    chain.node.behave(503)
    await anvil(chain.evm.rpcUrl, 'eth_sendRawTransaction', await rawOf(id))
    await anvil(chain.evm.rpcUrl, 'evm_mine')
    other.pretend({ eth_getTransactionReceipt: null, eth_getTransactionByHash: null })
    expect(await act(id, 'prove', { rpcUrl: other.url })).toMatchObject({ status: 200, body: { status: 'CONFIRMED' } })
    expect(await reservedOf(id)).toEqual(['COMMITTED'])
  })

  test('a nonce that others used ends it, and nothing is signed for it again', async () => {
    const id = await unsent()
    chain.node.behave(503)
    await useElsewhere(payer)
    expect(await act(id, 'prove', { rpcUrl: other.url })).toMatchObject({ status: 200, body: { status: 'FAILED' } })
    chain.node.behave('well')
    chain.node.refuse({})
    const next = await chain.ask(payer, 'send', { to: TO, amount: '5' })
    await until(next.body.id, { status: 'CONFIRMED' })
    expect(await read(id)).toMatchObject({ status: 'FAILED' })
  })
})

describe('write-off', () => {
  const done = { status: 200 }
  const busy = { code: -32000, message: 'busy' }
  /** The node shows that the nonce is used, and neither by what nor where a search could begin. */
  const showOnlyThatItIsUsed = async (id: string) => {
    chain.node.refuse({ ...REFUSED, eth_getBlockByHash: busy, eth_getBlockByNumber: busy })
    await useElsewhere(payer)
    await chain.http.engine.follow('evm-local')
    await chain.http.db.updateTable('attempts').set({ origin: null }).where('transaction_id', '=', id).execute()
    chain.node.refuse({ ...REFUSED, eth_getBlockByHash: busy })
  }

  test('as paid: the amount counts as spent, once, and nothing is ever signed for it again', async () => {
    const id = await unsent()
    const early = { status: 409, body: { message: expect.stringContaining('nonce 0 is not used yet') } }
    expect(await act(id, 'write-off', { as: 'paid' })).toMatchObject(early)
    await showOnlyThatItIsUsed(id)
    await expect.poll(() => act(id, 'write-off', { as: 'paid' })).toMatchObject(done)
    expect(await read(id)).toMatchObject({ status: 'CONFIRMED', notice: { code: 'WRITTEN_OFF' } })
    expect(await reservedOf(id)).toEqual(['COMMITTED'])
    const twice = { status: 409, body: { code: 'TX_ALREADY_PROCESSED' } }
    expect(await act(id, 'write-off', { as: 'paid' })).toMatchObject(twice)
    expect(await act(id, 'write-off', { as: 'unpaid', amount: '1000' })).toMatchObject(twice)
    // Its bytes turn out to be dead: the operator has decided all the same.
    chain.node.refuse({})
    const states = () => chain.http.db.selectFrom('attempts').select('state').where('transaction_id', '=', id).execute()
    await expect.poll(states).toEqual([{ state: 'DEAD' }])
    const next = await chain.ask(payer, 'send', { to: TO, amount: '5' })
    await until(next.body.id, { status: 'CONFIRMED' })
    expect(await read(id)).toMatchObject({ status: 'CONFIRMED' })
    expect(await reservedOf(id)).toEqual(['COMMITTED'])
    expect(await states()).toEqual([{ state: 'DEAD' }])
  })

  test('what was written off can be proven later, and then is followed no more', async () => {
    const id = await unsent()
    await showOnlyThatItIsUsed(id)
    await expect.poll(() => act(id, 'write-off', { as: 'paid' })).toMatchObject(done)
    const states = () => chain.http.db.selectFrom('attempts').select('state').where('transaction_id', '=', id).execute()
    expect(await states()).toEqual([{ state: 'LIVE' }])
    const proven = { status: 200, body: { status: 'CONFIRMED', notice: { code: 'WRITTEN_OFF' } } }
    expect(await act(id, 'prove', { rpcUrl: other.url })).toMatchObject(proven)
    expect(await states()).toEqual([{ state: 'DEAD' }])
    expect(await reservedOf(id)).toEqual(['COMMITTED'])
  })

  test('as unpaid: only with its amount, and only once its nonce is used', async () => {
    const id = await unsent('2000')
    for (const body of [
      { as: 'unpaid' },
      { as: 'unpaid', amount: '2001' },
      { as: 'unpaid', amount: '0x7d0' },
      { as: 'lost' },
    ]) {
      expect(await act(id, 'write-off', body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } })
    }
    const early = { status: 409, body: { message: expect.stringContaining('nonce 0 is not used yet') } }
    expect(await act(id, 'write-off', { as: 'unpaid', amount: '2000' })).toMatchObject(early)
    expect(await read(id)).toMatchObject({ status: 'SUBMITTED' })
    expect(await reservedOf(id)).toEqual(['RESERVED'])
  })

  test('as unpaid, and paid all the same: an alarm, and the limits count it', async () => {
    const id = await unsent('3000')
    const raw = await rawOf(id)
    await showOnlyThatItIsUsed(id)
    await expect.poll(() => act(id, 'write-off', { as: 'unpaid', amount: '3000' })).toMatchObject(done)
    expect(await read(id)).toMatchObject({ status: 'FAILED', notice: { code: 'WRITTEN_OFF' } })
    expect(await reservedOf(id)).toEqual(['RELEASED'])
    await anvil(chain.evm.rpcUrl, 'anvil_reorg', 2, [])
    await anvil(chain.evm.rpcUrl, 'eth_sendRawTransaction', raw)
    await anvil(chain.evm.rpcUrl, 'evm_mine')
    chain.node.refuse({})
    const alarms = () =>
      chain.http.db
        .selectFrom('events')
        .select('type')
        .where('transaction_id', '=', id)
        .where('type', '=', 'DEAD_TRANSACTION_FOUND')
        .execute()
    await expect.poll(alarms).toHaveLength(1)
    await expect.poll(() => reservedOf(id)).toContain('COMMITTED')
    expect(await read(id)).toMatchObject({ status: 'FAILED', notice: { code: 'FOUND_PAID' } })
    const agent = await chain.http.operate<{ status: string }>('GET', `/v1/agents/${payer.id}`)
    expect(agent.status).toBe('SUSPENDED')
  })
})

describe('a transaction that was made elsewhere', () => {
  const AMOUNT = 1_000n
  const feeNow = { gas: 21_000n, maxFeePerGas: 3n * 10n ** 9n, maxPriorityFeePerGas: 10n ** 9n }
  const sign = async (nonce: bigint) => {
    const transaction = serialize({ chainId: 31337, nonce, to: TO, value: AMOUNT, ...feeNow })
    const { status, body } = await chain.ask(payer, 'sign', { transaction })
    expect([status, body.status]).toEqual([201, 'SIGNED'])
    return body as typeof body & { signedTransaction: string }
  }
  const booksOf = (id: string) =>
    chain.http.db.selectFrom('ledger').select(['state', 'at', 'amount']).where('transaction_id', '=', id).execute()

  test('that nobody sends is written off as paid, and everything that refuses to end it says so', async () => {
    const { id } = await sign(12n)
    const says = (...words: string[]) => ({
      status: 409,
      body: {
        message: expect.stringMatching(new RegExp([...words, 'can still send it.*write it off as paid'].join('.*'))),
      },
    })
    expect(await act(id, 'cancel')).toMatchObject(says('SIGNED: it is not the wallet that sends it'))
    const unpaid = await act(id, 'write-off', { as: 'unpaid', amount: `${AMOUNT}` })
    expect(unpaid).toMatchObject(says('nonce 12 is not used yet'))
    let isAnswered = false
    const proven = act(id, 'prove', { rpcUrl: other.url }).finally(() => {
      isAnswered = true
    })
    await expect
      .poll(() => {
        chain.http.clock.advance(5)
        return isAnswered
      })
      .toBe(true)
    expect(await proven).toMatchObject(says('shows it in no block'))
    expect(await reservedOf(id)).toEqual(['RESERVED'])
    const paid = { status: 200, body: { status: 'CONFIRMED', notice: { code: 'WRITTEN_OFF' } } }
    expect(await act(id, 'write-off', { as: 'paid' })).toMatchObject(paid)
    expect(await reservedOf(id)).toEqual(['COMMITTED'])
    expect(await act(id, 'cancel')).toMatchObject({
      status: 409,
      body: { message: expect.stringContaining('is over') },
    })
    const next = await chain.ask(payer, 'send', { to: TO, amount: '5' })
    await until(next.body.id, { status: 'CONFIRMED' })
  })

  test('that is sent after it was written off as paid counts from then on', async () => {
    const { id, signedTransaction } = await sign(0n)
    expect(await act(id, 'write-off', { as: 'paid' })).toMatchObject({ status: 200 })
    const before = await booksOf(id)
    chain.http.clock.advance(60)
    await anvil(chain.evm.rpcUrl, 'eth_sendRawTransaction', signedTransaction)
    await anvil(chain.evm.rpcUrl, 'evm_mine')
    await expect.poll(() => read(id)).not.toHaveProperty('notice')
    const after = await booksOf(id)
    expect(after.map(({ state }) => state)).toEqual(before.map(() => 'COMMITTED'))
    const [first, last] = [Math.min(...after.map(({ at }) => at)), Math.max(...before.map(({ at }) => at))]
    expect(first - last).toBeGreaterThanOrEqual(60)
    const { status, fee } = await read(id)
    expect([status, BigInt(fee!) < 21_000n * feeNow.maxFeePerGas]).toEqual(['CONFIRMED', true])
  })
})

describe('continue and max-fee', () => {
  test('what was given up goes on, as long as nothing is out that ends it', async () => {
    const id = await unsent()
    expect(await act(id, 'continue')).toMatchObject({ status: 409 })
    chain.node.behave(503)
    expect(await act(id, 'cancel')).toMatchObject({ status: 202, body: { closing: true } })
    expect(await act(id, 'continue')).toMatchObject({ status: 200, body: { closing: false } })
    chain.node.behave('well')
    chain.node.refuse({})
    await until(id, { status: 'CONFIRMED' })
  })

  test('a higher fee for what ends a payment', async () => {
    const id = await unsent()
    expect(await act(id, 'max-fee', { maxFee: `${10n ** 15n}` })).toMatchObject({ status: 409 })
    chain.node.behave(503)
    await act(id, 'cancel')
    const { maxFee } = await read(id)
    for (const less of [maxFee, '0']) {
      expect(await act(id, 'max-fee', { maxFee: less })).toMatchObject({
        status: 400,
        body: { code: 'VALIDATION_FAILED' },
      })
    }
    for (const wrong of ['-1', '1e18', '9'.repeat(79), 5])
      expect(await act(id, 'max-fee', { maxFee: wrong })).toMatchObject({ status: 400 })
    const more = `${BigInt(maxFee!) * 2n}`
    expect(await act(id, 'max-fee', { maxFee: more })).toMatchObject({ status: 200, body: { maxFee: more } })
    chain.node.behave('well')
    chain.node.refuse({})
    await until(id, { status: 'CANCELLED' })
    expect(await act(id, 'continue')).toMatchObject({ status: 409 })
  })
})

describe('held accounts', () => {
  const release = (network: string, address: string) => decide('/v1/admin/accounts/release', { network, address })
  /** Those of this test's payer. */
  const list = async () => {
    const path = '/v1/admin/accounts/held'
    const { items } = await chain.http.operate<{ items: { address: string }[] }>('GET', path)
    return items.filter(({ address }) => address === payer.address)
  }

  test('nothing is signed for one until it is released', async () => {
    const { address } = payer
    const first = await chain.ask(payer, 'send', { to: TO, amount: '5' })
    await until(first.body.id, { status: 'CONFIRMED' })
    await chain.http.sql(`UPDATE lanes SET held = 'a second daemon' WHERE address = '${address}'`)
    await useElsewhere(payer)
    const waiting = await chain.ask(payer, 'send', { to: TO, amount: '6' })
    chain.http.clock.advance(120)
    expect(await list()).toEqual([{ network: 'evm-local', address, why: 'a second daemon' }])
    expect(await release('evm-local', address)).toMatchObject({ status: 200, body: { released: true } })
    await until(waiting.body.id, { status: 'CONFIRMED' })
    expect(await list()).toEqual([])
    expect(await release('evm-local', address)).toMatchObject({ body: { released: false } })
  })

  // https://github.com/ethers-io/ethers.js/issues/2813 : a nonce that no JavaScript number holds.
  test.each([1_000_000n, 1n << 60n, (1n << 64n) - 2n])(
    'a transaction made elsewhere with the nonce %d does not keep one from being released',
    async (nonce) => {
      const fields = {
        type: 'eip1559',
        chainId: 31337,
        gas: 21_000n,
        maxFeePerGas: 10n ** 10n,
        to: TO,
        value: 5n,
      } as const
      const transaction = serialize({ ...fields, nonce })
      expect(await chain.ask(payer, 'sign', { transaction })).toMatchObject({ status: 201 })
      const first = await chain.ask(payer, 'send', { to: TO, amount: '5' })
      await until(first.body.id, { status: 'CONFIRMED' })
      await chain.http.sql(`UPDATE lanes SET held = 'a second daemon' WHERE address = '${payer.address}'`)
      expect(await release('evm-local', payer.address)).toMatchObject({ status: 200, body: { released: true } })
      const second = await chain.ask(payer, 'send', { to: TO, amount: '6' })
      await until(second.body.id, { status: 'CONFIRMED' })
      expect(await list()).toEqual([])
    },
  )

  test('an address means the same account in every letter case', async () => {
    const { address } = payer
    const first = await chain.ask(payer, 'send', { to: TO, amount: '5' })
    await until(first.body.id, { status: 'CONFIRMED' })
    for (const written of [address.toLowerCase(), `0x${address.slice(2).toUpperCase()}`, address]) {
      await chain.http.sql(`UPDATE lanes SET held = 'a second daemon' WHERE address = '${address}'`)
      expect(await release('evm-local', written)).toMatchObject({ status: 200, body: { released: true } })
      expect(await list()).toEqual([])
    }
  })

  test('accounts and networks that do not exist', async () => {
    const mixed = TO.replace('AA', 'Aa')
    for (const text of ['nobody', '0x12', mixed, `${TO} `]) {
      expect(await release('evm-local', text)).toMatchObject({
        status: 400,
        body: { code: 'INVALID_ADDRESS', message: expect.stringContaining('is not a valid address on evm-local') },
      })
    }
    expect(await release('ethereum-sepolia', payer.address)).toMatchObject({ status: 200, body: { released: false } })
    expect(await release('moon', payer.address)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } })
    expect(await release('evm-local', '')).toMatchObject({ status: 400 })
  })
})
