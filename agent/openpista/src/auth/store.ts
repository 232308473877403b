import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, assertPrivate, ensurePrivateDir, loadConfig, writeFileAtomic } from '@openpista/common'
import { z } from 'zod'
import { type KeyPlace, type Keyring, makeKey, open, readKey, seal } from './key.ts'

/** The secret part of a login. */
const Secrets = z.strictObject({
  /** What requests are made with. */
  token: z.string(),
  /** What a new token is got with; for GitHub Copilot GitHub's own token. */
  refreshToken: z.string().nullable(),
  idToken: z.string().nullable(),
  accountId: z.string().nullable(),
})
export type Secrets = z.output<typeof Secrets>

/** What a login left behind. `expiresAt` is in seconds since 1970; `null`: it does not end by itself. */
export type Login = { kind: 'key' | 'oauth'; endpoint: string | null; expiresAt: number | null; secrets: Secrets }
/** A login as anybody may see it. */
export type LoginView = Omit<Login, 'secrets'> & { provider: string }

export type CredentialStore = {
  /** Every login, without reading a secret. */
  list: () => LoginView[]
  /** Where the encryption key lies; `undefined` while nothing is stored. */
  keyPlace: () => KeyPlace | undefined
  read: (provider: string) => Promise<Login | undefined>
  save: (provider: string, login: Login) => Promise<void>
  /** `false`: there was none. */
  remove: (provider: string) => boolean
}

const Entry = z.strictObject({
  kind: z.enum(['key', 'oauth']),
  endpoint: z.string().optional(),
  expires_at: z.number().int().optional(),
  secret: z.string(),
})
const File = z.strictObject({
  version: z.literal(1).default(1),
  key: z.enum(['keyring', 'file']).optional(),
  providers: z.record(z.string(), Entry).default({}),
})
type File = z.output<typeof File>

/** Logins in `credentials.toml` of the home folder: mode 0600, written whole or not at all, secrets encrypted. */
export function createCredentialStore(home: string, keyring: Keyring): CredentialStore {
  const path = join(home, 'credentials.toml')
  const keyFile = join(home, 'credentials.key')
  const load = (): File => {
    if (existsSync(path)) assertPrivate(path, 0o600)
    return loadConfig(File, { file: path, env: {}, envKeys: {} })
  }
  const write = (file: File) => {
    ensurePrivateDir(home)
    writeFileAtomic(path, toToml(file))
  }

  return {
    list: () => Object.entries(load().providers).map(([provider, entry]) => ({ provider, ...viewOf(entry) })),
    keyPlace: () => load().key,
    read: async (provider) => {
      const { key: place, providers } = load()
      const entry = providers[provider]
      if (entry === undefined || place === undefined) return undefined
      const text = open(await readKey(place, keyFile, keyring), provider, entry.secret)
      return { ...viewOf(entry), secrets: Secrets.parse(JSON.parse(text)) }
    },
    save: async (provider, login) => {
      ensurePrivateDir(home)
      const { place, key, fresh } = await usableKey(load().key, keyFile, keyring)
      // Read again: another program may have written while the keyring was asked.
      const file = load()
      const entry = {
        kind: login.kind,
        ...(login.endpoint === null ? {} : { endpoint: login.endpoint }),
        ...(login.expiresAt === null ? {} : { expires_at: login.expiresAt }),
        secret: seal(key, provider, JSON.stringify(login.secrets)),
      }
      write({ version: 1, key: place, providers: { ...(fresh ? {} : file.providers), [provider]: entry } })
    },
    remove: (provider) => {
      const file = load()
      const { [provider]: gone, ...providers } = file.providers
      if (gone !== undefined) write({ ...file, providers })
      return gone !== undefined
    },
  }
}

/** The key in use; a new one when there is none yet, or when the old one is lost and its logins with it. */
async function usableKey(place: KeyPlace | undefined, keyFile: string, keyring: Keyring) {
  if (place === undefined) return { ...(await makeKey(keyFile, keyring)), fresh: true }
  try {
    return { place, key: await readKey(place, keyFile, keyring), fresh: false }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CREDENTIALS_UNREADABLE') throw error
    return { ...(await makeKey(keyFile, keyring)), fresh: true }
  }
}

function viewOf({ kind, endpoint, expires_at: expiresAt }: z.output<typeof Entry>): Omit<Login, 'secrets'> {
  return { kind, endpoint: endpoint ?? null, expiresAt: expiresAt ?? null }
}

/** JSON's strings are TOML's basic strings, but for DEL, which JSON leaves as it is. */
const quote = (text: string): string => JSON.stringify(text).replaceAll('\u007f', '\\u007f')

function toToml({ version, key, providers }: File): string {
  const lines = ['# Written by openpista. Secrets are encrypted (AES-256-GCM).', `version = ${version}`]
  if (key !== undefined) lines.push(`key = ${quote(key)}`)
  for (const [provider, entry] of Object.entries(providers)) {
    lines.push('', `[providers.${quote(provider)}]`)
    for (const [name, value] of Object.entries(entry)) {
      lines.push(`${name} = ${typeof value === 'number' ? value : quote(String(value))}`)
    }
  }
  return `${lines.join('\n')}\n`
}
