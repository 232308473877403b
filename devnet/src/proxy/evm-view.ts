import type { EvmPersonality, EvmSituation } from '../personalities/evm-personality.ts'
import type { EvmAct } from './acts.ts'
import type { Outcome, Upstream } from './upstream.ts'
import { wordsOf } from './words.ts'

type ActOf<Kind extends EvmAct['kind']> = Extract<EvmAct, { kind: Kind }>

/** What one EVM node shows of the chain: its head, its finality, what it has forgotten, and how it words errors. */
export class EvmView {
  readonly #upstream: Upstream
  readonly #personality: EvmPersonality
  #behind = 0
  #forgotten: ActOf<'forget'>[] = []
  #receiptsLateBy = 0
  #hasPrices = true
  readonly #refuses = new Set<string>()
  readonly #stale = new Map<string, unknown>()
  #finality: { readonly is: 'null' | 'missing' | 'at' | 'latest'; readonly number: number } | undefined

  constructor(upstream: Upstream, personality: EvmPersonality) {
    this.#upstream = upstream
    this.#personality = personality
  }

  async act(
    act: ActOf<
      Exclude<EvmAct['kind'], 'nextSend' | 'release' | 'throttle' | 'answers' | 'heal' | 'lacks' | 'pendingCount'>
    >,
  ) {
    switch (act.kind) {
      case 'behind':
        this.#behind = act.blocks
        return
      case 'forget':
        this.#forgotten.push(act)
        return
      case 'lateReceipts':
        this.#receiptsLateBy = act.blocks
        return
      case 'receiptsWithoutPrice':
        this.#hasPrices = false
        return
      case 'refuses':
        this.#refuses.add(act.what)
        return
      case 'staleReceipts':
        return this.#keepReceipts(act.from)
      case 'finality':
        this.#finality = await this.#finalityOf(act.is)
    }
  }

  heal(): void {
    this.#behind = 0
    this.#forgotten = []
    this.#receiptsLateBy = 0
    this.#hasPrices = true
    this.#refuses.clear()
    this.#stale.clear()
    this.#finality = undefined
  }

  /** The number of the newest block that the node has. */
  async head(): Promise<number> {
    return Math.max(0, Number(await this.#upstream.result('eth_blockNumber', [])) - this.#behind)
  }

  /** What to read state at. */
  async headTag(): Promise<string> {
    return this.#behind === 0 ? 'latest' : hex(await this.head())
  }

  /** Answers a read as this node sees the chain. */
  async read(method: string, params: readonly unknown[]): Promise<Outcome> {
    if (method === 'eth_blockNumber') return { result: hex(await this.head()) }
    const placed = await this.#place(method, params)
    if ('answer' in placed) return placed.answer
    const outcome = await this.#upstream.send(method, placed.params)
    if ('error' in outcome) return this.#reword(outcome)
    return outcome.result === null ? outcome : this.#censor(method, outcome.result)
  }

  /** Puts the block parameter where this node's head and finality are; or the answer, where that decides it. */
  async #place(method: string, params: readonly unknown[]): Promise<Placed> {
    const index = BLOCK_PARAMETERS[method]
    if (index === undefined) return { params }
    const asked = params[index] ?? 'latest'
    if (typeof asked === 'object') return this.#placeObject(method, params, asked as BlockObject)
    if (typeof asked !== 'string') return { params }
    const withBlock = (block: string): Placed => ({ params: params.with(Math.min(index, params.length), block) })
    if (asked === 'finalized' || asked === 'safe') return this.#placeFinal(asked, withBlock)
    if (asked === 'pending' && this.#refuses.has('pendingTag')) {
      return { answer: this.#refuse('pendingMissing', { code: -32000, message: 'pending block is not available' }) }
    }
    if (asked === 'latest' || asked === 'pending') {
      return this.#behind === 0 ? { params } : withBlock(hex(await this.head()))
    }
    if (!/^0x[0-9a-f]+$/i.test(asked)) return { params }
    return (await this.#missingAt(method, Number(asked))) ?? { params }
  }

  /** EIP-1898: `{blockHash}` or `{blockNumber}`. */
  async #placeObject(method: string, params: readonly unknown[], asked: BlockObject): Promise<Placed> {
    if (this.#refuses.has('blockObjects')) {
      return { answer: this.#refuse('blockHashObject', { code: -32602, message: 'Invalid params' }) }
    }
    const { blockHash, blockNumber } = asked
    const block = blockHash ? await this.#upstream.result('eth_getBlockByHash', [blockHash, false]) : undefined
    const number = block ? (block as { number: string }).number : blockNumber
    return (number === undefined ? undefined : await this.#missingAt(method, Number(number))) ?? { params }
  }

  async #placeFinal(tag: 'finalized' | 'safe', withBlock: (block: string) => Placed): Promise<Placed> {
    const finality = this.#finality
    const isMissing = finality ? finality.is === 'missing' : this.#says(`${tag}Missing`)
    if (isMissing) return { answer: this.#refuse(`${tag}Missing`, { code: -32000, message: `${tag} block not found` }) }
    if (finality?.is === 'null') return { answer: { result: null } }
    if (finality?.is === 'at') return withBlock(hex(finality.number))
    if (finality?.is === 'latest') return withBlock(hex(await this.head()))
    return withBlock(tag)
  }

  /** What the node answers where it has not the block of this number, or not its state; undefined where it has. */
  async #missingAt(method: string, number: number): Promise<Placed | undefined> {
    const readsState = STATE_METHODS.has(method)
    const { stateBlocks } = this.#personality
    if (this.#behind === 0 && !(readsState && stateBlocks !== undefined) && !this.#forgets('bodies', number)) {
      return undefined
    }
    const head = await this.head()
    if (number > head)
      return {
        answer: readsState ? this.#refuse('unknownBlock', UNKNOWN_BLOCK, { block: hex(number) }) : { result: null },
      }
    if (readsState && stateBlocks !== undefined && head - number >= stateBlocks) {
      const block = await this.#upstream.result('eth_getBlockByNumber', [hex(number), false])
      const root = (block as { stateRoot: string }).stateRoot.slice(2)
      return { answer: this.#refuse('stateMissing', undefined, { number, root, head }) }
    }
    const isBodyMissing = !readsState && this.#forgets('bodies', number)
    return isBodyMissing ? { answer: this.#bodyMissing(number) } : undefined
  }

  async #censor(method: string, result: unknown): Promise<Outcome> {
    if (method === 'eth_getTransactionReceipt') return this.#receipt(result as Receipt)
    if (method === 'eth_getTransactionByHash') return this.#transaction(result as Mined)
    if (method === 'eth_getBlockByHash') return this.#blockByHash(result as { number: string })
    if (method === 'eth_getBlockReceipts') {
      const receipts = result as Receipt[]
      const isForgotten = receipts.some(({ blockNumber }) => this.#forgets('receipts', Number(blockNumber)))
      return { result: isForgotten ? null : receipts.map((one) => this.#priced(one)) }
    }
    return { result }
  }

  async #receipt(receipt: Receipt): Promise<Outcome> {
    const stale = this.#stale.get(receipt.transactionHash)
    if (stale !== undefined) return { result: stale }
    const number = Number(receipt.blockNumber)
    if (this.#forgets('transactions', number)) return this.#indexMissing()
    if (this.#forgets('receipts', number) || this.#forgets('bodies', number)) return { result: null }
    if (this.#behind > 0 || this.#receiptsLateBy > 0) {
      if ((await this.head()) - number < this.#receiptsLateBy) return { result: null }
    }
    return { result: this.#priced(receipt) }
  }

  async #transaction(transaction: Mined): Promise<Outcome> {
    if (transaction.blockNumber === null) return { result: transaction }
    const number = Number(transaction.blockNumber)
    if (this.#forgets('transactions', number) || this.#forgets('bodies', number)) return this.#indexMissing()
    if (this.#behind === 0 || number <= (await this.head())) return { result: transaction }
    return { result: { ...transaction, blockHash: null, blockNumber: null, transactionIndex: null } }
  }

  async #blockByHash(block: { number: string }): Promise<Outcome> {
    const number = Number(block.number)
    if (this.#forgets('bodies', number)) return this.#bodyMissing(number)
    return { result: this.#behind > 0 && number > (await this.head()) ? null : block }
  }

  #priced(receipt: Receipt): object {
    if (this.#hasPrices) return receipt
    const { effectiveGasPrice: _, ...rest } = receipt
    return rest
  }

  /** Without words of its own the node answers null. */
  #bodyMissing(number: number): Outcome {
    const ends = this.#forgotten.map(({ to }) => (to ?? number) + 1)
    const values = { number, first: Math.max(...ends) }
    return this.#says('bodyMissing') ? this.#refuse('bodyMissing', undefined, values) : { result: null }
  }

  #indexMissing(): Outcome {
    return this.#says('indexing') ? this.#refuse('indexing') : { result: null }
  }

  #forgets(what: ActOf<'forget'>['what'], number: number): boolean {
    return this.#forgotten.some((act) => act.what === what && act.from <= number && number <= (act.to ?? number))
  }

  async #keepReceipts(from: number): Promise<void> {
    const head = await this.head()
    for (let number = from; number <= head; number++) {
      const receipts = (await this.#upstream.result('eth_getBlockReceipts', [hex(number)])) as Receipt[] | null
      for (const receipt of receipts ?? []) this.#stale.set(receipt.transactionHash, receipt)
    }
  }

  /** A kept receipt of a transaction that the chain no longer has. */
  staleReceipt(hash: unknown): unknown {
    return typeof hash === 'string' ? this.#stale.get(hash.toLowerCase()) : undefined
  }

  async #finalityOf(is: ActOf<'finality'>['is']) {
    if (is !== 'stuck') return is === 'zero' ? ({ is: 'at', number: 0 } as const) : ({ is, number: 0 } as const)
    const block = (await this.#upstream.result('eth_getBlockByNumber', ['finalized', false])) as { number: string }
    return { is: 'at', number: Number(block.number) } as const
  }

  #reword(outcome: { readonly error: { code: number; message: string; data?: unknown } }): Outcome {
    const { message, data } = outcome.error
    const reverted = /^execution reverted(?:: (.*))?$/s.exec(message)
    const words = this.#personality.says.reverted
    if (reverted && words) {
      const reason = reverted[1] ?? ''
      const error = wordsOf(words, { reason, colonReason: reason && `: ${reason}`, data: String(data ?? '0x') })
      return { error: { ...error, data: error.data ?? data } }
    }
    if (/gas required exceeds/i.test(message) && this.#says('gasAllowance')) {
      return this.#refuse('gasAllowance', undefined, { gas: /(\d+)/.exec(message)?.[1] ?? 0 })
    }
    return /BlockOutOfRange|block height is|unknown block/i.test(message)
      ? this.#refuse('unknownBlock', UNKNOWN_BLOCK)
      : outcome
  }

  #says(situation: EvmSituation): boolean {
    return this.#personality.says[situation] !== undefined
  }

  #refuse(situation: EvmSituation, otherwise?: { code: number; message: string }, values = {}): Outcome {
    const words = this.#personality.says[situation]
    if (words) return { error: wordsOf(words, values) }
    return { error: otherwise ?? { code: -32000, message: situation } }
  }
}

const UNKNOWN_BLOCK = { code: -32000, message: 'header not found' }

/** The position of the block in the parameters. */
const BLOCK_PARAMETERS: Readonly<Record<string, number>> = {
  eth_getBalance: 1,
  eth_getCode: 1,
  eth_getTransactionCount: 1,
  eth_getStorageAt: 2,
  eth_getProof: 2,
  eth_call: 1,
  eth_estimateGas: 1,
  eth_createAccessList: 1,
  eth_simulateV1: 1,
  eth_feeHistory: 1,
  eth_getBlockByNumber: 0,
  eth_getBlockReceipts: 0,
  eth_getBlockTransactionCountByNumber: 0,
  eth_getTransactionByBlockNumberAndIndex: 0,
}

const STATE_METHODS: ReadonlySet<string> = new Set([
  'eth_getBalance',
  'eth_getCode',
  'eth_getTransactionCount',
  'eth_getStorageAt',
  'eth_getProof',
  'eth_call',
  'eth_estimateGas',
  'eth_createAccessList',
  'eth_simulateV1',
])

type Placed = { readonly params: readonly unknown[] } | { readonly answer: Outcome }
type BlockObject = { readonly blockHash?: string; readonly blockNumber?: string }
type Mined = { readonly blockNumber: string | null }
type Receipt = { readonly transactionHash: string; readonly blockNumber: string; readonly effectiveGasPrice?: string }

function hex(number: number): string {
  return `0x${number.toString(16)}`
}
