import type { RpcError } from '../misbehaviour.ts'
import type { SendAct } from './acts.ts'

/** The acts that wait for the next transactions, in the order in which they were given. */
export class SendActs<Situation> {
  #acts: { act: SendAct<Situation>; left: number }[] = []

  add(act: SendAct<Situation>): void {
    this.#acts.push({ act, left: act.times === 'always' ? Number.POSITIVE_INFINITY : (act.times ?? 1) })
  }

  /** The act for the transaction that comes in now, used up by one. */
  take(): SendAct<Situation> | undefined {
    const [first] = this.#acts
    if (!first) return undefined
    first.left -= 1
    if (first.left <= 0) this.#acts.shift()
    return first.act
  }

  clear(): void {
    this.#acts = []
  }
}

/** Transactions that the node has taken and not yet passed on. */
export class HeldTransactions<Item extends { readonly id: string }> {
  readonly #items = new Map<string, Item>()
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #passOn: (item: Item) => Promise<void>

  constructor(passOn: (item: Item) => Promise<void>) {
    this.#passOn = passOn
  }

  hold(item: Item, afterMs: number | undefined): void {
    this.#items.set(item.id, item)
    if (afterMs === undefined) return
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.release((candidate) => candidate.id === item.id).catch(() => {
        // The node behind is gone: the transaction never gets to the chain.
      })
    }, afterMs)
    this.#timers.add(timer)
  }

  /** Passes on held items that match the filter (default: all), in order of arrival. */
  async release(isMeant: (item: Item) => boolean = () => true): Promise<void> {
    for (const item of [...this.#items.values()].filter(isMeant)) {
      this.#items.delete(item.id)
      await this.#passOn(item)
    }
  }

  values(): Item[] {
    return [...this.#items.values()]
  }

  get(id: string): Item | undefined {
    return this.#items.get(id)
  }

  delete(id: string): void {
    this.#items.delete(id)
  }

  stop(): void {
    for (const timer of this.#timers) clearTimeout(timer)
  }
}

export function isSituation<Situation>(
  answer: { readonly situation: Situation } | RpcError,
): answer is { readonly situation: Situation } {
  return 'situation' in answer
}
