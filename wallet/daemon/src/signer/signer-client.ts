import { AppError } from '@openpista/common/app-error'
import {
  type Channel,
  channelOver,
  MAX_SIGNATURES,
  type SignerAnswer,
  type SignerRequest,
  type SignerResult,
  type ToSign,
} from './protocol.ts'
import type { CheckpointSigner, Signer } from './signer.ts'

type Question = SignerRequest extends infer Each ? (Each extends { id: number } ? Omit<Each, 'id'> : never) : never
type Waiting = { resolve: (value: never) => void; reject: (error: AppError) => void }

/** `unlocked` resolves once the keystore is open; before, every other question is KEYSTORE_LOCKED. */
export type SignerClient = Signer & CheckpointSigner & { unlocked: () => Promise<void> }

/** The daemon's side of the pipe. When it closes, every open and later question is KEYSTORE_LOCKED. */
export function createSignerClient(channel: Channel): SignerClient {
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let gone = false

  channel.onMessage((message) => {
    const answer = message as SignerAnswer
    const asked = waiting.get(answer.id)
    if (asked === undefined) return
    waiting.delete(answer.id)
    if (answer.ok) asked.resolve(answer.value as never)
    else asked.reject(new AppError(answer.code, answer.message))
  })
  channel.onClose(() => {
    gone = true
    for (const { reject } of waiting.values()) reject(signerGone())
    waiting.clear()
  })

  const ask = <Value>(question: Question): Promise<Value> =>
    new Promise((resolve, reject) => {
      if (gone) {
        reject(signerGone())
        return
      }
      const id = ++lastId
      waiting.set(id, { resolve, reject })
      channel.send({ ...question, id } as SignerRequest)
    })

  return {
    unlocked: async () => {
      await ask({ method: 'unlocked' })
    },
    createKey: (chain) => ask({ method: 'createKey', chain }),
    sign: together((items) => ask({ method: 'sign', items })),
    checkPassword: (password) => ask({ method: 'checkPassword', password }),
    secret: (name) => ask({ method: 'secret', name }),
    signCheckpoint: ({ seq, hash, at }) => ask({ method: 'signCheckpoint', seq, hash, at }),
    noteHead: ({ seq, hash }) => ask({ method: 'noteHead', seq, hash }),
    lastCheckpoint: () => ask({ method: 'lastCheckpoint' }),
    halt: () => ask({ method: 'halt' }),
    resume: () => ask({ method: 'resume' }),
    halted: () => ask({ method: 'halted' }),
  }
}

/** Asks in one message for all signatures that are wanted in one turn of the event loop. */
function together(ask: (items: ToSign[]) => Promise<SignerResult[]>): Signer['sign'] {
  let wanted: { item: ToSign; resolve: (signature: Uint8Array) => void; reject: (error: unknown) => void }[] = []
  const settle = (calls: typeof wanted, results: readonly SignerResult[]) => {
    for (const [index, { resolve, reject }] of calls.entries()) {
      const result = results[index]!
      if (result.ok) resolve(result.value as Uint8Array)
      else reject(new AppError(result.code, result.message))
    }
  }
  const flush = () => {
    const all = wanted
    wanted = []
    for (let start = 0; start < all.length; start += MAX_SIGNATURES) {
      const calls = all.slice(start, start + MAX_SIGNATURES)
      ask(calls.map(({ item }) => item)).then(
        (results) => settle(calls, results),
        (error: unknown) => {
          for (const { reject } of calls) reject(error)
        },
      )
    }
  }
  return (keyId, bytes) =>
    new Promise((resolve, reject) => {
      if (wanted.push({ item: { keyId, bytes }, resolve, reject }) === 1) setImmediate(flush)
    })
}

/**
 * Connects the daemon to the signer that started it. From then on the daemon lives as long as the pipe:
 * when the signer is gone the process ends at once.
 *
 * @throws AppError SIGNER_MISSING when no signer started this process.
 */
export function connectToParent(): SignerClient {
  if (process.send === undefined || !process.connected) {
    throw new AppError('SIGNER_MISSING', 'The daemon runs only under its signer.', {
      hint: 'Start it with: waiaas start',
    })
  }
  const client = createSignerClient(channelOver(process))
  process.once('disconnect', () => process.exit(1))
  return client
}

function signerGone(): AppError {
  return new AppError('KEYSTORE_LOCKED', 'The signer is gone. The daemon stops; start it again.')
}
