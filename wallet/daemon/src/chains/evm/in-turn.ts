/** Runs pieces of work with one name one after another, in the order of the calls; those with other names beside them. */
export type InTurn = <Value>(name: string, work: () => Promise<Value>) => Promise<Value>

export function createTurns(): InTurn {
  const last = new Map<string, Promise<unknown>>()
  return (name, work) => {
    const result = (last.get(name) ?? Promise.resolve()).then(work)
    const end = result.then(forget, forget)
    function forget() {
      if (last.get(name) === end) last.delete(name)
    }
    last.set(name, end)
    return result
  }
}
