import { execFile } from 'node:child_process'
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { AppError, assertPrivate, writeFileAtomic } from '@openpista/common'

/** Where the key that encrypts stored credentials lies. */
export type KeyPlace = 'keyring' | 'file'

/** The system's keyring, which is unlocked with the person's session. */
export type Keyring = {
  lookup: () => Promise<string | undefined>
  /** `false`: there is no keyring, or it is locked. */
  store: (secret: string) => Promise<boolean>
}

const TOOL = 'secret-tool'
const TOOL_TIMEOUT_MS = 10_000
const ATTRIBUTES = ['service', 'openpista', 'account', 'credentials-key']

/** The keyring behind `secret-tool` (libsecret), where that program exists. */
export function systemKeyring(env: Readonly<Record<string, string | undefined>>): Keyring {
  const call = (args: string[], input: string) =>
    new Promise<string | undefined>((resolve) => {
      const child = execFile(TOOL, args, { env, timeout: TOOL_TIMEOUT_MS }, (error, stdout) =>
        resolve(error === null ? stdout.trim() : undefined),
      )
      // A program that is missing or leaves early closes the pipe; its exit says so.
      child.stdin?.on('error', () => {})
      child.stdin?.end(input)
    })
  return {
    lookup: async () => (await call(['lookup', ...ATTRIBUTES], '')) || undefined,
    store: async (secret) =>
      (await call(['store', '--label', 'openpista credentials', ...ATTRIBUTES], secret)) !== undefined,
  }
}

/**
 * The key, from where it is said to lie.
 *
 * @throws AppError `CREDENTIALS_UNREADABLE` when it is gone.
 */
export async function readKey(place: KeyPlace, file: string, keyring: Keyring): Promise<Buffer> {
  if (place === 'file' && existsSync(file)) assertPrivate(file, 0o600)
  const text =
    place === 'keyring' ? await keyring.lookup() : existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined
  if (text !== undefined && /^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, 'hex')
  throw unreadable(place === 'keyring' ? 'the keyring does not give its key' : `its key is not in ${file}`)
}

/** Makes a key: in the keyring where there is one, else in a file with mode 0600. */
export async function makeKey(file: string, keyring: Keyring): Promise<{ place: KeyPlace; key: Buffer }> {
  const key = randomBytes(32)
  const text = key.toString('hex')
  if ((await keyring.store(text)) && (await keyring.lookup()) === text) return { place: 'keyring', key }
  writeFileAtomic(file, `${text}\n`)
  return { place: 'file', key }
}

/** AES-256-GCM. `context` must be the same when it is opened: a secret cannot be moved to another provider. */
export function seal(key: Buffer, context: string, text: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context))
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64url')
}

/** @throws AppError `CREDENTIALS_UNREADABLE` when the text was changed or sealed with another key. */
export function open(key: Buffer, context: string, sealed: string): string {
  const bytes = Buffer.from(sealed, 'base64url')
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(context))
    decipher.setAuthTag(bytes.subarray(12, 28))
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
  } catch (cause) {
    throw unreadable('they were changed, or encrypted with another key', cause)
  }
}

function unreadable(why: string, cause?: unknown): AppError {
  const hint = 'Sign in again: openpista auth login'
  return new AppError('CREDENTIALS_UNREADABLE', `The stored credentials cannot be read: ${why}.`, { hint, cause })
}
