import { encodeFunctionData, type Hex, parseAbi } from 'viem'
import type { EvmPersonality, EvmSituation } from '../personalities/evm-personality.ts'
import type { SendAct } from './acts.ts'
import { type EvmNodeState, firstFree, type PooledTransaction, refusalOf } from './evm-admission.ts'
import { costOf, type EvmTransaction, readTransaction } from './evm-transaction.ts'
import { HeldTransactions, isSituation, SendActs } from './send-acts.ts'
import type { Outcome, Upstream } from './upstream.ts'
import { type Values, wordsOf } from './words.ts'

/** A transaction that this node has taken and anvil has not. */
type Held = EvmTransaction & { readonly id: string; readonly isVisible: boolean }

/** The transaction pool of one EVM node: what it takes, what it says, and what it shows of it. */
export class EvmPool {
  readonly acts = new SendActs<EvmSituation>()
  readonly held: HeldTransactions<Held>
  readonly #upstream: Upstream
  readonly #personality: EvmPersonality
  /** Transactions passed on that must not show before they are mined. */
  readonly #hidden = new Map<string, EvmTransaction>()
  /** Gives the block at which the node reads state. */
  readonly #headTag: () => Promise<string>

  constructor(upstream: Upstream, personality: EvmPersonality, headTag: () => Promise<string>) {
    this.#upstream = upstream
    this.#personality = personality
    this.#headTag = headTag
    this.held = new HeldTransactions((item) => this.#passOn(item.raw))
  }

  /** Answers `eth_sendRawTransaction`. */
  async send(raw: unknown): Promise<Outcome> {
    const transaction = await read(raw)
    if (!transaction) return this.#refuse('invalidSignature', {}, { code: -32000, message: 'rlp: expected List' })
    const act = this.acts.take()
    if (act) return this.#obey(act, transaction)
    const verdict = await this.#admit(transaction)
    if (verdict) return this.#refuse(verdict.situation, verdict.values)
    return this.#take(transaction)
  }

  /** A pending transaction that anvil does not know, or whether anvil's must not show. */
  async view(hash: string): Promise<'hidden' | 'unknown' | object> {
    const key = hash.toLowerCase()
    if (this.#hidden.has(key)) return 'hidden'
    const held = this.held.get(key)
    if (!held) return 'unknown'
    return held.isVisible ? pendingJson(held) : 'hidden'
  }

  /** The account's count with what the pool shows. */
  async pendingCount(address: string): Promise<bigint> {
    return firstFree(await this.#stateOf(address.toLowerCase() as Hex))
  }

  /** Whether the pool differs from anvil's. */
  get differs(): boolean {
    return this.#hidden.size > 0 || this.held.values().some(({ isVisible }) => isVisible)
  }

  /** Offers to the chain what waits for the base fee to fall or for money; forgets what was mined. */
  async settle(): Promise<void> {
    for (const { id, raw, isVisible } of this.held.values()) {
      if (!isVisible) continue
      const outcome = await this.#upstream.send('eth_sendRawTransaction', [raw])
      if (!('error' in outcome) || !WAITS.test(outcome.error.message)) this.held.delete(id)
    }
    for (const hash of this.#hidden.keys()) {
      const known = (await this.#upstream.result('eth_getTransactionByHash', [hash])) as { blockHash?: unknown } | null
      if (known === null || known.blockHash) this.#hidden.delete(hash)
    }
  }

  async #obey(act: SendAct<EvmSituation>, transaction: EvmTransaction): Promise<Outcome> {
    const { effect = 'take', answer } = act
    if (effect === 'take') await this.#passOn(transaction.raw)
    if (effect === 'hold') this.held.hold({ ...transaction, id: transaction.hash, isVisible: false }, act.afterMs)
    if (effect === 'private') {
      this.#hidden.set(transaction.hash, transaction)
      await this.#passOn(transaction.raw)
    }
    if (answer === undefined) return { result: transaction.hash }
    if (!isSituation(answer)) return { error: answer }
    return this.#refuse(answer.situation, await this.#valuesFor(transaction))
  }

  async #take(transaction: EvmTransaction): Promise<Outcome> {
    const { hash, raw } = transaction
    this.held.delete(hash)
    if (this.#hidden.delete(hash)) return { result: hash }
    const outcome = await this.#upstream.send('eth_sendRawTransaction', [raw])
    if (!('error' in outcome)) return outcome
    if (this.#mayWait(outcome.error.message)) {
      this.held.hold({ ...transaction, id: hash, isVisible: true }, undefined)
      return { result: hash }
    }
    const situation = ANVIL_WORDS.find(([words]) => words.test(outcome.error.message))?.[1]
    return situation ? this.#refuse(situation, await this.#valuesFor(transaction), outcome.error) : outcome
  }

  /** Whether this pool takes what anvil refuses until the chain can include it. */
  #mayWait(words: string): boolean {
    const { feeCapBelowBaseFee, balance } = this.#personality.pool
    if (/less than block base fee/.test(words)) return feeCapBelowBaseFee === 'queued'
    return balance === 'unchecked' && WAITS.test(words)
  }

  async #admit(transaction: EvmTransaction) {
    const { waitsForPredecessorMs = 0 } = this.#personality.pool
    const deadline = performance.now() + waitsForPredecessorMs
    for (;;) {
      const verdict = refusalOf(transaction, await this.#stateFor(transaction), this.#personality)
      if (verdict?.situation !== 'nonceTooHigh' || performance.now() >= deadline) return verdict
      await new Promise((resolve) => setTimeout(resolve, PREDECESSOR_POLL_MS))
    }
  }

  async #valuesFor(transaction: EvmTransaction): Promise<Values> {
    const state = await this.#stateFor(transaction)
    const { hash, nonce, sender, gas, feeCap, tip, bytes, intrinsicGas } = transaction
    const { pool } = this.#personality
    const cost = costOf(transaction) + state.dataFee
    const fee = Number((feeCap * gas) / 10n ** 14n) / 10_000
    return {
      hash,
      nonce,
      sender,
      gas,
      feeCap,
      tip,
      cost,
      size: bytes,
      sizeLimit: pool.maxBytes,
      needed: intrinsicGas,
      next: state.nonce,
      gap: firstFree(state),
      balance: state.balance,
      overshot: cost - state.balance,
      queued: 0,
      baseFee: state.baseFee,
      minTip: pool.minTip,
      gasLimit: state.blockGasLimit,
      gasCap: pool.maxGas ?? 0n,
      fee: feeCap * gas,
      cap: pool.feeCap ?? 0n,
      feeEther: fee.toFixed(2),
      capEther: '1.00',
      chainId: state.chainId,
      txChainId: transaction.chainId ?? 0,
    }
  }

  #refuse(situation: EvmSituation, values: Values, otherwise?: { code: number; message: string }): Outcome {
    const words = this.#personality.says[situation]
    if (words) return { error: wordsOf(words, values) }
    if (otherwise) return { error: otherwise }
    throw new TypeError(`${this.#personality.name} has no words for ${situation}`)
  }

  /** A failure is ignored: the node has answered already. */
  async #passOn(raw: Hex): Promise<void> {
    await this.#upstream.send('eth_sendRawTransaction', [raw])
  }

  async #stateFor(transaction: EvmTransaction): Promise<EvmNodeState> {
    const state = await this.#stateOf(transaction.sender)
    const known = (await this.#upstream.result('eth_getTransactionByHash', [transaction.hash])) as Mined | null
    return { ...state, isMined: Boolean(known?.blockHash), dataFee: await this.#dataFeeOf(transaction) }
  }

  /** As its oracle says for so many bytes; 0 on a chain without one. */
  async #dataFeeOf({ bytes }: EvmTransaction): Promise<bigint> {
    const { dataFeeOracle } = this.#personality.pool
    if (dataFeeOracle === undefined) return 0n
    const data = encodeFunctionData({ abi: ORACLE, args: [BigInt(bytes)] })
    const answer = (await this.#upstream.result('eth_call', [
      { to: dataFeeOracle, data },
      await this.#headTag(),
    ])) as Hex
    return answer === '0x' ? 0n : BigInt(answer)
  }

  async #stateOf(sender: Hex): Promise<EvmNodeState> {
    const head = await this.#headTag()
    const outcomes = await this.#upstream.sendAll([
      ['eth_chainId', []],
      ['eth_getTransactionCount', [sender, head]],
      ['eth_getBalance', [sender, head]],
      ['eth_getCode', [sender, head]],
      ['eth_getBlockByNumber', [head, false]],
      ['txpool_content', []],
    ])
    const [chainId, nonce, balance, code, block, content] = outcomes.map((outcome) => {
      if ('error' in outcome) throw new Error(`the upstream node: ${outcome.error.message}`)
      return outcome.result
    }) as [string, string, string, Hex, Block, PoolContent]
    return {
      chainId: Number(chainId),
      nonce: BigInt(nonce),
      balance: BigInt(balance),
      code,
      baseFee: BigInt(block.baseFeePerGas ?? 0),
      blockGasLimit: BigInt(block.gasLimit),
      dataFee: 0n,
      pooled: this.#pooledOf(sender, content),
      isMined: false,
    }
  }

  #pooledOf(sender: Hex, content: PoolContent): ReadonlyMap<bigint, PooledTransaction> {
    const entries = [content.pending, content.queued].flatMap((accounts) =>
      Object.entries(accounts)
        .filter(([address]) => address.toLowerCase() === sender)
        .flatMap(([, transactions]) => Object.values(transactions)),
    )
    const visible = entries.filter(({ hash }) => !this.#hidden.has(hash))
    const own = this.held.values().filter((held) => held.isVisible && held.sender === sender)
    return new Map([
      ...visible.map((json): [bigint, PooledTransaction] => [BigInt(json.nonce), pooledOf(json)]),
      ...own.map((held): [bigint, PooledTransaction] => [held.nonce, { ...held, cost: costOf(held) }]),
    ])
  }
}

const ORACLE = parseAbi(['function getL1FeeUpperBound(uint256) view returns (uint256)'])

const PREDECESSOR_POLL_MS = 50

/** What anvil says against a transaction that a pool may keep until its time comes. */
const WAITS = /less than block base fee|insufficient funds/i

/** What anvil says where this proxy let a transaction through. */
const ANVIL_WORDS: readonly (readonly [RegExp, EvmSituation])[] = [
  [/already imported/i, 'alreadyKnown'],
  [/nonce too low/i, 'nonceTooLow'],
  [/underpriced/i, 'replacementUnderpriced'],
  [/insufficient funds/i, 'insufficientFunds'],
  [/intrinsic gas too low/i, 'intrinsicGas'],
  [/invalid chain id/i, 'wrongChain'],
]

type Block = { readonly baseFeePerGas?: string; readonly gasLimit: string }
type Mined = { readonly blockHash?: unknown }
type PoolJson = {
  readonly hash: Hex
  readonly nonce: string
  readonly gas: string
  readonly value: string
  readonly gasPrice?: string
  readonly maxFeePerGas?: string
  readonly maxPriorityFeePerGas?: string
}
type Accounts = Readonly<Record<string, Readonly<Record<string, PoolJson>>>>
type PoolContent = { readonly pending: Accounts; readonly queued: Accounts }

function pooledOf({ hash, gas, value, ...fees }: PoolJson): PooledTransaction {
  const feeCap = BigInt(fees.maxFeePerGas ?? fees.gasPrice ?? 0)
  const tip = BigInt(fees.maxPriorityFeePerGas ?? fees.gasPrice ?? 0)
  return { hash, feeCap, tip, cost: BigInt(gas) * feeCap + BigInt(value) }
}

async function read(raw: unknown): Promise<EvmTransaction | undefined> {
  try {
    return await readTransaction(raw as Hex)
  } catch {
    return undefined // bytes that no node can read
  }
}

function pendingJson(held: EvmTransaction): object {
  const { hash, sender, nonce, gas, value, feeCap, tip, to, input, type } = held
  const hex = (amount: bigint) => `0x${amount.toString(16)}`
  const isPriced = type === 'legacy' || type === 'eip2930'
  return {
    hash,
    from: sender,
    to,
    nonce: hex(nonce),
    gas: hex(gas),
    value: hex(value),
    input,
    type: hex(BigInt(Math.max(0, ['legacy', 'eip2930', 'eip1559', 'eip4844', 'eip7702'].indexOf(type)))),
    gasPrice: hex(feeCap),
    ...(isPriced ? {} : { maxFeePerGas: hex(feeCap), maxPriorityFeePerGas: hex(tip) }),
    blockHash: null,
    blockNumber: null,
    transactionIndex: null,
  }
}
