/** Runs pieces of work one after another; calls `onFault` when one throws, before the next one starts. */
export function oneAtATime(onFault: () => void = () => {}) {
  let tail: Promise<unknown> = Promise.resolve()
  return <Value>(work: () => Promise<Value>): Promise<Value> => {
    const result = tail.then(work)
    tail = result.catch(onFault)
    return result
  }
}
