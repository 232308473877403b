import { signRecoverable } from 'tiny-secp256k1'
import { bytesToHex, hexToBytes, keccak256, serializeTransaction } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { createClock, type SimulatedClock } from './clock.ts'
import type { EvmFaults, FaultReport } from './evm-faults.ts'
import { createEvmNetwork, type EvmNetwork, type EvmNetworkOptions } from './evm-network.ts'
import type { ExchangeAnswer } from './evm-node.ts'
import { createTransactionReader, type Hex, type KnownSignatures, signatureKey } from './evm-transaction.ts'
import { createRandom, type Random } from './random.ts'

/** A network and a client that pays, replaces and asks without any care, so that everything that can happen does. */
export type Careless = {
  readonly clock: SimulatedClock
  readonly network: EvmNetwork
  readonly wallet: Hex
  readonly random: Random
  readonly reports: FaultReport[]
  /** One line for each answer and each block. */
  readonly trace: string[]
  ask(url: string, method: string, params: readonly unknown[]): Promise<unknown>
  /** Asks all in one batch. */
  askAll(url: string, calls: readonly [string, ...unknown[]][]): Promise<ExchangeAnswer | Error>
  sign(transaction: SignedFields): Hex
  /** Pays and asks for so many slots. */
  live(slots: number): Promise<void>
}

type SignedFields = {
  nonce: number
  value?: bigint
  fee?: bigint
  tip?: bigint
  to?: Hex
  gas?: bigint
  chainId?: number
}

const CHAIN_ID = 11_155_111
export const GWEI = 10n ** 9n
export const ETHER = 10n ** 18n
export const BLOCK_MILLIS = 12_000
export const URLS = ['http://evm-1', 'http://evm-2', 'http://evm-3'] as const
export const PAYEE: Hex = `0x${'ab'.repeat(20)}`
export const REVERTING: Hex = '0x00000000000000000000000000000000000dead1'
export const BURNING: Hex = '0x00000000000000000000000000000000000dead2'

const KEY = `0x${'42'.repeat(32)}` as const
const ADDRESS = privateKeyToAccount(KEY).address.toLowerCase() as Hex

export function createCareless(seed: string, faults: EvmFaults, options: Partial<EvmNetworkOptions> = {}): Careless {
  const random = createRandom(seed)
  const clock = createClock(1_800_000_000_000)
  const wallet = ADDRESS
  const signatures: KnownSignatures = new Map()
  const reports: FaultReport[] = []
  const trace: string[] = []
  const network = createEvmNetwork({
    random: random.fork('network'),
    clock,
    chainId: CHAIN_ID,
    accounts: new Map([[wallet, 10n * ETHER]]),
    nodes: URLS.map((url) => ({ url })),
    faults,
    observer: {
      fault: (report) => reports.push(report),
      handover: (raw, url) => trace.push(`${clock.monotonic()} ${url} gets ${raw}`),
      head: ({ number, hash }) => trace.push(`${clock.monotonic()} head ${number} ${hash}`),
    },
    contracts: new Map([
      [REVERTING, { does: 'revert', gas: 5_000n }],
      [BURNING, { does: 'burn', gas: 0n }],
    ]),
    read: createTransactionReader(signatures),
    ...options,
  })
  const post = async (url: string, body: unknown) => {
    const answer = await clock
      .settle(network.exchange({ url, body: () => JSON.stringify(body) }), 200_000)
      .catch((error: Error) => error)
    trace.push(
      `${clock.monotonic()} ${JSON.stringify(body)} -> ${answer instanceof Error ? answer.message : JSON.stringify(answer)}`,
    )
    return answer
  }
  const ask: Careless['ask'] = async (url, method, params) => {
    const answer = await post(url, { jsonrpc: '2.0', id: 1, method, params })
    if (answer instanceof Error || answer === 'not sent') return answer
    try {
      const body = JSON.parse(answer.text) as { result?: unknown; error?: unknown } | null
      return body?.error === undefined ? body?.result : body.error
    } catch {
      return answer.text
    }
  }
  const careless: Careless = {
    clock,
    network,
    wallet,
    random,
    reports,
    trace,
    ask,
    askAll: (url, calls) =>
      post(
        url,
        calls.map(([method, ...params], id) => ({ jsonrpc: '2.0', id, method, params })),
      ),
    sign: (fields) => sign(fields, signatures),
    live: (slots) => live(careless, slots),
  }
  network.start()
  return careless
}

function sign({ fee = 4n * GWEI, tip = 2n * GWEI, ...fields }: SignedFields, signatures: KnownSignatures): Hex {
  const transaction = {
    type: 'eip1559',
    chainId: CHAIN_ID,
    to: PAYEE,
    value: 1n,
    gas: fields.to === REVERTING || fields.to === BURNING ? 50_000n : 21_000n,
    maxFeePerGas: fee,
    maxPriorityFeePerGas: tip,
    ...fields,
  } as const
  const digest = keccak256(serializeTransaction(transaction))
  const { signature, recoveryId } = signRecoverable(hexToBytes(digest), hexToBytes(KEY))
  const [r, s] = [bytesToHex(signature.subarray(0, 32)), bytesToHex(signature.subarray(32))]
  signatures.set(signatureKey(digest, { r: BigInt(r), s: BigInt(s), parity: BigInt(recoveryId) }), ADDRESS)
  return serializeTransaction(transaction, { r, s, yParity: recoveryId })
}

async function live(careless: Careless, slots: number): Promise<void> {
  const { clock, network, random } = careless
  const draw = random.fork('client')
  let nonce = Number(network.truth.account(careless.wallet, 'head').nonce)
  for (let slot = 0; slot < slots; slot += 1) {
    await clock.run(BLOCK_MILLIS - (clock.monotonic() % BLOCK_MILLIS) + 1_000)
    if (slot % 6 === 0) {
      nonce = Math.max(nonce, Number(network.truth.account(careless.wallet, 'head').nonce))
      const fee = network.truth.head().baseFeePerGas * BigInt(draw.between(1, 3)) + 2n * GWEI
      await careless.ask(draw.pick(URLS), 'eth_sendRawTransaction', [careless.sign({ nonce, fee })])
      const dearer = careless.sign({ nonce, fee: 2n * fee, tip: 3n * GWEI, value: 2n })
      await careless.ask(draw.pick(URLS), 'eth_sendRawTransaction', [dearer])
      const hardlyDearer = careless.sign({ nonce, fee: 2n * fee + 1n, tip: 3n * GWEI, value: 3n })
      await careless.ask(draw.pick(URLS), 'eth_sendRawTransaction', [hardlyDearer])
      if (draw.chance(0.7)) nonce += 1
    }
    if (slot % 6 === 3) await careless.ask(draw.pick(URLS), 'eth_sendRawTransaction', ['0x1234'])
    await askAround(careless, draw)
  }
}

/** The questions of a wallet, each to some node. */
async function askAround({ ask, askAll, network, wallet }: Careless, draw: Random): Promise<void> {
  const { truth } = network
  const head = truth.head()
  const number = `0x${(head.number - draw.between(0, 80)).toString(16)}`
  const block = draw.pick([head.hash, head.parentHash, truth.final().hash])
  const sent = [...truth.out().keys()].slice(-6)
  const hash = sent.length === 0 ? head.hash : draw.pick(sent)
  const questions: [string, ...unknown[]][] = [
    ['eth_blockNumber'],
    ['eth_getBlockByNumber', 'finalized', false],
    ['eth_getBlockByNumber', 'latest', true],
    ['eth_getBlockByNumber', number, false],
    ['eth_getBlockByHash', block, false],
    ['eth_getTransactionCount', wallet, 'pending'],
    ['eth_getTransactionCount', wallet, { blockHash: block }],
    ['eth_getTransactionCount', wallet, 'finalized'],
    ['eth_getBalance', wallet, number],
    ['eth_getTransactionReceipt', hash],
    ['eth_getTransactionByHash', hash],
    ['eth_feeHistory', '0x4', 'latest', [50]],
    ['eth_maxPriorityFeePerGas'],
    ['eth_getBlockReceipts', number],
  ]
  for (const [method, ...params] of draw.shuffle(questions).slice(0, 7)) await ask(draw.pick(URLS), method, params)
  await askAll(draw.pick(URLS), draw.shuffle(questions).slice(0, 3))
}
