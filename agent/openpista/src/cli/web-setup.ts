import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { AppError, ensurePrivateDir, newSecret, writeFileAtomic } from '@openpista/common'
import { configFile, type Settings } from '../config.ts'
import { type ConfigChange, type ConfigValue, changeConfig } from './config-edit.ts'
import { runningGateway } from './process-file.ts'

export type WebSetupFlags = {
  token?: string
  regenerateToken: boolean
  port?: string
  corsOrigins?: string
  staticDir?: string
  sharedSessionId?: string
  enable?: boolean
  disable?: boolean
  yes: boolean
}

const SHORTEST_TOKEN = 16

/** `openpista web setup`: without flags it shows the settings; with flags it writes them. 1 when nothing was written. */
export async function webSetup(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  flags: WebSetupFlags,
  named: string | undefined,
): Promise<number> {
  const changes = changesOf(flags)
  const token = tokenOf(settings, flags)
  if (changes.length === 0 && token === undefined) return show(settings)
  const file = configFile(named, env)
  for (const { path, value } of changes) console.log(`${path} = ${JSON.stringify(value)}`)
  if (token !== undefined) console.log(`a new token in ${settings.tokenFile}`)
  if (!flags.yes && !(await agreed(file))) {
    console.log('Nothing was written.')
    return 1
  }
  if (changes.length > 0) changeConfig(file, changes)
  if (token !== undefined) keepToken(settings, token)
  if (token !== undefined && flags.regenerateToken) console.log(`The new token, shown this once: ${token}`)
  const running = await runningGateway(settings)
  console.log(running === undefined ? 'Written.' : 'Written. The gateway that runs takes it at its next start.')
  return 0
}

function changesOf(flags: WebSetupFlags): ConfigChange[] {
  if (flags.enable === true && flags.disable === true) throw usage('Give --enable or --disable, not both.')
  const { port, corsOrigins, staticDir, sharedSessionId } = flags
  const changes: ConfigChange[] = []
  const set = (key: string, value: ConfigValue) => changes.push({ path: `channels.web.${key}`, value })
  if (flags.enable === true) set('enabled', true)
  if (flags.disable === true) set('enabled', false)
  if (port !== undefined) set('port', portOf(port))
  if (corsOrigins !== undefined) set('cors_origins', listOf(corsOrigins).map(originOf))
  if (staticDir !== undefined) set('static_dir', folderOf(staticDir))
  if (sharedSessionId !== undefined) set('shared_session_id', sessionOf(sharedSessionId))
  return changes
}

/** The token to keep; it never stands in config.toml. */
function tokenOf({ config }: Settings, { token, regenerateToken }: WebSetupFlags): string | undefined {
  if (token === undefined && !regenerateToken) return undefined
  if (token !== undefined && regenerateToken) throw usage('Give --token or --regenerate-token, not both.')
  if (config.channels.web.token !== '') {
    throw usage('channels.web.token (or openpista_WEB_TOKEN) is set and would win over this one. Take it out first.')
  }
  if (token === undefined) return newSecret()
  if (token.length < SHORTEST_TOKEN || !/^[A-Za-z0-9._~-]+$/.test(token)) {
    throw usage(
      `A token has at least ${SHORTEST_TOKEN} letters, digits, dots and dashes. --regenerate-token makes one.`,
    )
  }
  return token
}

function keepToken({ home, tokenFile }: Settings, token: string): void {
  ensurePrivateDir(home)
  writeFileAtomic(tokenFile, `${token}\n`)
}

function show({ config, tokenFile }: Settings): number {
  const {
    enabled,
    port,
    hosts,
    cors_origins: origins,
    static_dir: folder,
    shared_session_id: shared,
  } = config.channels.web
  console.log(`enabled: ${enabled}`)
  console.log(`port: ${port}`)
  console.log(`hosts: ${hosts.join(', ') || 'this machine only'}`)
  console.log(`origins of pages elsewhere: ${origins.join(', ') || 'none'}`)
  console.log(`client: ${folder || 'the one that comes with the program'}`)
  console.log(`shared session: ${shared || 'none'}`)
  console.log(`token: ${config.channels.web.token === '' ? tokenFile : 'from the configuration or the environment'}`)
  console.log('openpista web setup --help lists what can be changed.')
  return 0
}

/** Without a terminal nobody can be asked, and whoever gave the flags meant them. */
async function agreed(file: string): Promise<boolean> {
  if (!process.stdin.isTTY) return true
  const lines = createInterface({ input: process.stdin, output: process.stdout })
  try {
    return /^(y|yes|)$/i.test((await lines.question(`Write this into ${file}? [Y/n] `)).trim())
  } finally {
    lines.close()
  }
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port
  throw usage(`--port must be a number from 1 to 65535, not '${text}'.`)
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
}

function originOf(text: string): string {
  const url = URL.parse(text)
  if (url !== null && /^https?:$/.test(url.protocol) && url.origin === text) return text
  throw usage(`'${text}' is no origin. Write it as https://host or http://host:port, without a path; there is no *.`)
}

function folderOf(text: string): string {
  if (text === '') return ''
  const folder = resolve(text)
  if (existsSync(join(folder, 'index.html'))) return folder
  throw usage(`There is no index.html in ${folder}.`)
}

function sessionOf(text: string): string {
  if (/^[A-Za-z0-9._-]{0,64}$/.test(text)) return text
  throw usage(`A session's name has letters, digits, dots and dashes, at most 64: not '${text}'.`)
}

function usage(message: string): AppError {
  return new AppError('USAGE', message)
}
