import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dataPaths } from '@waiaas/daemon'
import { CliError } from './fault.ts'

const CREDENTIAL = 'waiaas-master-password'

/**
 * The master password: from the file that WAIAAS_MASTER_PASSWORD_FILE names, a systemd credential, the
 * recovery file of `init --auto-provision`, or a prompt. It is never printed.
 */
export async function readPassword(dataDir: string): Promise<Buffer> {
  const stored = storedPassword(process.env) ?? recoveryPassword(dataDir)
  return stored ?? (await askPassword('Master password'))
}

/** A new master password, for one that exists: from `file`, or typed twice. */
export async function chooseNextPassword(file: string | undefined): Promise<Buffer> {
  return file === undefined ? await askTwice('New master password (at least 8 characters)') : readPasswordFile(file)
}

/** What a backup opens with: from `file`; where none is named, the master password. */
export function backupPassphrase(file: string | undefined, password: Buffer): Buffer {
  return file === undefined ? Buffer.from(password) : readPasswordFile(file)
}

/** A new master password: from a file or credential, or typed twice. */
export async function chooseNewPassword(): Promise<Buffer> {
  const stored = storedPassword(process.env)
  if (stored !== undefined) return stored
  return await askTwice('New master password (at least 8 characters)')
}

async function askTwice(message: string): Promise<Buffer> {
  const password = await askPassword(message)
  const again = await askPassword('Repeat the password')
  if (!password.equals(again)) throw new CliError('The two passwords differ.', { hint: 'Run the command again.' })
  return password
}

function storedPassword(env: NodeJS.ProcessEnv): Buffer | undefined {
  const file = env.WAIAAS_MASTER_PASSWORD_FILE
  if (file !== undefined && file !== '') return readPasswordFile(file)
  const folder = env.CREDENTIALS_DIRECTORY
  if (folder === undefined || !existsSync(join(folder, CREDENTIAL))) return undefined
  return readPasswordFile(join(folder, CREDENTIAL))
}

function recoveryPassword(dataDir: string): Buffer | undefined {
  const { recoveryFile } = dataPaths(dataDir)
  if (!existsSync(recoveryFile)) return undefined
  console.error(`waiaas: WARNING: the master password is stored in ${recoveryFile}.`)
  console.error('  Write it down in a safe place, then delete the file.')
  return readPasswordFile(recoveryFile)
}

/** The file's first line. Complains about a file that others can read. */
function readPasswordFile(path: string): Buffer {
  if (!existsSync(path)) throw new CliError(`The password file ${path} does not exist.`)
  if (process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0) {
    console.error(`waiaas: WARNING: other users can read ${path}. Run: chmod 600 '${path}'`)
  }
  const content = readFileSync(path)
  const end = content.findIndex((byte) => byte === 0x0a || byte === 0x0d)
  const password = Buffer.from(content.subarray(0, end === -1 ? content.length : end))
  content.fill(0)
  if (password.length === 0) throw new CliError(`The password file ${path} is empty.`)
  return password
}

async function askPassword(message: string): Promise<Buffer> {
  if (!process.stdin.isTTY) {
    throw new CliError('The master password is needed, and there is no terminal to ask for it.', {
      hint: 'Set WAIAAS_MASTER_PASSWORD_FILE to a file that only you can read.',
    })
  }
  const { isCancel, password } = await import('@clack/prompts')
  const answer = await password({ message })
  if (isCancel(answer)) throw new CliError('Cancelled.', { exitCode: 130 })
  return Buffer.from(answer)
}
