/**
 * Hands out the sequence numbers of one account, one at a time and without gaps: who takes a number keeps
 * everybody else waiting until it is used or given back. Between uses the numbers are known without asking;
 * after a doubt the chain and the store are asked again.
 */
export type Lane = {
  /**
   * Runs `work` alone with the next number. A number that is not used is handed out again. Storing the
   * signature may go on after `work` while the next one signs: where it turns out not to hold, the chain and
   * the store are asked again.
   */
  take: <Value>(
    work: (sequence: bigint, next: bigint) => Promise<Taken<Value>>,
  ) => Promise<{ ok: true; value: Value } | Extract<NumbersRead, { ok: false }>>
  /** Runs `work` alone for the first gap that keeps later numbers waiting. `work` answers whether it filled it. */
  fillGap: (work: (sequence: bigint, next: bigint) => Promise<boolean>) => Promise<'filled' | 'not filled' | 'no gap'>
  /** Forgets what it knows: a number may have been lost, or used by somebody else. */
  doubt: () => void
}

/** What `work` did with its number: nothing, or it is being stored and soon known whether that held. */
export type Taken<Value> = { value: Value } | { storing: Promise<{ held: boolean; value: Value }> }

export type Numbers = {
  /** The first number never handed out. */
  next: bigint
  /** Free numbers below it, ascending. */
  gaps: readonly bigint[]
}

/** `lasting`: asking again does not help, somebody has to mend it. */
export type NumbersRead = { ok: true; numbers: Numbers } | { ok: false; message: string; lasting: boolean }
export type ReadNumbers = () => Promise<NumbersRead>

export function createLane(read: ReadNumbers): Lane {
  let known: { next: bigint; gaps: bigint[] } | undefined
  const storing = new Set<Promise<unknown>>()
  const doubt = () => {
    known = undefined
  }
  const alone = oneAtATime(doubt)

  /** What is being stored is not in the store yet: reading waits for it. */
  const load = async () => {
    if (known !== undefined) return { ok: true as const, numbers: known }
    await Promise.allSettled(storing)
    const answer = await read()
    if (!answer.ok) return answer
    known = trimmed(answer.numbers)
    return { ok: true as const, numbers: known }
  }
  /** Waits, outside of the turn, for the end of the storing. */
  const stored = async <Value>(taken: Extract<Taken<Value>, { storing: unknown }>) => {
    let held = false
    try {
      const outcome = await taken.storing
      held = outcome.held
      return { ok: true as const, value: outcome.value }
    } finally {
      storing.delete(taken.storing)
      if (!held) doubt()
    }
  }

  return {
    take: async <Value>(work: (sequence: bigint, next: bigint) => Promise<Taken<Value>>) => {
      const begun = await alone(async () => {
        const loaded = await load()
        if (!loaded.ok) return loaded
        const { numbers } = loaded
        const sequence = numbers.gaps[0] ?? numbers.next
        const taken = await work(sequence, numbers.next)
        if ('storing' in taken) {
          use(numbers, sequence)
          storing.add(taken.storing)
        }
        return { ok: true as const, taken }
      })
      if (!begun.ok) return begun
      return 'storing' in begun.taken ? await stored(begun.taken) : { ok: true, value: begun.taken.value }
    },
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

/** Runs pieces of work one after another; calls `onFault` when one throws, before the next one starts. */
function oneAtATime(onFault: () => void) {
  let tail: Promise<unknown> = Promise.resolve()
  return <Value>(work: () => Promise<Value>): Promise<Value> => {
    const result = tail.then(work)
    tail = result.catch(onFault)
    return result
  }
}

function use(numbers: { next: bigint; gaps: bigint[] }, sequence: bigint): void {
  if (numbers.gaps[0] === sequence) numbers.gaps.shift()
  else numbers.next = sequence + 1n
}

/** Free numbers at the very end are simply not handed out yet. */
function trimmed({ next, gaps }: Numbers): { next: bigint; gaps: bigint[] } {
  const free = [...gaps]
  let end = next
  while (free.at(-1) === end - 1n) {
    free.pop()
    end -= 1n
  }
  return { next: end, gaps: free }
}
