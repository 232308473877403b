/**
 * Hands out the sequence numbers of one account, in order and without gaps. Those who wait together get numbers one
 * after the other, and make their signatures at the same time; nobody gets a number while these are made. Between
 * uses the numbers are known without asking; after a doubt the chain and the store are asked again.
 */
export type Lane = {
  /**
   * Runs `use` with the next number. A number that is not used is handed out again, and what was made for a number
   * after it is forgotten and made anew. Storing may go on while the next ones are made: where it turns out not to
   * hold, the chain and the store are asked again.
   */
  take: <Made, Value>(
    use: Use<Made, Value>,
  ) => Promise<{ ok: true; value: Value } | Extract<NumbersRead, { ok: false }>>
  /** Runs `work` alone for the first gap that keeps later numbers waiting. `work` answers whether it filled it. */
  fillGap: (work: (sequence: bigint, next: bigint) => Promise<boolean>) => Promise<'filled' | 'not filled' | 'no gap'>
  /** Forgets what it knows: a number may have been lost, or used by somebody else. */
  doubt: () => void
}

export type Use<Made, Value> = {
  /**
   * Makes what uses the number up, which stays in this process; a `value` says that the number is not used. It may be
   * called again, with another number.
   */
  make: (sequence: bigint) => Promise<{ made: Made } | { value: Value }>
  /** Stores what was made; `next`: the account's next number before it. `held` false: it was not stored. */
  store: (made: Made, next: bigint) => Promise<{ held: boolean; value: Value }>
}

export type Numbers = {
  /** The first number never handed out. */
  next: bigint
  /** Free numbers below it, ascending. */
  gaps: readonly bigint[]
}

/** `lasting`: asking again does not help, somebody has to mend it. */
export type NumbersRead = { ok: true; numbers: Numbers } | { ok: false; message: string; lasting: boolean }
export type ReadNumbers = () => Promise<NumbersRead>

/** Signatures made at the same time. */
const MOST_TOGETHER = 32

export function createLane(read: ReadNumbers): Lane {
  let known: Known | undefined
  const waiting: Entry[] = []
  const storing = new Set<Promise<unknown>>()
  const doubt = () => {
    known = undefined
  }
  const alone = oneAtATime(doubt)

  /** What is being stored is not in the store yet: reading waits for it. */
  const load = async () => {
    if (known !== undefined) return { ok: true as const, numbers: known }
    await Promise.all(storing)
    const answer = await read()
    if (!answer.ok) return answer
    known = trimmed(answer.numbers)
    return { ok: true as const, numbers: known }
  }
  const keepInMind = (stored: Promise<void>) => {
    const end = stored.finally(() => storing.delete(end))
    storing.add(end)
  }
  /** Serves those who wait, the first of them for good; who comes after one that used no number may wait again. */
  const serve = async () => {
    const entries = waiting.splice(0, MOST_TOGETHER)
    if (entries.length === 0) return
    const loaded = await load().catch((error: unknown) => ({ ok: 'thrown' as const, error }))
    if (loaded.ok !== true) return entries.forEach((entry) => void entry.refuse(loaded))
    const { numbers } = loaded
    const sequences = upcoming(numbers, entries.length)
    const made = await Promise.all(entries.map((entry, index) => entry.make(sequences[index]!)))
    const used = made.includes(undefined) ? made.indexOf(undefined) : made.length
    for (const [index, store] of made.slice(0, used).entries()) {
      const { next } = numbers
      use(numbers, sequences[index]!)
      keepInMind(store!(next))
    }
    waiting.unshift(...entries.filter((_, index) => index > used && made[index] !== undefined))
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
    doubt,
  }
}

type Known = { next: bigint; gaps: bigint[] }

/** One that waits for a number. */
type Entry = {
  /** Answers how to store what was made, given the account's next number; `undefined` where the number is not used. */
  make: (sequence: bigint) => Promise<((next: bigint) => Promise<void>) | undefined>
  refuse: (why: Extract<NumbersRead, { ok: false }> | { ok: 'thrown'; error: unknown }) => void
}

function entryOf<Made, Value>(
  { make, store }: Use<Made, Value>,
  doubt: () => void,
  promise: {
    resolve: (answer: { ok: true; value: Value } | Extract<NumbersRead, { ok: false }>) => void
    reject: (error: unknown) => void
  },
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
        if ('made' in answer) return (next) => keep(answer.made, next).catch(fail)
        promise.resolve({ ok: true, value: answer.value })
      } catch (error) {
        fail(error)
      }
      return undefined
    },
    refuse: (why) => (why.ok === 'thrown' ? fail(why.error) : promise.resolve(why)),
  }
}

/** Runs pieces of work one after another; calls `onFault` when one throws, before the next one starts. */
function oneAtATime(onFault: () => void) {
  let tail: Promise<unknown> = Promise.resolve()
  return <Value>(work: () => Promise<Value>): Promise<Value> => {
    const result = tail.then(work)
    tail = result.catch(onFault)
    return result
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

/** Free numbers at the very end are simply not handed out yet. */
function trimmed({ next, gaps }: Numbers): Known {
  const free = [...gaps]
  let end = next
  while (free.at(-1) === end - 1n) {
    free.pop()
    end -= 1n
  }
  return { next: end, gaps: free }
}
