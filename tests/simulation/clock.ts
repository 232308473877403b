/**
 * Time that passes only when it is run. Work is started in the order of its time, and in the order of the calls where
 * times are equal. Between two pieces of work every promise that can go on does.
 */
export type SimulatedClock = {
  /** Milliseconds since the start; never goes back. */
  monotonic(): number
  /** Starts `work` in `millis`; the returned function cancels it. */
  after(millis: number, work: () => void): () => void
  /** Starts `work` in the next turn, before any time passes. */
  soon(work: () => void): void
  /** The wall clock. */
  seconds(): number
  millis(): number
  /** Sets the wall clock forward or back; timers do not notice. */
  jump(millis: number): void
  /** Runs everything that is due within the next `millis`, and then stands at that time. */
  run(millis: number): Promise<void>
  /** Runs until nothing is left to start. */
  runUntilIdle(): Promise<void>
  /** Runs until the promise settles; throws where it has not after `millis`. */
  settle<Value>(promise: Promise<Value>, millis: number): Promise<Value>
  /** How many pieces of work have been started. */
  started(): number
}

type Timer = { at: number; order: number; work: (() => void) | undefined }

/** More work than this at one moment means that something starts itself over and over. */
const MOST_AT_ONE_TIME = 1_000_000

export function createClock(wallMillis: number): SimulatedClock {
  const queue = createQueue()
  let wallOffset = wallMillis
  let now = 0
  let started = 0
  let startedNow = 0

  const step = async () => {
    const { at, work } = queue.take(now)
    if (at > now) startedNow = 0
    now = at
    started += 1
    startedNow += 1
    if (startedNow > MOST_AT_ONE_TIME) throw new Error(`work without end at ${now} ms`)
    work()
    await settled()
  }
  const runTo = async (end: number) => {
    await settled()
    for (let at = queue.nextAt(now); at !== undefined && at <= end; at = queue.nextAt(now)) await step()
  }

  return {
    monotonic: () => now,
    after: (millis, work) => queue.add(now + Math.max(0, millis), work),
    soon: queue.addSoon,
    seconds: () => Math.floor((wallOffset + now) / 1000),
    millis: () => Math.floor(wallOffset + now),
    jump: (millis) => {
      wallOffset += millis
    },
    run: async (millis) => {
      const end = now + millis
      await runTo(end)
      now = end
      startedNow = 0
    },
    runUntilIdle: () => runTo(Number.POSITIVE_INFINITY),
    settle: async (promise, millis) => {
      const end = now + millis
      let isSettled = false
      const mark = () => {
        isSettled = true
      }
      promise.then(mark, mark)
      await settled()
      while (!isSettled) {
        const at = queue.nextAt(now)
        if (at === undefined) throw new Error('the promise waits for nothing that the clock could start')
        if (at > end) throw new Error(`the promise has not settled within ${millis} ms`)
        await step()
      }
      return await promise
    },
    started: () => started,
  }
}

/** Work that is due at a time, and work for the next turn, which comes first. */
function createQueue() {
  const timers: Timer[] = []
  const turn: (() => void)[] = []
  let orders = 0
  const nextAt = (now: number) => {
    while (timers.length > 0 && timers[0]!.work === undefined) removeFirst(timers)
    return turn.length > 0 ? now : timers[0]?.at
  }
  return {
    nextAt,
    /** What comes next; there has to be something. */
    take: (now: number): { at: number; work: () => void } => {
      const at = nextAt(now)!
      return { at, work: turn.length > 0 ? turn.shift()! : removeFirst(timers).work! }
    },
    add: (at: number, work: () => void) => {
      const timer: Timer = { at, order: orders++, work }
      insert(timers, timer)
      return () => {
        timer.work = undefined
      }
    },
    addSoon: (work: () => void) => void turn.push(work),
  }
}

/** `setImmediate` starts only after every microtask, also those that microtasks start. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function isBefore(a: Timer, b: Timer): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

/** A binary heap, the earliest first. */
function insert(heap: Timer[], timer: Timer): void {
  let index = heap.push(timer) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (!isBefore(timer, heap[parent]!)) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = timer
}

function removeFirst(heap: Timer[]): Timer {
  const first = heap[0]!
  const last = heap.pop()!
  if (heap.length === 0) return first
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child += 1
    if (!isBefore(heap[child]!, last)) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = last
  return first
}
