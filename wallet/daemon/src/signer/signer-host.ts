import { AppError } from '@openpista/common/app-error'
import type { Keystore } from './keystore.ts'
import { type Channel, SignerRequest, type SignerResult } from './protocol.ts'

/**
 * The signer's side of the pipe: answers the daemon's questions. While the keystore is being opened every
 * answer but `unlocked`, which waits for it, is KEYSTORE_LOCKED.
 *
 * @param opening when it fails, nothing is answered any more; the caller ends the other side.
 * @param onViolation called when the other side says something that is not in the protocol; it should be
 * ended then, since it is not our daemon any more.
 */
export function serveSigner(opening: Promise<Keystore>, channel: Channel, onViolation: () => void): void {
  let open: Keystore | undefined
  opening.then((keystore) => {
    open = keystore
  }, onViolation)
  let passwordChecks: Promise<unknown> = Promise.resolve()
  const checkPassword = (keystore: Keystore, password: string): Promise<boolean> => {
    const check = passwordChecks.then(() => keystore.checkPassword(Buffer.from(password)))
    passwordChecks = check.catch(() => false)
    return check
  }

  const perform = (request: SignerRequest): unknown => {
    if (request.method === 'unlocked') return opening.then(() => true)
    const keystore = open
    if (keystore === undefined) throw new AppError('KEYSTORE_LOCKED', 'The keystore is not open yet.')
    switch (request.method) {
      case 'createKey':
        return keystore.createKey(request.chain)
      case 'sign':
        return Promise.all(request.items.map(({ keyId, bytes }) => resultOf(() => keystore.sign(keyId, bytes))))
      case 'secret':
        return keystore.secret(request.name)
      case 'checkPassword':
        return checkPassword(keystore, request.password)
      case 'signCheckpoint':
        return keystore.signCheckpoint(request)
      case 'noteHead':
        return keystore.noteHead(request)
      case 'lastCheckpoint':
        return keystore.lastCheckpoint()
      case 'halt':
        return keystore.halt()
      case 'resume':
        return keystore.resume()
      case 'halted':
        return keystore.halted()
    }
  }

  channel.onMessage((message) => {
    const parsed = SignerRequest.safeParse(message)
    if (!parsed.success) {
      onViolation()
      return
    }
    const { id } = parsed.data
    resultOf(() => perform(parsed.data)).then((result) => channel.send({ id, ...result }), onViolation)
  })
}

async function resultOf(work: () => unknown): Promise<SignerResult> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    if (error instanceof AppError) return { ok: false, code: error.code, message: error.message }
    return { ok: false, code: 'INTERNAL_ERROR', message: error instanceof Error ? error.message : 'unknown fault' }
  }
}
