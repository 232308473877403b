import { createSolanaRpc } from '@solana/kit'
import type { TransactionView } from '@waiaas/core'
import {
  createPublicClient,
  http as httpTransport,
  parseTransaction,
  recoverTransactionAddress,
  serializeTransaction,
} from 'viem'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildMessage, transferInstruction, withSignature } from '../chains/solana/message.ts'
import { ask, fundedAgent, type LocalChains, type Payer, startLocalChains } from './testing/local-chains.ts'

const TO = '0x00000000000000000000000000000000000000AA'
const SOLANA_TO = 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae'
const ETH = 10n ** 18n

let local: LocalChains
let payer: Payer

beforeAll(async () => {
  local = await startLocalChains()
  payer = await fundedAgent(local, { instant_max: `${ETH}`, delay_max: `${2n * ETH}`, delay_seconds: 60 })
})
afterAll(() => local?.close())

type Outside = Partial<Parameters<typeof serializeTransaction>[0]>

function evmTransaction(change: Record<string, unknown> = {}): string {
  const usual = { type: 'eip1559', chainId: 31337, nonce: 0, gas: 21_000n, maxFeePerGas: 10n ** 10n, to: TO, value: 5n }
  return serializeTransaction({ maxPriorityFeePerGas: 1n, ...usual, ...change } as Outside as never)
}

async function sign(transaction: string, more: Record<string, unknown> = {}, token = payer.token, key?: string) {
  const answer = await ask(
    local.http,
    token,
    '/v1/transactions/sign',
    { transaction, network: 'evm-local', ...more },
    key,
  )
  return { status: answer.status, body: (await answer.json()) as TransactionView & { code?: string; message: string } }
}

async function read(id: string, token = payer.token): Promise<TransactionView> {
  const answer = await local.http.fetch(`/v1/transactions/${id}`, { headers: { Authorization: `Bearer ${token}` } })
  return (await answer.json()) as TransactionView
}

const settled = (id: string, status: string, token = payer.token) =>
  expect.poll(async () => (await read(id, token)).status).toBe(status)

const rpc = () => createPublicClient({ transport: httpTransport(local.evm.rpcUrl) })
const submit = (raw: string) => rpc().request({ method: 'eth_sendRawTransaction', params: [raw as `0x${string}`] })

describe('a transaction made elsewhere on EVM', () => {
  test('is signed as it is and not sent; once its caller sends it, it is followed to its end', async () => {
    const transaction = evmTransaction()
    const { status, body } = await sign(transaction, {}, payer.token, 'the key')
    expect([status, body]).toMatchObject([201, { type: 'SIGN', status: 'SIGNED', tier: 'INSTANT', amount: '5' }])
    const raw = body.signedTransaction as `0x02${string}`
    expect(await recoverTransactionAddress({ serializedTransaction: raw })).toBe(payer.evm)
    expect(parseTransaction(raw)).toMatchObject({ ...parseTransaction(transaction as `0x02${string}`), nonce: 0 })
    await local.evm.control.mine(2)
    expect(await rpc().getTransactionCount({ address: payer.evm as `0x${string}` })).toBe(0)

    const again = await sign(transaction, {}, payer.token, 'the key')
    expect([again.status, again.body]).toEqual([201, body])
    const other = await sign(evmTransaction({ value: 6n }), {}, payer.token, 'the key')
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_CONFLICT'])
    const twin = await sign(transaction)
    expect([twin.status, twin.body]).toMatchObject([409, { code: 'TX_ALREADY_PROCESSED' }])

    expect(await submit(raw)).toBe(body.hash)
    await settled(body.id, 'CONFIRMED')
  })

  test('counts against the limits before anybody sends it', async () => {
    const window = [{ seconds: 3600, asset: 'native:evm', max: '100000000000000000' }]
    const own = await fundedAgent(local, { instant_max: `${ETH}`, windows: window })
    const half = { value: 6n * 10n ** 16n }
    expect((await sign(evmTransaction(half), {}, own.token)).status).toBe(201)
    const second = await sign(evmTransaction({ ...half, nonce: 1 }), {}, own.token)
    expect([second.status, second.body.code]).toEqual([403, 'SPENDING_LIMIT_EXCEEDED'])
  })

  test('takes its number from nobody: a payment uses it, and what was signed can take effect no more', async () => {
    const own = await fundedAgent(local, { instant_max: `${ETH}` })
    const { body } = await sign(evmTransaction(), {}, own.token)
    const payment = { to: TO, amount: '7', network: 'evm-local' }
    const sent = (await (await ask(local.http, own.token, '/v1/transactions/send', payment)).json()) as TransactionView
    await settled(sent.id, 'CONFIRMED', own.token)
    await local.evm.control.mine(100)
    await settled(body.id, 'FAILED', own.token)
    expect(await read(body.id, own.token)).toMatchObject({ error: { code: 'TX_EXPIRED' } })
    await expect(submit(body.signedTransaction!)).rejects.toThrow(/nonce/)
  })

  test('above the limit it waits, and is signed when the wait is over', async () => {
    const own = await fundedAgent(local, { instant_max: '1', delay_max: `${2n * ETH}`, delay_seconds: 60 })
    const { status, body } = await sign(evmTransaction(), {}, own.token)
    expect([status, body]).toMatchObject([202, { status: 'QUEUED', tier: 'DELAY' }])
    expect(body).not.toHaveProperty('signedTransaction')
    local.http.clock.advance(61)
    await settled(body.id, 'SIGNED', own.token)
    const signed = await read(body.id, own.token)
    expect(
      await recoverTransactionAddress({ serializedTransaction: signed.signedTransaction as `0x02${string}` }),
    ).toBe(own.evm)
    await local.http.operate('POST', `/v1/agents/${own.id}/suspend`)
    expect(await read(body.id, own.token)).not.toHaveProperty('signedTransaction')
    const suspended = await sign(evmTransaction({ nonce: 1 }), {}, own.token)
    expect([suspended.status, suspended.body.code]).toEqual([409, 'AGENT_SUSPENDED'])
  })

  test.each<[string, Record<string, unknown>, number, string]>([
    ['for another chain', { chainId: 1 }, 400, 'CHAIN_ID_MISMATCH'],
    [
      'for any chain',
      { type: 'legacy', chainId: undefined, gasPrice: 1n, maxFeePerGas: undefined, maxPriorityFeePerGas: undefined },
      400,
      'CHAIN_ID_MISMATCH',
    ],
    ['without gas', { gas: 0n }, 400, 'INVALID_TRANSACTION'],
    ['that makes a contract', { to: undefined, data: '0x6001', gas: 100_000n }, 403, 'POLICY_DENIED'],
  ])('%s is refused', async (_, change, status, code) => {
    const { status: answered, body } = await sign(evmTransaction(change))
    expect({ status: answered, code: body.code }).toEqual({ status, code })
  })

  test('that nobody can read is refused', async () => {
    for (const text of ['0x', '0x02c0', 'nothing', 'AAAA', '0x02\u0000', `0x${'f'.repeat(2000)}`]) {
      const { status, body } = await sign(text)
      expect([text.slice(0, 20), status, body.code]).toEqual([text.slice(0, 20), 400, 'INVALID_TRANSACTION'])
    }
    const solana = await sign(evmTransaction(), { network: 'solana-local' })
    expect([solana.status, solana.body.code]).toEqual([400, 'INVALID_TRANSACTION'])
  })

  test('with data whose meaning is not known is refused', async () => {
    const { status, body } = await sign(evmTransaction({ to: local.tokens.evm, data: '0xdeadbeef', gas: 100_000n }))
    expect(status).toBeGreaterThanOrEqual(400)
    expect(['POLICY_DENIED', 'SIMULATION_FAILED', 'CONTRACT_CALL_DISABLED']).toContain(body.code)
  })

  test('a session that may only transfer may not sign', async () => {
    const constraints = { allowedOperations: ['TRANSFER'] }
    const { token } = await local.http.operate<{ token: string }>('POST', '/v1/sessions', {
      agentId: payer.id,
      constraints,
    })
    const { status, body } = await sign(evmTransaction({ nonce: 9 }), {}, token)
    expect([status, body.code]).toEqual([403, 'CONSTRAINT_VIOLATED'])
  })
})

describe('a transaction made elsewhere on Solana', () => {
  const outside = async (from: string, amount: bigint) => {
    const { value } = await createSolanaRpc(local.solana.rpcUrl).getLatestBlockhash({ commitment: 'confirmed' }).send()
    const message = buildMessage(
      from,
      [transferInstruction(from, SOLANA_TO, amount)],
      { units: 1_000, unitPrice: 0n },
      value,
    )
    return Buffer.from(withSignature(message, new Uint8Array(64))).toString('base64')
  }

  test('is signed in base64, and followed when its caller sends it', async () => {
    const { status, body } = await sign(await outside(payer.solana, 1_000_000n), { network: 'solana-local' })
    expect([status, body]).toMatchObject([201, { status: 'SIGNED', amount: '1000000' }])
    const wire = body.signedTransaction as never
    await createSolanaRpc(local.solana.rpcUrl).sendTransaction(wire, { encoding: 'base64' }).send()
    await settled(body.id, 'CONFIRMED')
  })

  test('that another wallet has to sign is refused', async () => {
    const { status, body } = await sign(await outside(SOLANA_TO, 1n), { network: 'solana-local' })
    expect([status, body.code]).toEqual([400, 'WALLET_NOT_SIGNER'])
  })
})
