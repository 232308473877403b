import { startSolanaNode } from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSolanaCluster } from './solana-cluster.ts'
import {
  payment,
  type Said,
  seededRandom,
  signatureOf,
  type TestKey,
  testClient,
  testKey,
  testTimers,
  toBase64,
} from './solana-doubles.ts'
import { noSolanaFaults } from './solana-faults.ts'

/** A chain that both sides of the comparison are. */
type Chain = {
  ask: (method: string, ...params: unknown[]) => Promise<Said>
  fund: (address: string, lamports: bigint) => Promise<void>
  blocks: (count: number) => Promise<void>
  stop: () => Promise<void>
}

const SOL = 1_000_000_000n
const url = 'http://node.invalid'
const confirmed = { commitment: 'confirmed' }
const base64 = { encoding: 'base64' }
let simulated: Chain
let real: Chain

beforeAll(async () => {
  simulated = startSimulated()
  real = await startReal()
})

afterAll(async () => {
  await real.stop()
})

function startSimulated(): Chain {
  const timers = testTimers()
  const faults = { ...noSolanaFaults, skippedSlots: 0 }
  const genesisHash = '11111111111111111111111111111111'
  const cluster = createSolanaCluster({ random: seededRandom('honest'), timers, faults, urls: [url], genesisHash })
  return {
    ask: testClient(cluster.exchange, timers, url).ask,
    fund: async (address, lamports) => cluster.fund(address, lamports),
    blocks: (count) => timers.pass(400 * count),
    stop: async () => {},
  }
}

/** Programs run in LiteSVM, behind the JSON-RPC of our local node. Blocks come when they are asked for. */
async function startReal(): Promise<Chain> {
  const node = await startSolanaNode({ slotMs: 3_600_000 })
  return {
    ask: async (method, ...params) => {
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
      const headers = { 'content-type': 'application/json' }
      return (await (await fetch(node.rpcUrl, { method: 'POST', headers, body })).json()) as Said
    },
    fund: (address, lamports) => node.control.fund(address, lamports),
    blocks: (count) => node.control.mine(count),
    stop: () => node.stop(),
  }
}

/** What both chains say to the same acts. */
async function onBoth<Seen>(act: (chain: Chain) => Promise<Seen>): Promise<{ simulated: Seen; real: Seen }> {
  return { simulated: await act(simulated), real: await act(real) }
}

async function result<Result>(chain: Chain, method: string, ...params: unknown[]): Promise<Result> {
  const said = await chain.ask(method, ...params)
  if (typeof said === 'string' || said.error !== undefined) throw new Error(`${method}: ${JSON.stringify(said)}`)
  return said.result as Result
}

async function blockhash(chain: Chain): Promise<string> {
  const { value } = await result<{ value: { blockhash: string } }>(chain, 'getLatestBlockhash', confirmed)
  return value.blockhash
}

type Status = { err: unknown; confirmationStatus: string; confirmations: number | null } | null
type Meta = { err: unknown; fee: number; preBalances: number[]; postBalances: number[] }
type Shown = { meta: Meta; version: unknown } | null

/** Sends, waits until it would be final, and shows all that the chain says about it. */
async function outcomeOf(chain: Chain, bytes: Uint8Array) {
  const signature = signatureOf(bytes)
  const sent = await chain.ask('sendTransaction', toBase64(bytes), { ...base64, skipPreflight: true })
  await chain.blocks(45)
  const options = { searchTransactionHistory: true }
  const { value } = await result<{ value: Status[] }>(chain, 'getSignatureStatuses', [signature], options)
  const encoding = { ...base64, commitment: 'finalized', maxSupportedTransactionVersion: 0 }
  const shown = await result<Shown>(chain, 'getTransaction', signature, encoding)
  const { err, fee, preBalances, postBalances } = shown?.meta ?? {}
  return {
    sent: typeof sent === 'string' ? sent : (sent.error?.code ?? 'ok'),
    err: value[0]?.err,
    level: value[0]?.confirmationStatus,
    confirmations: value[0]?.confirmations,
    meta: { err, fee, preBalances, postBalances },
    version: shown?.version,
  }
}

async function balance(chain: Chain, address: string): Promise<number> {
  return (await result<{ value: number }>(chain, 'getBalance', address, confirmed)).value
}

const MINIMUM = 890_880n
let nextSeed = 10

/** A payer with a balance of its own, the same on both chains. */
async function funded(lamports: bigint): Promise<TestKey> {
  const key = testKey(nextSeed++)
  if (lamports > 0n) await onBoth((chain) => chain.fund(key.address, lamports))
  // Our local node shows the newest accounts whatever the commitment; a validator does not.
  await onBoth((chain) => chain.blocks(40))
  return key
}

const fresh = () => testKey(nextSeed++).address

test.each([
  { what: 'a payment to a new account', has: 10n * SOL, pays: SOL },
  { what: 'a payment with a price for its units', has: 10n * SOL, pays: SOL, price: 1_234_567n },
  { what: 'less than keeps a new account alive', has: 10n * SOL, pays: MINIMUM - 1n },
  { what: 'just what keeps a new account alive', has: 10n * SOL, pays: MINIMUM },
  { what: 'nothing', has: 10n * SOL, pays: 0n },
  { what: 'more than there is', has: SOL, pays: 2n * SOL },
  { what: 'all that there is', has: SOL, pays: SOL - 5_000n },
  { what: 'so much that too little is left', has: SOL, pays: SOL - 5_001n },
  { what: 'all but the minimum', has: SOL, pays: SOL - 5_000n - MINIMUM },
  { what: 'out of an account that has nothing', has: 0n, pays: SOL },
  { what: 'out of an account that cannot pay the fee', has: MINIMUM, pays: 1n, price: 10_000_000_000n },
  { what: 'out of an account that the fee would leave too little', has: MINIMUM + 4_999n, pays: 1n },
])('$what: the same outcome, fee and balances as programs give', async ({ has, pays, price }) => {
  const payer = await funded(has)
  const payee = fresh()
  const seen = await onBoth(async (chain) => {
    const outcome = await outcomeOf(chain, payment(payer, payee, pays, await blockhash(chain), price))
    return { ...outcome, payer: await balance(chain, payer.address), payee: await balance(chain, payee) }
  })
  expect(seen.simulated).toEqual(seen.real)
})

test('a legacy transaction and one of version 0 cost and do the same', async () => {
  const payer = await funded(10n * SOL)
  const seen = await onBoth(async (chain) => {
    const bytes = payment(payer, fresh(), SOL, await blockhash(chain))
    // A version 0 message without tables is the legacy one with a byte before and an empty list behind.
    const message = bytes.subarray(66, bytes.length - 1)
    return await outcomeOf(chain, Buffer.concat([Buffer.of(1), payer.sign(message), message]))
  })
  expect(seen.simulated).toEqual(seen.real)
  expect(seen.simulated.version).toBe('legacy')
})

test('the same bytes twice are one payment', async () => {
  const payer = await funded(10n * SOL)
  const payee = fresh()
  const seen = await onBoth(async (chain) => {
    const bytes = payment(payer, payee, SOL, await blockhash(chain))
    const outcomes = [await outcomeOf(chain, bytes), await outcomeOf(chain, bytes)]
    return { outcomes, payee: await balance(chain, payee) }
  })
  expect(seen.simulated).toEqual(seen.real)
})

test('a transaction under a blockhash that is too old leaves no trace', async () => {
  const payer = await funded(10n * SOL)
  const seen = await onBoth(async (chain) => {
    const bytes = payment(payer, fresh(), SOL, await blockhash(chain))
    await chain.blocks(160)
    const { level, err } = await outcomeOf(chain, bytes)
    return { level, err, payer: await balance(chain, payer.address) }
  })
  expect(seen.simulated).toEqual(seen.real)
  expect(seen.simulated.level).toBeUndefined()
})

test('a trial with any signature and blockhash tells the same', async () => {
  const payer = await funded(10n * SOL)
  const payee = fresh()
  for (const lamports of [SOL, 100n * SOL, 1_000n]) {
    const seen = await onBoth(async (chain) => {
      const bytes = payment(payer, payee, lamports, '1'.repeat(32))
      bytes.fill(0, 1, 65)
      type Trial = { value: { err: unknown; unitsConsumed: number; accounts: unknown } }
      const accounts = { ...base64, addresses: [payer.address, payee] }
      const options = { ...base64, ...confirmed, sigVerify: false, replaceRecentBlockhash: true, accounts }
      const { value } = await result<Trial>(chain, 'simulateTransaction', toBase64(bytes), options)
      return { err: value.err, units: value.unitsConsumed, accounts: value.err === null ? value.accounts : undefined }
    })
    expect(seen.simulated).toEqual(seen.real)
  }
})

test('what a question gets that is wrong', async () => {
  const payer = await funded(10n * SOL)
  const address = payer.address
  const signature = '1'.repeat(64)
  const questions: (readonly [string, ...unknown[]])[] = [
    ['getNothing'],
    ['getBalance', 'x'],
    ['getBalance', address, { minContextSlot: 999_999_999 }],
    ['getLatestBlockhash', { minContextSlot: 999_999_999 }],
    ['getAccountInfo', '1'.repeat(31)],
    ['getMultipleAccounts', Array.from({ length: 101 }, () => address)],
    ['getSignatureStatuses', Array.from({ length: 257 }, () => signature)],
    ['getSignatureStatuses', ['x']],
    ['getTransaction', signature, { commitment: 'processed' }],
    ['getSignaturesForAddress', 'x'],
    ['sendTransaction', 'AA==', { encoding: 'base64' }],
    ['sendTransaction', '!', { encoding: 'base64' }],
    ['sendTransaction', 'AA==', { encoding: 'json' }],
    ['sendTransaction', Buffer.alloc(1_233).toString('base64'), { encoding: 'base64' }],
    ['sendTransaction', Buffer.alloc(1_500).toString('base64'), { encoding: 'base64' }],
    ['simulateTransaction', toBase64(payment(payer, fresh(), 1n, '1'.repeat(32))), bothOptions],
    ['getFeeForMessage', 'AA=='],
  ]
  for (const [method, ...params] of questions) {
    const { simulated, real } = await onBoth((chain) => chain.ask(method, ...params))
    expect([method, params[0], codeOf(simulated)]).toEqual([method, params[0], codeOf(real)])
    expect(codeOf(simulated)).toBeLessThan(0)
  }
})

const bothOptions = { encoding: 'base64', sigVerify: true, replaceRecentBlockhash: true }

test('with a trial before, a failing or badly signed transaction is refused with the same code', async () => {
  const payer = await funded(SOL)
  const options = { ...base64, preflightCommitment: 'confirmed' }
  const seen = await onBoth(async (chain) => {
    const dear = payment(payer, fresh(), 2n * SOL, await blockhash(chain))
    const forged = payment(payer, fresh(), 1n, await blockhash(chain))
    forged.fill(7, 10, 20)
    const unknown = payment(payer, fresh(), 1n, '1'.repeat(32))
    const codes: unknown[] = []
    for (const bytes of [dear, forged, unknown]) {
      codes.push(codeOf(await chain.ask('sendTransaction', toBase64(bytes), options)))
    }
    return codes
  })
  expect(seen.simulated).toEqual(seen.real)
  expect(seen.simulated).toEqual([-32002, -32003, -32002])
})

test('heights grow by one with each block, and a blockhash outlives its block by as many', async () => {
  const seen = await onBoth(async (chain) => {
    type Latest = { value: { lastValidBlockHeight: number } }
    const height = (commitment: string) => result<number>(chain, 'getBlockHeight', { commitment })
    const start = await height('processed')
    await chain.blocks(50)
    const { value } = await result<Latest>(chain, 'getLatestBlockhash', confirmed)
    const end = await height('processed')
    const depth = end - (await height('finalized'))
    return {
      grown: end - start,
      lifetime: value.lastValidBlockHeight - (await height('confirmed')),
      isDeep: depth >= 32,
    }
  })
  expect(seen.simulated).toEqual(seen.real)
  expect(seen.simulated).toEqual({ grown: 50, lifetime: 150, isDeep: true })
})

test('what an account costs and what a message costs', async () => {
  const payer = await funded(SOL)
  const payee = fresh()
  const seen = await onBoth(async (chain) => {
    const message = payment(payer, payee, 1n, await blockhash(chain), 777n).subarray(65)
    type Fee = { value: number | null }
    const fee = await result<Fee>(chain, 'getFeeForMessage', toBase64(message), confirmed)
    const unknown = payment(payer, payee, 1n, '1'.repeat(32)).subarray(65)
    return {
      fee: fee.value,
      unknown: (await result<Fee>(chain, 'getFeeForMessage', toBase64(unknown), confirmed)).value,
      rents: [
        await result<number>(chain, 'getMinimumBalanceForRentExemption', 0),
        await result<number>(chain, 'getMinimumBalanceForRentExemption', 165),
      ],
    }
  })
  expect(seen.simulated).toEqual(seen.real)
})

function codeOf(said: Said): number | undefined {
  return typeof said === 'string' ? undefined : said.error?.code
}
