import { AppError } from '@openpista/common'
import type { Keystore } from './keystore.ts'
import { type Channel, type SignerAnswer, SignerRequest } from './protocol.ts'

/**
 * The signer's side of the pipe: answers the daemon's questions with an unlocked keystore.
 *
 * @param onViolation called when the other side says something that is not in the protocol; it should be
 * ended then, since it is not our daemon any more.
 */
export function serveSigner(keystore: Keystore, channel: Channel, onViolation: () => void): void {
  let passwordChecks: Promise<unknown> = Promise.resolve()
  const checkPassword = (password: string): Promise<boolean> => {
    const check = passwordChecks.then(() => keystore.checkPassword(Buffer.from(password)))
    passwordChecks = check.catch(() => false)
    return check
  }

  const perform = (request: SignerRequest): unknown => {
    switch (request.method) {
      case 'createKey':
        return keystore.createKey(request.chain)
      case 'sign':
        return keystore.sign(request.keyId, request.bytes)
      case 'secret':
        return keystore.secret(request.name)
      case 'checkPassword':
        return checkPassword(request.password)
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
    answer(id, () => perform(parsed.data)).then(channel.send, onViolation)
  })
}

async function answer(id: number, work: () => unknown): Promise<SignerAnswer> {
  try {
    return { id, ok: true, value: await work() }
  } catch (error) {
    if (error instanceof AppError) return { id, ok: false, code: error.code, message: error.message }
    return { id, ok: false, code: 'INTERNAL_ERROR', message: error instanceof Error ? error.message : 'unknown fault' }
  }
}
