import type { SolanaPersonality, SolanaSituation } from '../personalities/solana-personality.ts'
import type { SolanaAct } from './acts.ts'
import type { Outcome, Upstream } from './upstream.ts'
import { type Values, wordsOf } from './words.ts'

/** What one Solana node shows of the chain: its head, the history it has, its health. */
export class SolanaView {
  readonly #upstream: Upstream
  readonly #personality: SolanaPersonality
  #behind = 0
  #isUnhealthy = false
  #firstAvailable = 0
  #holes: { readonly from: number; readonly to: number }[] = []
  readonly #forgotten = new Set<string>()

  constructor(upstream: Upstream, personality: SolanaPersonality) {
    this.#upstream = upstream
    this.#personality = personality
  }

  act(act: Exclude<SolanaAct, { kind: 'nextSend' | 'release' | 'throttle' | 'answers' | 'heal' | 'lacks' }>): void {
    if (act.kind === 'behind') this.#behind = act.slots
    if (act.kind === 'unhealthy') this.#isUnhealthy = true
    if (act.kind === 'snapshot') this.#firstAvailable = act.firstAvailable
    if (act.kind === 'hole') this.#holes.push(act)
    if (act.kind === 'forget') for (const signature of act.signatures) this.#forgotten.add(signature)
  }

  heal(): void {
    this.#behind = 0
    this.#isUnhealthy = false
    this.#firstAvailable = 0
    this.#holes = []
    this.#forgotten.clear()
  }

  /** Why the node is unhealthy, as an error; undefined where it is well. */
  unhealth(): Outcome | undefined {
    if (this.#isUnhealthy) return this.refuse('nodeUnhealthy')
    return this.#behind > HEALTHY_DISTANCE ? this.refuse('nodeBehind', { behind: this.#behind }) : undefined
  }

  async read(method: string, params: readonly unknown[]): Promise<Outcome> {
    if (method === 'getHealth') return this.unhealth() ?? { result: 'ok' }
    if (this.#lacksHistory(method, params)) return this.refuse('historyNotAvailable')
    const early = (await this.#tooNew(params)) ?? (await this.#own(method, params))
    if (early) return early
    const outcome = await this.#upstream.send(method, params)
    return 'error' in outcome ? outcome : this.#censor(method, params, outcome.result)
  }

  refuse(situation: SolanaSituation, values: Values = {}): Outcome {
    const words = this.#personality.says[situation]
    if (!words) throw new TypeError(`${this.#personality.name} has no words for ${situation}`)
    const { code, message } = wordsOf(words, values)
    const data = words.data === undefined ? {} : { data: fillNumbers(words.data, values) }
    return { error: { code, message, ...data } }
  }

  /** rpc/src/rpc.rs check_if_transaction_history_enabled: where it is called. */
  #lacksHistory(method: string, params: readonly unknown[]): boolean {
    if (this.#personality.history) return false
    const searches =
      (params[1] as { searchTransactionHistory?: unknown } | undefined)?.searchTransactionHistory === true
    return HISTORY_METHODS.has(method) || (method === 'getSignatureStatuses' && searches)
  }

  async #tooNew(params: readonly unknown[]): Promise<Outcome | undefined> {
    const config = params.findLast((param) => typeof param === 'object' && param !== null && !Array.isArray(param))
    const wanted = (config as { minContextSlot?: number } | undefined)?.minContextSlot
    if (this.#behind === 0 || wanted === undefined) return undefined
    const { processed } = await this.#heads()
    return wanted > processed ? this.refuse('minContextSlot', { slot: processed }) : undefined
  }

  /** What this node answers of its own, without the one behind. */
  async #own(method: string, params: readonly unknown[]): Promise<Outcome | undefined> {
    const isSnapshot = this.#firstAvailable > 0
    if (isSnapshot && (method === 'getFirstAvailableBlock' || method === 'minimumLedgerSlot')) {
      return { result: this.#firstAvailable }
    }
    if (method === 'getBlock' || method === 'getBlockTime') {
      const missing = await this.#missingBlock(Number(params[0]))
      return missing ?? (method === 'getBlock' ? this.#unsupported(params[1]) : undefined)
    }
    if (this.#behind === 0) return undefined
    const commitment = commitmentOf(method === 'getLatestBlockhash' || HEAD_METHODS.has(method) ? params[0] : undefined)
    if (method === 'getSlot') return { result: (await this.#heads())[commitment] }
    if (!HEAD_METHODS.has(method) && method !== 'getLatestBlockhash') return undefined
    const heads = await this.#heads()
    const block = await this.#blockAt(heads[commitment])
    if (method === 'getBlockHeight') return { result: block.blockHeight }
    if (method === 'getEpochInfo') {
      const epoch = (await this.#upstream.result(method, params)) as object
      return { result: { ...epoch, absoluteSlot: heads[commitment], blockHeight: block.blockHeight } }
    }
    const value = { blockhash: block.blockhash, lastValidBlockHeight: block.blockHeight + BLOCKHASH_LIFETIME }
    return { result: { context: { slot: heads.processed }, value } }
  }

  /**
   * Blocks of mainnet hold version 1 transactions of others since September 2026; one of them fails the whole call.
   * Source: chainstack/dev-portal#691 (solana-core 4.2.2), helius-labs/core-ai#183 (`signatures` is not affected).
   */
  #unsupported(config: unknown): Outcome | undefined {
    const { transactionDetails = 'full', maxSupportedTransactionVersion: most = -1 } = (config ?? {}) as BlockConfig
    const showsVersions = transactionDetails === 'full' || transactionDetails === 'accounts'
    return showsVersions && most < 1 ? this.refuse('unsupportedVersion', { version: 1 }) : undefined
  }

  async #missingBlock(slot: number): Promise<Outcome | undefined> {
    if (slot < this.#firstAvailable) return this.refuse('blockCleanedUp', { slot, first: this.#firstAvailable })
    if (this.#holes.some(({ from, to }) => from <= slot && slot <= to)) return this.refuse('slotSkipped', { slot })
    if (this.#behind > 0 && slot > (await this.#heads()).confirmed) return this.refuse('blockNotAvailable', { slot })
    return undefined
  }

  async #censor(method: string, params: readonly unknown[], result: unknown): Promise<Outcome> {
    const heads = this.#behind > 0 ? await this.#heads() : undefined
    const isKnown = (slot: number, newest: number | undefined) =>
      slot >= this.#firstAvailable &&
      !this.#holes.some(({ from, to }) => from <= slot && slot <= to) &&
      (newest === undefined || slot <= newest)
    if (method === 'getBlocks' || method === 'getBlocksWithLimit') {
      return { result: (result as number[]).filter((slot) => isKnown(slot, heads?.confirmed)) }
    }
    if (method === 'getTransaction') {
      const transaction = result as { slot: number } | null
      const isShown =
        transaction && !this.#forgotten.has(String(params[0])) && isKnown(transaction.slot, heads?.confirmed)
      return { result: isShown ? transaction : null }
    }
    if (method === 'getSignaturesForAddress') {
      const list = result as { slot: number; signature: string }[]
      const shown = list.filter(
        ({ slot, signature }) => isKnown(slot, heads?.confirmed) && !this.#forgotten.has(signature),
      )
      return { result: shown }
    }
    if (method === 'getSignatureStatuses') {
      const { context, value } = result as { context: Context; value: (Status | null)[] }
      const signatures = params[0] as string[]
      const statuses = value.map((status, index) => {
        if (!status || this.#forgotten.has(signatures[index] ?? '')) return null
        return isKnown(status.slot, heads?.processed) ? lowered(status, heads) : null
      })
      return { result: { context: heads ? { ...context, slot: heads.processed } : context, value: statuses } }
    }
    return { result: heads ? withSlot(result, heads.processed) : result }
  }

  async #heads(): Promise<Heads> {
    const commitments = ['processed', 'confirmed', 'finalized'] as const
    const slots = await this.#upstream.sendAll(commitments.map((commitment) => ['getSlot', [{ commitment }]]))
    const [processed, confirmed, finalized] = slots.map((outcome) =>
      Math.max(0, Number('result' in outcome ? outcome.result : 0) - this.#behind),
    ) as [number, number, number]
    return { processed, confirmed, finalized }
  }

  async #blockAt(slot: number): Promise<BlockJson> {
    const options = { transactionDetails: 'none', rewards: false, commitment: 'confirmed' }
    const slots = (await this.#upstream.result('getBlocks', [
      Math.max(0, slot - SEARCHED_SLOTS),
      slot,
      options,
    ])) as number[]
    const newest = slots.at(-1)
    if (newest === undefined) throw new RangeError(`there is no block as old as slot ${slot}`)
    return (await this.#upstream.result('getBlock', [newest, options])) as BlockJson
  }
}

/** Slots that a healthy node may be behind: rpc/src/rpc_service.rs, health_check_slot_distance. */
const HEALTHY_DISTANCE = 128
const BLOCKHASH_LIFETIME = 150
const SEARCHED_SLOTS = 64

const HISTORY_METHODS: ReadonlySet<string> = new Set(['getBlock', 'getTransaction', 'getSignaturesForAddress'])
const HEAD_METHODS: ReadonlySet<string> = new Set(['getSlot', 'getBlockHeight', 'getEpochInfo'])

type Heads = { readonly processed: number; readonly confirmed: number; readonly finalized: number }
type Context = { readonly slot: number }
type Status = { readonly slot: number; readonly confirmationStatus: string; readonly confirmations: number | null }
type BlockConfig = { readonly transactionDetails?: string; readonly maxSupportedTransactionVersion?: number }
type BlockJson = { readonly blockhash: string; readonly blockHeight: number }

function commitmentOf(config: unknown): keyof Heads {
  const { commitment } = (config ?? {}) as { commitment?: keyof Heads }
  return commitment ?? 'finalized'
}

/** The status as a node sees it whose head is older. */
function lowered(status: Status, heads: Heads | undefined): Status {
  if (!heads || status.slot <= heads.finalized) return status
  const confirmationStatus = status.slot <= heads.confirmed ? 'confirmed' : 'processed'
  return { ...status, confirmationStatus, confirmations: heads.processed - status.slot }
}

function withSlot(result: unknown, slot: number): unknown {
  if (typeof result !== 'object' || result === null || !('context' in result)) return result
  return { ...result, context: { ...(result.context as object), slot } }
}

/** `{name}` as a whole value becomes the number itself. */
function fillNumbers(data: unknown, values: Values): unknown {
  if (typeof data !== 'object' || data === null) return data
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => {
      const name = typeof value === 'string' ? /^\{(\w+)\}$/.exec(value)?.[1] : undefined
      return [key, name === undefined ? value : Number(values[name] ?? 0)]
    }),
  )
}
