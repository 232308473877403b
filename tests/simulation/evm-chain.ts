import {
  type Account,
  accountIn,
  type BlockRules,
  type Contract,
  type Execution,
  execute,
  nextBaseFee,
  refusedNext,
} from './evm-rules.ts'
import type { Hex, Transaction } from './evm-transaction.ts'
import type { Random } from './random.ts'

export type Included = Execution & {
  readonly transaction: Transaction
  readonly index: number
  /** Of the block up to and with this transaction. */
  readonly cumulativeGasUsed: bigint
}

export type Block = {
  readonly number: number
  readonly hash: Hex
  readonly parentHash: Hex
  readonly timestamp: number
  readonly baseFeePerGas: bigint
  readonly gasLimit: bigint
  readonly gasUsed: bigint
  readonly miner: Hex
  readonly transactions: readonly Included[]
  readonly credits: readonly Credit[]
  /** Of every account after this block. */
  readonly state: ReadonlyMap<Hex, Account>
}

/** Money that comes without a transaction, as a withdrawal of the beacon chain does (EIP-4895). */
export type Credit = { readonly address: Hex; readonly amount: bigint }

export type BlockContents = {
  readonly timestamp: number
  /** In this order; what is not valid at its place is left out. */
  readonly transactions: readonly Transaction[]
  readonly credits?: readonly Credit[]
  /** Gas that other people's transactions use, which the simulation does not follow one by one. */
  readonly otherGas?: bigint
}

export type EvmChainOptions = {
  readonly random: Random
  readonly chainId: bigint
  readonly firstNumber: number
  readonly firstTimestamp: number
  readonly baseFeePerGas: bigint
  readonly gasLimit: bigint
  readonly miner: Hex
  readonly balances: ReadonlyMap<Hex, bigint>
  readonly contracts: ReadonlyMap<Hex, Contract>
}

/** The tree of all blocks, one line of which is canonical. */
export type EvmChain = {
  readonly chainId: bigint
  readonly gasLimit: bigint
  readonly contracts: ReadonlyMap<Hex, Contract>
  readonly first: Block
  head(): Block
  final(): Block
  block(hash: Hex): Block | undefined
  canonical(number: number): Block | undefined
  isCanonical(block: Block): boolean
  /** A new block on `parent`, which is not canonical before it is made the head. */
  build(parent: Block, contents: BlockContents): Block
  /** Makes a block the head. Throws where the final block is not below it, unless the test asks for that. */
  setHead(block: Block, options?: { despiteFinality: boolean }): void
  /** Makes the canonical block of this number final; a lower one than before changes nothing. */
  finalize(number: number): void
  /** The rules of the block that would follow `parent`. */
  rulesAfter(parent: Block): BlockRules
}

export function createEvmChain(options: EvmChainOptions): EvmChain {
  const { random, chainId, gasLimit, contracts, miner } = options
  const first = firstBlock(options, random.hex(32))
  const blocks = new Map<Hex, Block>([[first.hash, first]])
  const line: Block[] = [first]
  let final = first

  const canonical = (number: number) => line[number - first.number]
  const isCanonical = (block: Block) => canonical(block.number)?.hash === block.hash
  const rulesAfter = (parent: Block): BlockRules => ({
    chainId,
    gasLimit,
    miner,
    contracts,
    baseFeePerGas: nextBaseFee(parent.baseFeePerGas, parent.gasUsed, gasLimit),
  })

  return {
    chainId,
    gasLimit,
    contracts,
    first,
    head: () => line.at(-1)!,
    final: () => final,
    block: (hash) => blocks.get(hash),
    canonical,
    isCanonical,
    rulesAfter,
    build: (parent, contents) => {
      const block = buildBlock(parent, contents, rulesAfter(parent), random.hex(32))
      blocks.set(block.hash, block)
      return block
    },
    setHead: (block, { despiteFinality } = { despiteFinality: false }) => {
      const branch: Block[] = []
      let fork = block
      while (!isCanonical(fork)) {
        branch.unshift(fork)
        fork = blocks.get(fork.parentHash)!
      }
      if (fork.number < final.number) {
        if (!despiteFinality) throw new RangeError(`block ${block.number} is not above the final block ${final.number}`)
        final = fork
      }
      line.length = fork.number - first.number + 1
      line.push(...branch)
    },
    finalize: (number) => {
      const block = canonical(number)
      if (block !== undefined && block.number > final.number) final = block
    },
  }
}

function firstBlock(options: EvmChainOptions, hash: Hex): Block {
  return {
    number: options.firstNumber,
    hash,
    parentHash: `0x${'00'.repeat(32)}`,
    timestamp: options.firstTimestamp,
    baseFeePerGas: options.baseFeePerGas,
    gasLimit: options.gasLimit,
    gasUsed: options.gasLimit / 2n,
    miner: options.miner,
    transactions: [],
    credits: [],
    state: new Map([...options.balances].map(([address, balance]) => [address, { nonce: 0n, balance }])),
  }
}

function buildBlock(parent: Block, contents: BlockContents, rules: BlockRules, hash: Hex): Block {
  const { transactions, credits = [], otherGas = 0n } = contents
  const isSame = transactions.length === 0 && credits.length === 0
  const state = isSame ? parent.state : new Map(parent.state)
  const included: Included[] = []
  let gasUsed = 0n
  for (const transaction of transactions) {
    const sender = accountIn(state, transaction.from)
    if (refusedNext(transaction, sender, rules, rules.gasLimit - gasUsed) !== undefined) continue
    const execution = execute(state as Map<Hex, Account>, transaction, rules)
    gasUsed += execution.gasUsed
    included.push({ ...execution, transaction, index: included.length, cumulativeGasUsed: gasUsed })
  }
  for (const { address, amount } of credits) {
    const account = accountIn(state, address)
    ;(state as Map<Hex, Account>).set(address, { ...account, balance: account.balance + amount })
  }
  const room = rules.gasLimit - gasUsed
  return {
    number: parent.number + 1,
    hash,
    parentHash: parent.hash,
    timestamp: contents.timestamp,
    baseFeePerGas: rules.baseFeePerGas,
    gasLimit: rules.gasLimit,
    gasUsed: gasUsed + (otherGas < room ? otherGas : room),
    miner: rules.miner,
    transactions: included,
    credits,
    state,
  }
}
