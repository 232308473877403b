import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { loadConfig } from '@openpista/common'
import { z } from 'zod'
import { ApprovalConfig } from './approvals/rules.ts'
import { AuthConfig } from './auth/config.ts'
import { ContainerConfig } from './executors/containers.ts'
import { homeFolder } from './home.ts'
import { nextMoment } from './schedules/when.ts'
import { BrowserSection, ScreenSection } from './tools/config.ts'

const text = () => z.coerce.string().default('')
const tokens = (most: number) => z.number().int().min(0).default(most)
const usd = (most: number) => z.number().min(0).max(1_000_000).default(most)

/** One `[[schedules]]`. */
const ScheduleSection = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes'),
    when: z.string(),
    /** IANA time zone; empty: that of this machine. */
    zone: text(),
    text: z.string().min(1),
    /** Where the answer goes: `telegram:<chat>`, `cli:<name>`, `web:<client>`. */
    session: z.string().regex(/^[a-z]+:[^:]+(:[^:]+)?$/, 'write it as <channel>:<chat>'),
    missed: z.enum(['once', 'skip']).default('once'),
  })
  .superRefine(({ when, zone }, issue) => {
    try {
      nextMoment(when, zone || 'UTC', 0)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      issue.addIssue({ code: 'custom', path: ['when'], message: error.message })
    }
  })

/** Everything that `config.toml` may hold. A key that is not here is refused. */
export const Config = z.strictObject({
  agent: z
    .strictObject({
      provider: z.string().default('openai'),
      model: text(),
      /** Models that stand in when the first fails, as `<provider>/<model>`, in this order. */
      fallback: z.array(z.string().regex(/^[a-z][a-z0-9-]*\/\S+$/, 'write it as <provider>/<model>')).default([]),
      api_key: text(),
      base_url: text(),
      /** Own OAuth client for `auth login`; empty: the service's public one. */
      oauth_client_id: text(),
      max_tool_rounds: z.number().int().min(1).max(200).default(10),
      /** Keep a recording of every turn, for `openpista replay`. */
      record: z.boolean().default(false),
      /** Characters of conversation that are sent to the model. */
      context_chars: z.number().int().min(10_000).max(600_000).default(400_000),
      /** Where a local Ollama is looked for when no model is configured; empty: nowhere. */
      ollama_url: z.string().default('http://localhost:11434/v1'),
    })
    .prefault({}),
  /** What may be used before a card asks to go on; 0 is no limit. */
  limits: z
    .strictObject({
      turn_tokens: tokens(2_000_000),
      turn_usd: usd(5),
      session_tokens: tokens(0),
      session_usd: usd(0),
      day_tokens: tokens(0),
      day_usd: usd(25),
    })
    .prefault({}),
  channels: z
    .strictObject({
      cli: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
      web: z
        .strictObject({
          enabled: z.boolean().default(true),
          port: z.number().int().min(0).max(65_535).default(3210),
          /** Empty: a token is made at the first start and kept in `gateway-token`. */
          token: text(),
          /** Host names, besides those of the loopback, under which a proxy on this machine serves the gateway. */
          hosts: z.array(z.string()).default([]),
          /** Empty: the web client that comes with the program. */
          static_dir: text(),
        })
        .prefault({}),
    })
    .prefault({}),
  database: z.strictObject({ url: text() }).prefault({}),
  skills: z.strictObject({ workspace: text() }).prefault({}),
  executor: z
    .strictObject({
      kind: z.enum(['auto', 'host', 'bubblewrap', 'docker']).default('auto'),
      /** With `docker`: the name of one of `containers.images`; it needs bash. */
      container: text(),
      network: z.boolean().default(false),
      writable: z.array(z.string()).default([]),
      readable: z.array(z.string()).default([]),
    })
    .prefault({}),
  fetch: z
    .strictObject({
      /** `host:port` that `web.fetch` and the browser may read although it is not on the public internet. */
      allowed_hosts: z.array(z.string()).default([]),
    })
    .prefault({}),
  browser: BrowserSection.prefault({}),
  screen: ScreenSection.prefault({}),
  containers: ContainerConfig.prefault({}),
  /** What is said to the agent at given times; see docs/schedules.md. */
  schedules: z.array(ScheduleSection).max(50).default([]),
  wallet: z.strictObject({ url: text(), token_file: text() }).prefault({}),
  auth: AuthConfig.prefault({}),
  approvals: ApprovalConfig.prefault({}),
})
export type Config = z.output<typeof Config>

/** Environment variable -> key. Upper case is accepted too. */
const ENV_KEYS = {
  openpista_MODEL: 'agent.model',
  openpista_API_KEY: 'agent.api_key',
  openpista_BASE_URL: 'agent.base_url',
  openpista_PROVIDER: 'agent.provider',
  openpista_OAUTH_CLIENT_ID: 'agent.oauth_client_id',
  openpista_OLLAMA_URL: 'agent.ollama_url',
  openpista_WEB_TOKEN: 'channels.web.token',
  openpista_WEB_PORT: 'channels.web.port',
  openpista_WORKSPACE: 'skills.workspace',
  OPENPISTACRAB_WORKSPACE: 'skills.workspace',
  openpista_WALLET_URL: 'wallet.url',
  openpista_WALLET_TOKEN_FILE: 'wallet.token_file',
} as const

type Env = Readonly<Record<string, string | undefined>>

/** Configuration, and where everything lies. All paths are absolute. */
export type Settings = {
  config: Config
  home: string
  workspace: string
  database: string
  socket: string
  pidFile: string
  stateFile: string
  tokenFile: string
  historyFile: string
  /** Recorded turns. */
  recordings: string
}

/**
 * Reads the configuration: defaults < file < environment. Looked up at `file`, else in `config.toml` of the home
 * folder (`OPENPISTA_HOME`, default `~/.openpista`).
 *
 * @throws AppError `CONFIG_INVALID` that names the key.
 */
export function loadSettings(file: string | undefined, env: Env): Settings {
  const home = homeFolder(env)
  const config = loadConfig(Config, { file: file ?? join(home, 'config.toml'), env, envKeys: ENV_KEYS })
  const at = (name: string) => join(home, name)
  return {
    config,
    home,
    workspace: expand(config.skills.workspace) ?? at('workspace'),
    database: expand(config.database.url) ?? at('memory.db'),
    socket: at('openpista.sock'),
    pidFile: at('openpista.pid'),
    stateFile: at('gateway.json'),
    tokenFile: at('gateway-token'),
    historyFile: at('history'),
    recordings: at('recordings'),
  }
}

/** The built web client: the configured folder, the one in the package, or the one in the source tree. */
export function findWebRoot(config: Config): string {
  const places = ['../pages/chat', '../../web/dist'].map((place) => join(import.meta.dirname, place))
  return expand(config.channels.web.static_dir) ?? places.find((place) => existsSync(place)) ?? places[1]!
}

/** An absolute path from one that may start with `~` or `sqlite:`; `undefined` for an empty one. */
function expand(path: string): string | undefined {
  if (path === '') return undefined
  const plain = path.replace(/^sqlite:(\/\/)?/, '')
  return resolve(plain.replace(/^~(?=\/|$)/, homedir()))
}
