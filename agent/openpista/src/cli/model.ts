import { join } from 'node:path'
import { AppError } from '@openpista/common'
import type { Settings } from '../config.ts'
import type { Message } from '../domain/message.ts'
import { costOf, modelInfo } from '../domain/model-info.ts'
import { catalogueOf, chooseProvider, knownModels } from '../known-models.ts'
import type { CatalogueEntry } from '../providers/catalogue.ts'
import type { ProviderChoice } from '../providers/index.ts'
import { changeConfig } from './config-edit.ts'

type Env = Readonly<Record<string, string | undefined>>
type Ready = Extract<ProviderChoice, { ok: true }>

const TEST_TIMEOUT_MS = 60_000

/** `openpista model [list|select|test|NAME]`. */
export async function model(
  settings: Settings,
  env: Env,
  what: string | undefined,
  options: { message: string; configFile: string | undefined },
): Promise<number> {
  if (what === 'list') return await list(settings, env)
  if (what === 'test') return await testAll(settings, env, options.message)
  if (what === undefined || what === 'select') return await select(settings, env, options.configFile)
  return (await tryModel(configured(settings, env, what), what, options.message)) ? 0 : 1
}

async function list(settings: Settings, env: Env): Promise<number> {
  const { entries, problems, current } = await knownModels(settings, env)
  for (const entry of entries) console.log(line(entry, current))
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (!current.ok) process.stderr.write(`${current.message} ${current.hint}\n`)
  return current.ok ? 0 : 1
}

async function testAll(settings: Settings, env: Env, message: string): Promise<number> {
  const ready = configured(settings, env, '')
  const { entries } = await catalogueOf(settings, ready)
  const ids = entries.filter(({ status }) => status !== 'not listed').map(({ id }) => id)
  let failed = 0
  for (const id of ids.length === 0 ? [ready.model] : ids) {
    if (!(await tryModel(ready, id, message))) failed++
  }
  return failed === 0 ? 0 : 1
}

/** Sends one message and says how it went. */
async function tryModel({ provider }: Ready, id: string, text: string): Promise<boolean> {
  const asked: Message = {
    role: 'user',
    parts: [{ type: 'text', text, provenance: { kind: 'owner', channel: 'cli' } }],
  }
  const request = { model: id, system: 'Answer in one short sentence.', messages: [asked], tools: [] }
  const started = performance.now()
  for await (const event of provider.stream(request, AbortSignal.timeout(TEST_TIMEOUT_MS))) {
    if (event.type === 'error') {
      console.log(`${provider.id}/${id}: failed: ${event.message}`)
      return false
    }
    if (event.type !== 'done') continue
    const seconds = ((performance.now() - started) / 1000).toFixed(1)
    const cost = costOf(modelInfo(provider.id, id), event.usage)
    const price = cost === null ? '' : `, ${(Number(cost) / 1e12).toFixed(6)} USD`
    const { inputTokens, outputTokens } = event.usage
    console.log(`${provider.id}/${id}: ok in ${seconds} s (${inputTokens} + ${outputTokens} tokens${price})`)
    console.log(`  ${event.text.trim()}`)
  }
  return true
}

async function select(settings: Settings, env: Env, configFile: string | undefined): Promise<number> {
  const ready = configured(settings, env, '')
  const { entries, problem } = await catalogueOf(settings, ready)
  if (problem !== null) process.stderr.write(`${problem}\n`)
  if (!process.stdin.isTTY) {
    throw new AppError('USAGE', 'Choosing needs a terminal.', {
      hint: 'Set agent.model in config.toml, or openpista_MODEL; openpista model list shows the names.',
    })
  }
  const prompts = await import('@clack/prompts')
  const options = entries.map((entry) => ({ value: entry.id, label: entry.id, hint: entry.status }))
  const chosen = await prompts.select({ message: `Model of ${ready.provider.id}`, options, initialValue: ready.model })
  if (prompts.isCancel(chosen)) return 1
  const file = configFile ?? join(settings.home, 'config.toml')
  changeConfig(file, [{ path: 'agent.model', value: chosen }])
  console.log(`${file}: agent.model = "${chosen}". A running gateway takes it at its next start.`)
  return 0
}

function line({ provider, id, recommendedForCoding, status, source }: CatalogueEntry, current: ProviderChoice): string {
  const mark = current.ok && current.provider.id === provider && current.model === id ? '*' : ' '
  const notes = [
    status,
    ...(recommendedForCoding ? ['for coding'] : []),
    ...(source === 'data' ? [] : ['from service']),
  ]
  return `${mark} ${provider}/${id} (${notes.join(', ')})`
}

function configured(settings: Settings, env: Env, id: string): Ready {
  const choice = chooseProvider(settings, env, settings.config.agent.provider, id)
  if (choice.ok) return choice
  throw new AppError(choice.code, choice.message, { hint: choice.hint })
}
