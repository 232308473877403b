import type { SimulatedClock } from './clock.ts'
import { createEvmChain } from './evm-chain.ts'
import { type EvmClient, evmClients } from './evm-clients.ts'
import { createFaultBook, type EvmFaultKind, type EvmFaults } from './evm-faults.ts'
import { type MinerOptions, mineSlot, reorganise } from './evm-miner.ts'
import { createExchange, type EvmAddress, type Exchange } from './evm-node.ts'
import { createPool } from './evm-pool.ts'
import { accountIn, type Contract } from './evm-rules.ts'
import { createTransactionReader, type Hex, madeUp, type TransactionReader } from './evm-transaction.ts'
import { createTruth, type EvmTruth } from './evm-truth.ts'
import type { Backend, EvmObserver, EvmWorld } from './evm-world.ts'
import type { Random } from './random.ts'

export type EvmNetworkOptions = {
  readonly random: Random
  readonly clock: SimulatedClock
  readonly chainId: number
  /** Addresses in lower case, and what they have at first. The adversary spoils the payments of these. */
  readonly accounts: ReadonlyMap<Hex, bigint>
  readonly nodes: readonly EvmNodeOptions[]
  readonly faults: EvmFaults
  readonly observer: EvmObserver
  /** Contracts by address in lower case. */
  readonly contracts?: ReadonlyMap<Hex, Contract>
  readonly blockMillis?: number
  readonly baseFeePerGas?: bigint
  /** Whether others use about half of each block; without them the base fee falls. */
  readonly hasTraffic?: boolean
  /** Drawn where it is absent. */
  readonly finality?: { readonly lag: number; readonly every: number }
  /** Shared by the networks of many seeds, so that equal bytes are read once. */
  readonly read?: TransactionReader
}

/** What stands at one address; whatever is absent is drawn. */
export type EvmNodeOptions = {
  readonly url: string
  readonly client?: EvmClient
  readonly backends?: number
  /** Keeps the state of every block. */
  readonly isArchive?: true
}

export type EvmNetwork = {
  readonly exchange: Exchange
  readonly truth: EvmTruth
  readonly counters: ReadonlyMap<EvmFaultKind, number>
  /** Makes a block in every slot from now on. */
  start(): void
  stop(): void
  /** From now on everything is honest; what was lost before stays lost. */
  heal(): void
  readonly acts: EvmActs
}

/** What a driver can make happen itself, in the next block or at once. */
export type EvmActs = {
  /** Puts bytes that left the wallet into the next block, if they are valid there. */
  mineNext(hash: Hex): void
  /** Money for an account, such as gas after healing. */
  credit(address: Hex, amount: bigint): void
  /** A payment with the account's key from elsewhere. */
  payFrom(address: Hex, to: Hex, value: bigint): void
  /** Raises the account's nonce in somebody else's transaction; a delegate gives the account code. */
  authorize(address: Hex, delegate: Hex | undefined): void
  /** Raises the account's nonce by a deposit of a rollup. */
  deposit(address: Hex): void
  /** Replaces so many blocks now. Deeper than the final block only where the test says so. */
  reorganise(depth: number, options?: { despiteFinality: boolean }): void
  /** Makes one slot pass at once. */
  mineSlot(): void
}

const STRANGER: Hex = '0x57a26e57a26e57a26e57a26e57a26e57a26e57a2'
const MINER: Hex = '0xb10c4000000000000000000000000000b10c4000'
const ETHER = 10n ** 18n
const FIRST_NUMBER = 1_000

/**
 * An EVM network that is an adversary: it mines any valid bytes that ever left, whenever it likes, and its nodes show a
 * view apart from the truth. Everything follows from the seed; no socket is opened and no real time passes.
 *
 * @example
 * const random = createRandom(seed)
 * const clock = createClock(1_800_000_000_000)
 * const faults = drawEvmFaults(random.fork('faults'))
 * const network = createEvmNetwork({ random: random.fork('evm'), clock, chainId: 1, accounts, nodes, faults, observer })
 * network.start()
 * // The wallet gets network.exchange as its transport; the oracle asks network.truth after each step.
 * await clock.run(600_000)
 * network.heal()
 */
export function createEvmNetwork(options: EvmNetworkOptions): EvmNetwork {
  const { random, clock, accounts, blockMillis = 12_000 } = options
  const addresses = options.nodes.map((node) => createAddress(node, random))
  const world = createWorld(options, addresses, blockMillis)
  const miner: MinerOptions = {
    accounts: [...accounts.keys()],
    stranger: STRANGER,
    finalityLag: options.finality?.lag ?? random.fork('finality').between(4, 40),
    finalityEvery: options.finality?.every ?? random.fork('epoch').between(1, 8),
  }
  let cancel: (() => void) | undefined
  const tick = () => {
    cancel = clock.after(blockMillis, tick)
    mineSlot(world, miner)
  }
  return {
    exchange: createExchange(world, addresses),
    truth: createTruth(world),
    counters: world.faults.counters,
    start: () => {
      cancel = clock.after(blockMillis, tick)
    },
    stop: () => cancel?.(),
    heal: world.faults.heal,
    acts: createActs(world, miner),
  }
}

function createAddress({ url, client, backends, isArchive }: EvmNodeOptions, random: Random): EvmAddress {
  const draw = random.fork(`address/${url}`)
  const count = backends ?? draw.between(1, 3)
  const { bor: _, ...clients } = evmClients
  return {
    url,
    splitsBatches: draw.chance(0.5),
    backends: Array.from({ length: count }, (_, index): Backend => {
      const chosen = client ?? draw.pick(Object.values(clients))
      return {
        id: `${url}#${index}`,
        url,
        client: chosen,
        pool: createPool(chosen),
        delayMillis: draw.between(20, 800),
        // go-ethereum#20874: 128 states, or all of them in an archive.
        stateBlocks: draw.chance(0.8) && isArchive !== true ? 128 : undefined,
      }
    }),
  }
}

function createWorld(options: EvmNetworkOptions, addresses: readonly EvmAddress[], blockMillis: number): EvmWorld {
  const { random, clock, chainId, accounts, faults, observer } = options
  const chain = createEvmChain({
    random: random.fork('hashes'),
    chainId: BigInt(chainId),
    firstNumber: FIRST_NUMBER,
    firstTimestamp: clock.seconds(),
    baseFeePerGas: options.baseFeePerGas ?? 10n ** 9n,
    gasLimit: 30_000_000n,
    miner: MINER,
    balances: new Map([...accounts, [STRANGER, 1_000_000n * ETHER]]),
    contracts: options.contracts ?? new Map(),
  })
  const first = { at: clock.monotonic(), block: chain.first }
  return {
    clock,
    random: random.fork('world'),
    chain,
    faults: createFaultBook(faults, random.fork('faults'), observer.fault),
    observer,
    blockMillis,
    hasTraffic: options.hasTraffic ?? true,
    read: options.read ?? createTransactionReader(new Map()),
    backends: addresses.flatMap(({ backends }) => backends),
    out: new Map(),
    builder: new Map(),
    inclusions: new Map(),
    heads: [first],
    finals: [first],
    sides: [],
    next: { transactions: [], credits: [] },
  }
}

function createActs(world: EvmWorld, miner: MinerOptions): EvmActs {
  const { chain, next } = world
  const random = world.random.fork('acts')
  /** After what is put into the next block before it. */
  const nonceOf = (address: Hex) => {
    const raises = next.transactions.flatMap(({ from, authorizations }) => [
      from,
      ...authorizations.map(({ account }) => account),
    ])
    const { nonce } = accountIn(chain.head().state, address)
    return nonce + BigInt(raises.filter((raised) => raised === address).length)
  }
  const price = () => ({ maxFeePerGas: 4n * chain.head().baseFeePerGas, maxPriorityFeePerGas: 1n })
  return {
    mineNext: (hash) => {
      const transaction = world.out.get(hash)?.transaction
      if (transaction === undefined) throw new Error(`no transaction ${hash} ever left`)
      next.transactions.push(transaction)
    },
    credit: (address, amount) => void next.credits.push({ address, amount }),
    payFrom: (from, to, value) => {
      next.transactions.push(madeUp({ hash: random.hex(32), from, to, value, nonce: nonceOf(from), ...price() }))
    },
    authorize: (account, delegate) => {
      const from = miner.stranger
      const authorizations = [{ account, delegate }]
      const nonce = nonceOf(from)
      next.transactions.push(
        madeUp({ hash: random.hex(32), from, to: from, type: 4, gas: 60_000n, authorizations, nonce, ...price() }),
      )
    },
    deposit: (from) => {
      const hash = random.hex(32)
      next.transactions.push(madeUp({ hash, from, to: miner.stranger, isDeposit: true, nonce: nonceOf(from) }))
    },
    reorganise: (depth, { despiteFinality } = { despiteFinality: false }) => reorganise(world, depth, despiteFinality),
    mineSlot: () => mineSlot(world, miner),
  }
}
