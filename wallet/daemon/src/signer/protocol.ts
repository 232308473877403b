import { z } from 'zod'

/**
 * What daemon and signer say to each other over the private pipe. Every message is bounded: what does not
 * fit is no message of ours, and the signer ends the conversation.
 */
const MAX_BYTES_TO_SIGN = 1_048_576
/** Signatures that one message may ask for. */
export const MAX_SIGNATURES = 32

const id = z.number().int().min(0)

const ToSign = z.strictObject({
  keyId: z.string().max(64),
  bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array && value.length <= MAX_BYTES_TO_SIGN),
})
export type ToSign = z.infer<typeof ToSign>

export const SignerRequest = z.discriminatedUnion('method', [
  z.strictObject({ id, method: z.literal('unlocked') }),
  z.strictObject({ id, method: z.literal('createKey'), chain: z.enum(['evm', 'solana']) }),
  z.strictObject({ id, method: z.literal('sign'), items: z.array(ToSign).min(1).max(MAX_SIGNATURES) }),
  z.strictObject({ id, method: z.literal('checkPassword'), password: z.string().max(1024) }),
  z.strictObject({ id, method: z.literal('secret'), name: z.string().max(64) }),
  z.strictObject({
    id,
    method: z.literal('signCheckpoint'),
    seq: z.number().int().min(1),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
    at: z.number().int(),
  }),
  z.strictObject({
    id,
    method: z.literal('noteHead'),
    seq: z.number().int().min(1),
    hash: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ id, method: z.literal('lastCheckpoint') }),
  z.strictObject({ id, method: z.literal('halt') }),
  z.strictObject({ id, method: z.literal('resume') }),
  z.strictObject({ id, method: z.literal('halted') }),
])
export type SignerRequest = z.infer<typeof SignerRequest>

/** What came of one question, or of one signature of several. */
export type SignerResult = { ok: true; value: unknown } | { ok: false; code: string; message: string }
export type SignerAnswer = { id: number } & SignerResult

/** One end of the pipe. */
export type Channel = {
  send: (message: SignerRequest | SignerAnswer) => void
  onMessage: (listener: (message: unknown) => void) => void
  /** Called once, when the other side is gone. */
  onClose: (listener: () => void) => void
}

type Endpoint = Pick<NodeJS.Process, 'send' | 'connected'> & {
  on(event: 'message', listener: (message: unknown) => void): unknown
  once(event: 'disconnect', listener: () => void): unknown
}

/** The pipe as `node:child_process` gives it: a forked child on one side, `process` on the other. */
export function channelOver(endpoint: Endpoint): Channel {
  return {
    send: (message) => {
      // A failed send means that the pipe is closing; `disconnect` follows and tells everybody.
      endpoint.send?.(message, undefined, undefined, () => {})
    },
    onMessage: (listener) => endpoint.on('message', listener),
    onClose: (listener) => endpoint.once('disconnect', listener),
  }
}
