import { sql } from 'kysely'
import { dollars, type Spent } from '../domain/limits.ts'
import type { KnownModels } from '../known-models.ts'
import type { Models } from '../models.ts'
import type { Remembered } from '../remembered.ts'
import { appendClear } from '../store/conversation.ts'
import type { Store } from '../store/store.ts'
import { usedIn } from '../store/usage.ts'
import { type Command, usageOf } from './command.ts'

export type AboutParts = {
  store: Store
  models: Models
  remembered: Pick<Remembered, 'noteModel'>
  /** Every model that could be chosen. */
  knownModels: () => Promise<Pick<KnownModels, 'entries' | 'problems'>>
  /** One line for each model service: whether it can be used. */
  services: () => string[]
  executor: string
  version: string
  now: () => number
}

/** `/clear`: the conversation starts anew; what was said stays in the log. */
export function createClear({ store, now }: AboutParts): Command {
  return {
    name: 'clear',
    usage: ['/clear'],
    summary: 'begin a new conversation here',
    plan: async (_args, sessionId) => {
      await store.write((transaction) => appendClear(transaction, { sessionId, turnId: null, at: now() }))
      return { kind: 'say', text: 'Cleared. What was said before is no longer sent to the model.' }
    },
  }
}

/** `/model`, `/model <name>`: the model of this session. */
export function createModel({ store, models, remembered, knownModels }: AboutParts): Command {
  const known = async () => {
    const { entries, problems } = await knownModels()
    const lines = entries.map(({ provider, id, status }) => `${provider}:${id} (${status})`)
    return [...(lines.length === 0 ? ['No service is ready: /login says how to sign in.'] : lines), ...problems].join(
      '\n',
    )
  }
  return {
    name: 'model',
    usage: ['/model', '/model list', '/model <name>', '/model <provider>:<name>', '/model default'],
    summary: 'show or choose the model of this session',
    plan: async (args, sessionId) => {
      if (args === 'list') return { kind: 'say', text: await known() }
      if (args !== '') {
        const model = args === 'default' ? null : args
        await store.write((transaction) =>
          transaction.updateTable('sessions').set({ model }).where('id', '=', sessionId).execute(),
        )
        const choice = model === null ? undefined : await models.choose(model)
        if (choice === undefined || choice.ok) {
          remembered.noteModel(choice && { provider: choice.provider.id, model: choice.model })
        }
      }
      return { kind: 'say', text: await modelWords(store, models, sessionId) }
    },
  }
}

/** `/session`: this session and the others. */
export function createSession({ store }: AboutParts): Command {
  const session: Command = {
    name: 'session',
    usage: ['/session', '/session new', '/session load <id>', '/session delete <id>'],
    summary: 'list the sessions; begin, open or delete one',
    plan: async (args, sessionId) => {
      // Which session is on the screen is the client's to change: those that can never send these words.
      if (/^(new|load|delete)\b/.test(args)) return { kind: 'say', text: '❌ This chat stays in its one session.' }
      if (args !== '') return usageOf(session, `Sessions have no '${args}'.`)
      const rows = await store.db
        .selectFrom('sessions')
        .select(['id', 'title', 'shared'])
        .where('title', '<>', '')
        .orderBy('updated_at', 'desc')
        .limit(20)
        .execute()
      // A title may be the words of whoever wrote there, and what a command says a model reads as its own.
      const lines = rows.map(
        ({ id, title, shared }) =>
          `${id === sessionId ? '*' : ' '} ${id}  ${shared === 1 ? '(others write here)' : title}`,
      )
      return { kind: 'say', text: lines.join('\n') }
    },
  }
  return session
}

/** `/connection`: what this chat is, seen from the gateway. */
export function createConnection({ store, models, version }: AboutParts): Command {
  return {
    name: 'connection',
    usage: ['/connection'],
    summary: 'how this chat is connected',
    plan: async (_args, sessionId, sender) => {
      const channel = sender.kind === 'owner' ? sender.channel : sessionId.slice(0, sessionId.indexOf(':'))
      const lines = [
        `gateway: openpista ${version}`,
        `session: ${sessionId}`,
        `you write on: ${channel}`,
        await modelWords(store, models, sessionId),
      ]
      return { kind: 'say', text: lines.join('\n') }
    },
  }
}

/** `/login`: which model services are ready, and how to sign in. A key is never taken in a chat, which is kept. */
export function createLogin({ services }: AboutParts): Command {
  return {
    name: 'login',
    usage: ['/login'],
    summary: 'which model services are ready, and how to sign in',
    plan: () => ({ kind: 'say', text: [...services(), '', LOGIN].join('\n') }),
  }
}

const LOGIN =
  'Sign in on the machine itself, in a shell: openpista auth login -p <service>\nNever write a key into a chat: what is said is kept.'

/** `/status`: what this session runs on. */
export function createStatus(parts: AboutParts): Command {
  return {
    name: 'status',
    usage: ['/status'],
    summary: 'what runs, and what it has used',
    plan: async (_args, sessionId) => {
      const { db } = parts.store
      const { turns } = await db
        .selectFrom('turns')
        .select(sql<number>`count(*)`.as('turns'))
        .where('session_id', '=', sessionId)
        .executeTakeFirstOrThrow()
      const used = await usedIn(db, { turn: '', session: sessionId }, new Date(parts.now()).setHours(0, 0, 0, 0))
      const lines = [
        `openpista ${parts.version}`,
        `session: ${sessionId}`,
        await modelWords(parts.store, parts.models, sessionId),
        `commands run in: ${parts.executor}`,
        `this session: ${turns} turns, ${spentWords(used.session)}`,
        `all sessions today: ${spentWords(used.day)}`,
      ]
      return { kind: 'say', text: lines.join('\n') }
    },
  }
}

function spentWords({ tokens, cost }: Spent): string {
  return `${tokens.toLocaleString('en-US')} tokens, ${dollars(cost)}`
}

/** `/help`: every command, in the order of the list. */
export function createHelp(others: readonly Command[]): Command {
  const help: Command = {
    name: 'help',
    usage: ['/help'],
    summary: 'this list',
    plan: () => {
      const width = Math.max(...[...others, help].flatMap(({ usage }) => usage.map((line) => line.length)))
      const lines = [...others, help].flatMap(({ usage, summary }) =>
        usage.map((line, index) => `${line.padEnd(width)}  ${index === 0 ? summary : ''}`.trimEnd()),
      )
      return { kind: 'say', text: lines.join('\n') }
    },
  }
  return help
}

async function modelWords(store: Store, models: Models, sessionId: string): Promise<string> {
  const row = await store.db.selectFrom('sessions').select('model').where('id', '=', sessionId).executeTakeFirst()
  const choice = await models.choose(row?.model ?? null)
  return choice.ok ? `model: ${choice.model} (${choice.provider.id})` : choice.hint
}
