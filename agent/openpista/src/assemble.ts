import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { assertPrivate, ensurePrivateDir, type Logger, newSecret, writeFileAtomic } from '@openpista/common'
import { type Agent, createAgent, type Payments as PaymentPart } from './app.ts'
import { createApprovalMemory } from './approvals/memory.ts'
import { openAuth } from './auth/index.ts'
import { cli } from './channels/cli.ts'
import type { ChannelDefinition } from './channels/definition.ts'
import { channels } from './channels/index.ts'
import { web } from './channels/web.ts'
import { createCommands } from './commands/index.ts'
import { findWebRoot, type Settings } from './config.ts'
import { contextMessages } from './domain/compaction.ts'
import { type ContextBudget, replay, untrustedSources } from './domain/history.ts'
import { sourceView } from './domain/source-view.ts'
import { type Containers, createContainers } from './executors/containers.ts'
import type { Executor } from './executors/executor.ts'
import { createExecutor } from './executors/index.ts'
import { resolveRoots } from './executors/roots.ts'
import { createTaskTokens } from './executors/task-tokens.ts'
import { type Access, createAccess } from './gateway/access.ts'
import type { Announcer } from './gateway/announcer.ts'
import { knownModels, serviceLines } from './known-models.ts'
import { run } from './loop.ts'
import { createMachine, type Machine } from './machine.ts'
import { jitteredRetry } from './model-stream.ts'
import { createModels, type Models } from './models.ts'
import { createPairing } from './pairing/pairing.ts'
import type { SourceView } from './protocol/index.ts'
import { recordRuns } from './recording.ts'
import { openRemembered } from './remembered.ts'
import type { ScheduleTarget } from './schedules/schedule.ts'
import { type ConfiguredSchedule, createScheduler } from './schedules/scheduler.ts'
import { localZone } from './schedules/when.ts'
import { createSkillRunner } from './skills/runner.ts'
import { createSkills } from './skills/skills.ts'
import { readContext } from './store/conversation.ts'
import { createOutputs, OUTPUT_LIMITS } from './store/outputs.ts'
import { openStore, type Store } from './store/store.ts'
import { createTools } from './tools/index.ts'
import { keepWhole } from './tools/keep-whole.ts'
import { createOutputRead } from './tools/output-read.ts'
import { systemLookup } from './tools/pinned-fetch.ts'
import { createScheduleTools } from './tools/schedules.ts'
import { createSkillTools } from './tools/skills.ts'
import type { Tool } from './tools/tool.ts'
import { createWorkerTools } from './tools/workers.ts'
import { createPaymentStore } from './wallet/payment-store.ts'
import { createPayments, type PaymentOrigin, type Payments } from './wallet/payments.ts'
import { createPaymentRelay } from './wallet/relay.ts'
import { connectWallet, type Wallet } from './wallet/wallet.ts'
import { createWorkers } from './workers/workers.ts'

export const VERSION = '0.1.0'

const RETRIES = 3
const CONTEXT_MESSAGES = 200

/** A whole agent from its configuration. */
export type Assembly = {
  agent: Agent
  tools: readonly Tool[]
  access: Access
  /** The port of the web channel, once it listens. */
  port: () => number | undefined
  store: Store
  models: Models
  executor: Executor
  containers: Containers
  wallet: Wallet | null
}

export type AssemblyParts = {
  settings: Settings
  env: Readonly<Record<string, string | undefined>>
  logger: Logger
  /**
   * `all`: every enabled channel. `web`: of the channels only the web client, and the Unix socket. `local`: the socket
   * only, for a program that brings its own gateway.
   */
  reach: keyof typeof REACHES
}

/** Makes every part once and wires it. Nothing runs before `agent.start()`. */
export async function assemble({ settings, env, logger, reach }: AssemblyParts): Promise<Assembly> {
  const { config, home } = settings
  ensurePrivateDir(home)
  const token = config.channels.web.token || readOrMakeToken(settings.tokenFile)
  const store = await openStore(settings.database)
  const roots = secure(settings)
  const containers = createContainers(config.containers, home, createTaskTokens(Date.now))
  const executor = await createExecutor({ ...config.executor, roots, env, containers })
  const paymentStore = createPaymentStore(store)
  const payments = createPayments(paymentStore)
  const wallet = walletOf(settings)
  const context = { messages: CONTEXT_MESSAGES, chars: config.agent.context_chars }
  const scheduler = createScheduler({ store, now: Date.now, configured: schedulesOf(settings), logger })
  const { hosts, shared_session_id: shared } = config.channels.web
  const { workspace } = roots
  const skills = createSkills({ store, workspace, confined: executor.name !== 'host', now: Date.now })
  const limits = limitsOf(settings)
  const { machine, tools, workers } = makeTools({
    ...{ settings, env, store, roots, containers, sandbox: executor.name, scheduler, skills, limits },
    wallet: wallet === null ? null : { wallet, payments },
  })
  const remembered = openRemembered(settings.memoryFile)
  const models = createModels({ ...modelsConfig(settings, env), remembered: remembered.model }, Date.now)
  const about = {
    ...{ store, models, remembered, executor: executor.name, version: VERSION, now: Date.now },
    knownModels: () => knownModels(settings, env),
    services: () => serviceLines(settings, env),
  }
  const access = createAccess({ token, hosts, origins: config.channels.web.cors_origins, now: Date.now })
  const pairing = createPairing({ store, now: Date.now, configured: config.senders })
  let port: number | undefined
  const relayParts = { store, wallet, payments, paymentStore, context, logger }
  const agent = createAgent({
    store,
    tools,
    commands: createCommands({ ...about, skills, pairing, isLocal }),
    models,
    executor,
    workspace,
    skillIndex: skills.index,
    approvals: config.approvals,
    memory: createApprovalMemory(),
    runLoop: config.agent.record ? recordRuns(run, recordingsIn(settings.recordings)) : run,
    limits,
    context,
    retry: jitteredRetry(RETRIES, Math.random),
    channels: REACHES[reach](settings),
    pairing,
    access,
    web: {
      webRoot: findWebRoot(config),
      version: VERSION,
      port: config.channels.web.port,
      tasks: containers.tasks,
      onListening: (found) => {
        port = found
      },
    },
    cli: { socketPath: settings.socket },
    shared: shared === '' ? undefined : { id: `web:${shared}`, channel: 'web', address: { chat: shared } },
    // A short-lived gateway of one command leaves them to the one that stays.
    scheduler: reach === 'local' ? NO_SCHEDULER : scheduler,
    workers,
    createPayments: (announcer) => paymentPart(relayParts, announcer),
    now: Date.now,
    random: Math.random,
    logger,
  })
  return {
    agent: withMachine(agent, machine, logger),
    tools,
    access,
    store,
    port: () => port,
    models,
    executor,
    containers,
    wallet,
  }
}

type ToolParts = Pick<AssemblyParts, 'settings' | 'env'> & {
  store: Store
  roots: ReturnType<typeof secure>
  containers: Containers
  sandbox: string
  scheduler: ReturnType<typeof createScheduler>
  skills: ReturnType<typeof createSkills>
  limits: ReturnType<typeof limitsOf>
  wallet: Parameters<typeof createTools>[0]['wallet']
}

/** Every tool, and what stands behind those that keep something running. */
function makeTools({ settings, env, store, roots, containers, sandbox, scheduler, skills, limits, wallet }: ToolParts) {
  const { config, home } = settings
  const { browser, screen } = config
  const web = { allowedHosts: config.fetch.allowed_hosts, resolve: systemLookup }
  const machine = createMachine({ browser, screen, containers, home, env, platform: process.platform, web, store })
  const { workspace } = roots
  const skillParts = { sandbox, workspace, env, containers, container: config.executor.container }
  const toolsOfWorkers = withWholeOutputs(store, [
    ...createTools({ roots, web, wallet }),
    ...machine.tools,
    ...createScheduleTools(scheduler),
    ...createSkillTools(skills, createSkillRunner(skillParts)),
  ])
  const workers = createWorkers({ store, now: Date.now, limits, config: config.workers, tools: toolsOfWorkers })
  const tools = [...toolsOfWorkers, ...(config.workers.at_once > 0 ? createWorkerTools(workers) : [])]
  return { machine, tools, workers }
}

/** The tools, whose outputs are kept whole where they answer with a part, and one that reads on in them. */
function withWholeOutputs(store: Store, tools: readonly Tool[]): readonly Tool[] {
  const { keep, read } = createOutputs(store, Date.now, OUTPUT_LIMITS)
  const names = tools.map(({ name }) => name)
  // A tool's functions take its own parsed input; whoever calls them parses first.
  const readOn = createOutputRead(read, names) as unknown as Tool
  return [...tools, readOn].map((tool) => keepWhole(tool, keep))
}

/** The machine is put in order before the agent starts, and cleared away after it has stopped. */
function withMachine(agent: Agent, machine: Machine, logger: Logger): Agent {
  return {
    ...agent,
    start: async () => {
      const trouble = await machine.start()
      if (trouble !== undefined) logger.warn({ trouble }, 'containers of an earlier run could not be looked for')
      await agent.start()
    },
    stop: async (graceMs) => {
      await agent.stop(graceMs)
      await machine.close()
    },
  }
}

function modelsConfig({ config: { agent, auth }, home }: Settings, env: AssemblyParts['env']) {
  const { provider, model, fallback, api_key: apiKey, base_url: baseUrl, ollama_url: ollamaUrl } = agent
  const { credentials } = openAuth({ home, config: auth, clientId: agent.oauth_client_id, env })
  return { provider, model, fallback, apiKey, baseUrl, ollamaUrl, env, credentials }
}

/** `session` is written as `<channel>:<chat>` or `<channel>:<chat>:<thread>`. */
function schedulesOf({ config }: Settings): ConfiguredSchedule[] {
  return config.schedules.map(({ session, zone, ...schedule }) => {
    const [channel = '', chat = '', thread] = session.split(':')
    const address = thread === undefined ? { chat } : { chat, thread }
    const target: ScheduleTarget = { id: session, channel, address }
    return { ...schedule, zone: zone || localZone(), target }
  })
}

function limitsOf({ config: { agent, limits } }: Settings) {
  return {
    maxRounds: agent.max_tool_rounds,
    turn: { tokens: limits.turn_tokens, usd: limits.turn_usd },
    session: { tokens: limits.session_tokens, usd: limits.session_usd },
    day: { tokens: limits.day_tokens, usd: limits.day_usd },
  }
}

/** One file for each turn; a turn that went on after a restart has that part only. */
function recordingsIn(folder: string) {
  return (turnId: string, lines: string) => {
    ensurePrivateDir(folder)
    writeFileAtomic(join(folder, `${turnId}.jsonl`), lines)
  }
}

const isLocal = (channel: string) => channels.some(({ name, local }) => name === channel && local === true)

const REACHES = { all: enabledChannels, web: () => [cli, web], local: () => [cli] } as const

function enabledChannels({ config }: Settings): ChannelDefinition[] {
  return channels.filter(({ name }) => config.channels[name as keyof typeof config.channels].enabled)
}

/** The folders of tools and commands; the agent's own folder and that of the wallet's token are closed to them. */
function secure({ config, workspace, home }: Settings) {
  const { writable, readable } = config.executor
  const roots = resolveRoots({ workspace, writable, readable, home: homedir() })
  const token = config.wallet.token_file
  return { ...roots, secret: [...roots.secret, home, ...(token === '' ? [] : [dirname(token)])] }
}

function walletOf({ config }: Settings): Wallet | null {
  const { url, token_file: tokenFile } = config.wallet
  return url === '' || tokenFile === '' ? null : connectWallet({ url, tokenFile })
}

/** The gateway's token: made at the first start, read at every other. */
function readOrMakeToken(file: string): string {
  if (existsSync(file)) {
    assertPrivate(file, 0o600)
    const token = readFileSync(file, 'utf8').trim()
    if (token !== '') return token
  }
  const token = newSecret()
  writeFileAtomic(file, `${token}\n`)
  return token
}

type RelayParts = {
  store: Store
  wallet: Wallet | null
  payments: Payments
  paymentStore: ReturnType<typeof createPaymentStore>
  context: ContextBudget
  logger: Logger
}

function paymentPart(parts: RelayParts, announcer: Announcer): PaymentPart {
  const { wallet, payments, paymentStore, store, context, logger } = parts
  if (wallet === null) return NO_PAYMENTS
  const relay = createPaymentRelay({
    wallet,
    payments,
    store: paymentStore,
    announcer,
    sources: (origin) => sourcesOf(store, origin, context),
    now: () => Math.floor(Date.now() / 1000),
    onTrouble: (error) => logger.warn({ err: error }, 'the wallet cannot be listened to; trying again'),
  })
  const ending = new AbortController()
  let running: Promise<void> = Promise.resolve()
  return {
    desk: relay.desk,
    start: async () => {
      running = relay.run(ending.signal).catch((error: unknown) => {
        logger.error({ err: error }, 'the payment relay stopped; restart the agent to see payment cards again')
      })
    },
    stop: async () => {
      ending.abort()
      await running
    },
  }
}

const NO_SCHEDULER = { start: async () => {}, stop: async () => {} }

const NO_PAYMENTS: PaymentPart = {
  desk: { reject: async () => ({ ok: false, message: 'No wallet is connected.' }) },
  start: async () => {},
  stop: async () => {},
}

/** Whose words led to a payment: who wrote the turn's message, and everybody else in the session's context. */
async function sourcesOf(store: Store, origin: PaymentOrigin, budget: ContextBudget): Promise<SourceView[]> {
  const context = await readContext(store.db, origin.sessionId, 2 * budget.messages)
  const messages = replay(contextMessages(context), budget)
  const asked = messages.findLast((message) => message.role === 'user')
  const sender = asked?.role === 'user' ? asked.parts.slice(0, 1).map((part) => part.provenance) : []
  return [...sender, ...untrustedSources(messages)].map(sourceView)
}
