import { existsSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { AppError, loadConfig } from '@openpista/common'
import { z } from 'zod'
import { ApprovalConfig } from './approvals/rules.ts'
import { AuthConfig } from './auth/config.ts'
import { environmentKeys } from './config-keys.ts'
import { ContainerConfig } from './executors/containers.ts'
import { homeFolder } from './home.ts'
import { nextMoment } from './schedules/when.ts'
import { BrowserSection, ScreenSection } from './tools/config.ts'
import { WorkerSection } from './workers/config.ts'

const text = () => z.string().default('')
const tokens = (most: number) => z.number().int().min(0).default(most)
const usd = (most: number) => z.number().min(0).max(1_000_000).default(most)
/** What is said of a key besides its description: see `ConfigKey`. */
const key = (description: string, env: readonly string[], more: { secret?: true } = {}) => ({
  description,
  env,
  ...more,
})

/** `https://host`, exactly as a browser says it. */
function isOrigin(value: string): boolean {
  const url = URL.parse(value)
  return url !== null && /^https?:$/.test(url.protocol) && url.origin === value
}

/** One `[[schedules]]`. */
const ScheduleSection = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,39}$/, 'lower-case letters, digits and dashes')
      .meta({ description: 'what it is called', examples: ['morning'] }),
    when: z.string().meta({ description: 'a cron expression, or a date and time', examples: ['0 8 * * *'] }),
    zone: text().describe('IANA time zone; empty: that of this machine'),
    text: z
      .string()
      .min(1)
      .meta({ description: 'what is said to the agent', examples: ['What is new today?'] }),
    session: z
      .string()
      .regex(/^[a-z]+:[^:]+(:[^:]+)?$/, 'write it as <channel>:<chat>')
      .meta({ description: 'where the answer goes, as <channel>:<chat>', examples: ['cli:local'] }),
    missed: z.enum(['once', 'skip']).default('once').describe('what happens with runs that were missed'),
  })
  .superRefine(({ when, zone }, issue) => {
    try {
      nextMoment(when, zone || 'UTC', 0)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      issue.addIssue({ code: 'custom', path: ['when'], message: error.message })
    }
  })

/** One `[[senders]]`. */
const SenderSection = z.strictObject({
  channel: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'the name of a channel')
    .meta({ description: 'name of the channel', examples: ['telegram'] }),
  user: z
    .string()
    .min(1)
    .max(200)
    .meta({ description: "the platform's own id of the user", examples: ['123456789'] }),
  role: z
    .enum(['owner', 'person'])
    .default('person')
    .describe('owner: that is you; person: may talk, and what is done for them asks you'),
})

/** Everything that `config.toml` may hold. A key that is not here is refused. */
export const Config = z.strictObject({
  agent: z
    .strictObject({
      provider: z
        .string()
        .default('openai')
        .meta(key('openai, anthropic, openrouter, together, ollama, custom, …', ['openpista_PROVIDER'])),
      model: text().meta(key("empty: the provider's usual one", ['openpista_MODEL'])),
      fallback: z
        .array(z.string().regex(/^[a-z][a-z0-9-]*\/\S+$/, 'write it as <provider>/<model>'))
        .default([])
        .describe('models that stand in when the first fails, as <provider>/<model>, in this order'),
      api_key: text().meta(
        key('wins over stored logins and the key variables of the providers', ['openpista_API_KEY'], { secret: true }),
      ),
      base_url: text().meta(key("address of a custom provider; empty: the provider's own", ['openpista_BASE_URL'])),
      oauth_client_id: text().meta(
        key("own OAuth client for auth login; empty: the service's public one", ['openpista_OAUTH_CLIENT_ID']),
      ),
      max_tool_rounds: z.number().int().min(1).max(200).default(10).describe('rounds of tool calls before a card asks'),
      record: z.boolean().default(false).describe('keep a recording of every turn, for openpista replay'),
      context_chars: z
        .number()
        .int()
        .min(10_000)
        .max(600_000)
        .default(400_000)
        .describe('characters of conversation that are sent to the model'),
      ollama_url: z
        .string()
        .default('http://localhost:11434/v1')
        .meta(
          key('where a local Ollama is looked for when no model is configured; empty: nowhere', [
            'openpista_OLLAMA_URL',
          ]),
        ),
    })
    .prefault({})
    .describe('The model, and how it works.'),
  limits: z
    .strictObject({
      turn_tokens: tokens(2_000_000).describe('tokens of one turn'),
      turn_usd: usd(5).describe('money of one turn, in US dollars'),
      session_tokens: tokens(0).describe('tokens of a session'),
      session_usd: usd(0).describe('money of a session'),
      day_tokens: tokens(0).describe('tokens of a day'),
      day_usd: usd(25).describe('money of a day'),
    })
    .prefault({})
    .describe('What may be used before a card asks to go on; 0 is no limit.'),
  channels: z
    .strictObject({
      cli: z
        .strictObject({
          enabled: z.boolean().default(true).describe('the socket that run, repl and tui use'),
        })
        .prefault({})
        .describe('The command line.'),
      web: z
        .strictObject({
          enabled: z.boolean().default(true).describe('serve the web client on the loopback'),
          port: z
            .number()
            .int()
            .min(0)
            .max(65_535)
            .default(3210)
            .meta(key('0: any free port', ['openpista_WEB_PORT'])),
          token: text().meta(
            key('empty: made at the first start and kept in gateway-token', ['openpista_WEB_TOKEN'], { secret: true }),
          ),
          hosts: z
            .array(z.string())
            .default([])
            .describe('host names, besides those of the loopback, under which a proxy on this machine serves it'),
          cors_origins: z
            .array(z.string().refine(isOrigin, 'write it as https://host or http://host:port, without a path'))
            .default([])
            .describe('origins of pages elsewhere that may speak to the gateway; they need its token'),
          static_dir: text().describe('empty: the web client that comes with the program'),
          shared_session_id: z
            .string()
            .regex(/^[A-Za-z0-9._-]{0,64}$/, 'letters, digits, dots and dashes')
            .default('')
            .describe('a session that every browser and tui opens first; empty: each has its own'),
        })
        .prefault({})
        .describe('The chat in the browser.'),
    })
    .prefault({}),
  database: z
    .strictObject({ url: text().describe('path of the file; empty: memory.db in the home folder') })
    .prefault({})
    .describe('Where everything said is kept.'),
  skills: z
    .strictObject({
      workspace: text().meta(
        key('empty: workspace in the home folder', ['openpista_WORKSPACE', 'OPENPISTACRAB_WORKSPACE']),
      ),
    })
    .prefault({})
    .describe('The folder that the agent works in.'),
  executor: z
    .strictObject({
      kind: z
        .enum(['auto', 'host', 'bubblewrap', 'docker'])
        .default('auto')
        .describe('auto: bubblewrap where it works, else the host'),
      container: text().describe('with docker: the name of one of containers.images; it needs bash'),
      network: z.boolean().default(false).describe('whether commands in the sandbox reach the network'),
      writable: z.array(z.string()).default([]).describe('further folders that may be read and written'),
      readable: z.array(z.string()).default([]).describe('further folders that may be read'),
    })
    .prefault({})
    .describe('Where commands run.'),
  fetch: z
    .strictObject({
      allowed_hosts: z
        .array(z.string())
        .default([])
        .describe('host:port that web.fetch and the browser may read although it is not on the public internet'),
    })
    .prefault({})
    .describe('What may be read over the network.'),
  browser: BrowserSection.prefault({}),
  screen: ScreenSection.prefault({}),
  containers: ContainerConfig.prefault({}),
  schedules: z
    .array(ScheduleSection)
    .max(50)
    .default([])
    .describe('What is said to the agent at given times; see docs/schedules.md.'),
  workers: WorkerSection.prefault({}),
  wallet: z
    .strictObject({
      url: text().meta(key('address of the wallet; empty: none', ['openpista_WALLET_URL'])),
      token_file: text().meta(key('file of the session token, mode 600', ['openpista_WALLET_TOKEN_FILE'])),
    })
    .prefault({})
    .describe('The wallet that the agent may ask.'),
  senders: z
    .array(SenderSection)
    .max(200)
    .default([])
    .describe('Who may talk to the agent on messengers; see docs/senders.md.'),
  auth: AuthConfig.prefault({}),
  approvals: ApprovalConfig.prefault({}),
})
export type Config = z.output<typeof Config>

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
  /** Files of `--debug`. */
  logs: string
  /** What is remembered from one use to the next. */
  memoryFile: string
}

/**
 * Reads the configuration: defaults < file < environment. Looked up at `file`, else in `config.toml` of the home
 * folder (`OPENPISTA_HOME`, default `~/.openpista`).
 *
 * @throws AppError `CONFIG_INVALID` that names the key; `CONFIG_NOT_FOUND`, `HOME_INVALID`.
 */
export function loadSettings(file: string | undefined, env: Env): Settings {
  const home = homeFolder(env)
  if (file !== undefined && !existsSync(file)) {
    throw new AppError('CONFIG_NOT_FOUND', `There is no file ${file}.`, { hint: 'Make it, or leave --config out.' })
  }
  if (statSync(home, { throwIfNoEntry: false })?.isDirectory() === false) {
    throw new AppError('HOME_INVALID', `${home} is no folder.`, { hint: 'Name another one in OPENPISTA_HOME.' })
  }
  const config = loadConfig(Config, { file: configFile(file, env), env, envKeys: environmentKeys(Config) })
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
    logs: at('logs'),
    memoryFile: at('state.toml'),
  }
}

/** The file that is read: the named one, else the one in the home folder. */
export function configFile(named: string | undefined, env: Env): string {
  return named ?? join(homeFolder(env), 'config.toml')
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
