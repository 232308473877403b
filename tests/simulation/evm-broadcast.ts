import { keccak256 } from 'viem'
import { headOf } from './evm-backend.ts'
import { BROADCAST_WORDS, type RpcError } from './evm-clients.ts'
import type { EvmFaultKind } from './evm-faults.ts'
import type { RpcAnswer } from './evm-methods.ts'
import { accountIn, brokenFor, type Refusal } from './evm-rules.ts'
import type { Hex, ReadTransaction, Transaction } from './evm-transaction.ts'
import type { Backend, EvmWorld } from './evm-world.ts'

const METHOD = 'eth_sendRawTransaction'

/** Notes that bytes have left the wallet, in the turn in which they did. */
export function noteHandover(world: EvmWorld, url: string, raw: Hex): void {
  const read = world.read(raw)
  const hash = read.ok ? read.transaction.hash : keccak256(raw)
  const out = world.out.get(hash) ?? { raw, transaction: read.ok ? read.transaction : undefined, handovers: [] }
  out.handovers.push({ at: world.clock.monotonic(), url })
  world.out.set(hash, out)
  world.observer.handover(raw, url)
}

/** A backend gets the bytes: what becomes of them and what it says are drawn apart from each other. */
export function takeBroadcast(world: EvmWorld, backend: Backend, raw: Hex): RpcAnswer {
  const read = world.read(raw)
  const refusal = read.ok ? refusalOf(world, backend, read.transaction) : readRefusal(read)
  if (read.ok) takeEffect(world, backend, read.transaction, refusal)
  return say(world, backend, read, refusal)
}

function readRefusal({ why }: Extract<ReadTransaction, { ok: false }>): Refusal {
  return why
}

function refusalOf(world: EvmWorld, backend: Backend, transaction: Transaction): Refusal | undefined {
  const { head } = headOf(world, backend)
  return backend.pool.refuses(transaction, accountIn(head.state, transaction.from), world.chain.rulesAfter(head))
}

function takeEffect(world: EvmWorld, backend: Backend, transaction: Transaction, refusal: Refusal | undefined): void {
  const { faults, clock, builder, blockMillis } = world
  const strike = (kind: EvmFaultKind) => {
    if (!faults.draw(kind)) return false
    faults.report({ kind, method: METHOD, url: backend.url })
    return true
  }
  if (refusal !== undefined) {
    const canBeKept = brokenFor(transaction, world.chain) === undefined && refusal !== 'already known'
    if (canBeKept && strike('effectDespiteRefusal')) gossip(world, backend, transaction, true)
    return
  }
  if (strike('effectNowhere')) return
  if (strike('effectOnePool')) {
    backend.pool.add(transaction)
    return
  }
  const blocks = faults.random('effectLater').between(1, 100)
  if (strike('effectLater')) {
    builder.set(transaction.hash, { transaction, dueAt: clock.monotonic() + blocks * blockMillis })
  } else if (strike('effectPrivate')) {
    builder.set(transaction.hash, { transaction, dueAt: clock.monotonic() })
  } else {
    gossip(world, backend, transaction, false)
  }
}

/** Adds the bytes to this pool now, and to every other that takes them once they have arrived there. */
export function gossip(world: EvmWorld, from: Backend, transaction: Transaction, despiteRefusal: boolean): void {
  from.pool.add(transaction)
  for (const backend of world.backends) {
    if (backend === from) continue
    world.clock.after(from.delayMillis + backend.delayMillis, () => {
      if (despiteRefusal || refusalOf(world, backend, transaction) === undefined) backend.pool.add(transaction)
    })
  }
}

function say(world: EvmWorld, backend: Backend, read: ReadTransaction, refusal: Refusal | undefined): RpcAnswer {
  const { faults } = world
  if (faults.draw('answerWords')) {
    faults.report({ kind: 'answerWords', method: METHOD, url: backend.url })
    return { error: faults.random('answerWords').pick(BROADCAST_WORDS) }
  }
  if (refusal === undefined && read.ok) return { result: read.transaction.hash }
  if (read.ok && faults.draw('answerOk')) {
    faults.report({ kind: 'answerOk', method: METHOD, url: backend.url })
    return { result: read.transaction.hash }
  }
  return { error: refusalWords(backend, refusal!) }
}

function refusalWords({ client }: Backend, refusal: Refusal): RpcError {
  return client.refusals[refusal] ?? { code: -32000, message: `invalid transaction: ${refusal}` }
}
