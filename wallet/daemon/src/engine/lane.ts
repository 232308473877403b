import type { Funds } from '../chains/chain-adapter.ts'
import { oneAtATime } from './one-at-a-time.ts'

/**
 * Gives out the sequence numbers of one account, in order and without gaps. Those who wait together get numbers one
 * after the other, and make their signatures at the same time; nobody gets a number while these are made. Between
 * uses the numbers are known without asking; after a doubt the chain and the store are asked again.
 *
 * Nothing is signed above a number whose bytes no node has taken yet, beyond what nodes keep for one account, or that the
 * account's coins cannot pay together with everything that is out.
 */
export type Lane = {
  /**
   * Runs `use` with the next number. A number that is not used is given out again, and what was made for a number
   * after it is forgotten and made once more. Storing may go on while the next ones are made: where it turns out not
   * to hold, the chain and the store are asked again.
   */
  take: <Made, Value>(use: Use<Made, Value>) => Promise<Taken<Value>>
  /** Runs `work` alone for the lowest number that nobody uses and that keeps later ones waiting. */
  fillGap: (work: (sequence: bigint, next: bigint) => Promise<boolean>) => Promise<'filled' | 'not filled' | 'no gap'>
  /** A node took the bytes with this number, or a block has them. */
  accepted: (sequence: bigint) => void
  /** The bytes with this number were handed over, and no node is known to have them. */
  notAccepted: (sequence: bigint) => void
  /** Other bytes with this number were stored, which may cost this much. */
  costs: (sequence: bigint, cost: bigint) => void
  /** Forgets what it knows: a number may have been lost, or used by somebody else. */
  doubt: () => void
}

export type Taken<Value> =
  | { ok: true; value: Value }
  /** `lasting`: asking again does not help. `held`: the operator holds the account. `behind`: an earlier one comes first. */
  | { ok: false; message: string; lasting: boolean; held?: true; behind?: true }
  /** The account's coins do not cover it. */
  | { ok: false; short: bigint }

export type Use<Made, Value> = {
  /**
   * Makes what uses the number up, which stays in this process; a `value` says that the number is not used. It may be
   * called again, with another number. `cost`: the most that it takes from the account's coins.
   */
  make: (sequence: bigint) => Promise<{ made: Made; cost: bigint } | { value: Value }>
  /** Stores what was made; `next`: the account's next number before it. `held` false: it was not stored. */
  store: (made: Made, next: bigint) => Promise<{ held: boolean; value: Value }>
}

export type Numbers = {
  /** Transactions of the account in the newest block. */
  count: bigint
  /** The first number never given out. */
  next: bigint
  /** Free numbers below it, ascending. */
  gaps: readonly bigint[]
  /** What may be taken from the account's coins by number, of bytes that may take effect. */
  costs: ReadonlyMap<bigint, bigint>
  /** Numbers whose bytes no node is known to have. */
  notAccepted: ReadonlySet<bigint>
  /** How many may be unconsumed at once. */
  most: number
}

export type NumbersRead = { ok: true; numbers: Numbers } | Extract<Taken<never>, { lasting: boolean }>
export type LaneSource = {
  numbers: () => Promise<NumbersRead>
  /** The account's coins, and how many transactions it had made, in one block: one of a moment ago, or the newest. */
  funds: (which: 'recent' | 'newest') => Promise<({ ok: true } & Funds) | { ok: false; message: string }>
  /** Whether a block is known to have one of these numbers. */
  inBlocks: (sequences: readonly bigint[]) => Promise<boolean>
}

/** Signatures made at the same time. */
const MOST_TOGETHER = 32

export function createLane(source: LaneSource): Lane {
  let known: Known | undefined
  /** What nodes said of numbers while these were read: newer than what is read. */
  let said: { sequence: bigint; accepted: boolean }[] = []
  const tell = (sequence: bigint, accepted: boolean) => {
    if (known === undefined) said.push({ sequence, accepted })
    else if (accepted) known.notAccepted.delete(sequence)
    else known.notAccepted.add(sequence)
  }
  const waiting: Entry[] = []
  const storing = new Set<Promise<unknown>>()
  const doubt = () => {
    known = undefined
  }
  const alone = oneAtATime(doubt)
  const coins = createCoins(source, doubt)

  /** What is being stored is not in the store yet: reading waits for it. */
  const load = async () => {
    if (known !== undefined) return { ok: true as const, numbers: known }
    await Promise.all(storing)
    said = []
    const answer = await source.numbers()
    if (!answer.ok) return answer
    known = trimmed(answer.numbers)
    for (const { sequence, accepted } of said.splice(0)) tell(sequence, accepted)
    return { ok: true as const, numbers: known }
  }
  const keepInMind = (stored: Promise<void>) => {
    const end = stored.finally(() => storing.delete(end))
    storing.add(end)
  }
  const refuseAll = (entries: readonly Entry[], why: Refusal) => entries.forEach((entry) => void entry.refuse(why))

  /** Serves those who wait, the first of them for good; who comes after one that used no number may wait again. */
  const serve = async () => {
    const entries = waiting.splice(0, MOST_TOGETHER)
    if (entries.length === 0) return
    const loaded = await load().catch((error: unknown) => ({ ok: 'thrown' as const, error }))
    if (loaded.ok !== true) return refuseAll(entries, loaded)
    const { numbers } = loaded
    const [blocked] = numbers.notAccepted
    if (blocked !== undefined) return refuseAll(entries, waitBehind(`number ${blocked} is taken by a node`))
    const sequences = upcoming(numbers, entries.length)
    const [first, ...made] = await Promise.all([
      coins.read(numbers, 'recent'),
      ...entries.map((entry, index) => entry.make(sequences[index]!)),
    ])
    if (!first.ok) return refuseAll(entries, first)
    const room = numbers.most - numbersFrom(numbers, numbers.count).length
    if (room <= 0) return refuseAll(entries, waitBehind(`the ${numbers.most} before it are in blocks`))
    let reading = first
    let used = 0
    for (const [index, one] of made.entries()) {
      if (one === undefined || used >= room) break
      const covered = await coins.cover(numbers, one.cost, reading)
      if (!covered.ok) {
        entries[index]!.refuse(covered)
        made[index] = undefined
        break
      }
      reading = covered
      const { next } = numbers
      numbers.costs.set(sequences[index]!, one.cost)
      use(numbers, sequences[index]!)
      keepInMind(one.store(next))
      used += 1
    }
    const again = entries.filter((_, index) => index >= used && made[index] !== undefined)
    // Those beyond the room wait for blocks; those after one that used no number are made once more.
    if (used >= room) refuseAll(again, waitBehind(`the ${numbers.most} before it are in blocks`))
    else waiting.unshift(...again)
  }

  return {
    take: (use) =>
      new Promise((resolve, reject) => {
        waiting.push(entryOf(use, doubt, { resolve, reject }))
        // As many turns as entries, and each serves one for good: none is left over.
        alone(serve).catch(reject)
      }),
    fillGap: (work) =>
      alone(async () => {
        const loaded = await load()
        if (!loaded.ok) return 'not filled'
        const { numbers } = loaded
        const sequence = numbers.gaps[0]
        if (sequence === undefined) return 'no gap'
        if (!(await work(sequence, numbers.next))) return 'not filled'
        use(numbers, sequence)
        return 'filled'
      }),
    accepted: (sequence) => tell(sequence, true),
    notAccepted: (sequence) => tell(sequence, false),
    costs: (sequence, cost) => {
      if (known !== undefined && cost > (known.costs.get(sequence) ?? 0n)) known.costs.set(sequence, cost)
    },
    doubt,
  }
}

/**
 * What of the account's coins is not given away. Nodes may show different blocks; each reading is right by itself,
 * with the costs of what was not in a block by then.
 */
function createCoins(source: LaneSource, doubt: () => void) {
  const read = async (numbers: Known, which: 'recent' | 'newest'): Promise<Read> => {
    const funds = await source.funds(which)
    if (!funds.ok) return { ok: false, message: funds.message, lasting: false }
    const { balance, count } = funds
    // What was taken from these coins later is not known any more.
    if (count < numbers.from) {
      if (which === 'recent') return await read(numbers, 'newest')
      doubt()
      return waitBehind('the nodes show the newest blocks again')
    }
    if (count > numbers.count) forgetCosts(numbers, count)
    return { ok: true, balance, count }
  }
  return {
    read,
    /** The reading, or a newer one where it does not cover one more of this cost; or why it is not signed. */
    cover: async (numbers: Known, cost: bigint, known: Reading): Promise<Read | { ok: false; short: bigint }> => {
      if (costFrom(numbers, known.count) + cost <= known.balance) return known
      const newest = await read(numbers, 'newest')
      if (!newest.ok) return newest
      const short = costFrom(numbers, newest.count) + cost - newest.balance
      if (short <= 0n) return newest
      // A count without what blocks are known to have says nothing of the coins.
      const isBehind = await source.inBlocks(numbersFrom(numbers, newest.count))
      return isBehind ? waitBehind('the nodes show what is in blocks already') : { ok: false, short }
    },
  }
}

/** Numbers below the highest count that was seen whose costs are kept, for nodes that are behind. */
const MOST_BEHIND = 64n

function forgetCosts(numbers: Known, count: bigint): void {
  numbers.count = count
  if (count - MOST_BEHIND > numbers.from) numbers.from = count - MOST_BEHIND
  for (const sequence of numbers.costs.keys()) if (sequence < numbers.from) numbers.costs.delete(sequence)
}

function numbersFrom({ costs }: Known, count: bigint): bigint[] {
  return [...costs.keys()].filter((sequence) => sequence >= count)
}

function costFrom({ costs }: Known, count: bigint): bigint {
  let total = 0n
  for (const [sequence, cost] of costs) if (sequence >= count) total += cost
  return total
}

type Known = {
  /** The highest that was seen. */
  count: bigint
  /** The lowest number from which on all costs are known. */
  from: bigint
  next: bigint
  gaps: bigint[]
  costs: Map<bigint, bigint>
  notAccepted: Set<bigint>
  most: number
}
type Reading = { ok: true } & Funds
type Read = Reading | Extract<Taken<never>, { lasting: boolean }>
type Refusal = Exclude<Taken<never>, { ok: true }> | { ok: 'thrown'; error: unknown }

function waitBehind(until: string): Extract<Taken<never>, { lasting: boolean }> {
  return { ok: false, message: `It is signed when ${until}.`, lasting: false, behind: true }
}

/** One that waits for a number. */
type Entry = {
  /** How to store what was made, given the account's next number; `undefined` where the number is not used. */
  make: (sequence: bigint) => Promise<{ cost: bigint; store: (next: bigint) => Promise<void> } | undefined>
  refuse: (why: Refusal) => void
}

function entryOf<Made, Value>(
  { make, store }: Use<Made, Value>,
  doubt: () => void,
  promise: { resolve: (answer: Taken<Value>) => void; reject: (error: unknown) => void },
): Entry {
  const fail = (error: unknown) => {
    doubt()
    promise.reject(error)
  }
  const keep = async (made: Made, next: bigint) => {
    const { held, value } = await store(made, next)
    if (!held) doubt()
    promise.resolve({ ok: true, value })
  }
  return {
    make: async (sequence) => {
      try {
        const answer = await make(sequence)
        if ('made' in answer) {
          return { cost: answer.cost, store: (next) => keep(answer.made, next).catch(fail) }
        }
        promise.resolve({ ok: true, value: answer.value })
      } catch (error) {
        fail(error)
      }
      return undefined
    },
    refuse: (why) => (why.ok === 'thrown' ? fail(why.error) : promise.resolve(why)),
  }
}

/** The numbers that the next ones get. */
function upcoming({ next, gaps }: Known, count: number): bigint[] {
  const fresh = Array.from({ length: count }, (_, index) => next + BigInt(index))
  return [...gaps, ...fresh].slice(0, count)
}

function use(numbers: Known, sequence: bigint): void {
  if (numbers.gaps[0] === sequence) numbers.gaps.shift()
  else numbers.next = sequence + 1n
}

/** Free numbers at the very end are simply not given out yet. */
function trimmed({ count, next, gaps, costs, notAccepted, most }: Numbers): Known {
  const free = [...gaps]
  let end = next
  while (free.at(-1) === end - 1n) {
    free.pop()
    end -= 1n
  }
  const from = [...costs.keys()].reduce((least, each) => (each < least ? each : least), count)
  return { count, from, next: end, gaps: free, costs: new Map(costs), notAccepted: new Set(notAccepted), most }
}
