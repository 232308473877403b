import { type ChatRequest, type FakeReply, startFakeAnthropic, startFakeOpenAI } from '@openpista/testing'
import { SUMMARY_ORDER } from '../../../agent/openpista/src/domain/compaction.ts'
import type { Message } from '../../../agent/openpista/src/domain/message.ts'
import { keysOnly } from '../../../agent/openpista/src/providers/credential.ts'
import { createProvider } from '../../../agent/openpista/src/providers/index.ts'

/** The model that the agent asks, and services of every wire format that judge what it would send them. */
export type Model = {
  baseUrl: string
  apiKey: string
  /** Called with every request, before it is answered. */
  onRequest: (listener: () => void) => void
  /** Whether it takes its time with each word. */
  speakSlowly: (slowly: boolean) => void
  /** What each service found wrong with this conversation; empty when all of them take it. */
  faultsOf: (messages: readonly Message[]) => Promise<string[]>
  close: () => Promise<void>
}

const MILLIS_A_WORD = 40

/**
 * It runs the command of "run …", says what came of it, and else says back what it was told. "Dear" words cost more
 * than a turn may.
 */
export async function startModel(): Promise<Model> {
  let listener: () => void = () => {}
  let slowly = false
  const chat = await startFakeOpenAI({
    script: (request) => {
      listener()
      return { ...replyTo(request), ...(slowly ? { fault: { kind: 'slow', millisPerFrame: MILLIS_A_WORD } } : {}) }
    },
  })
  const judges = await startJudges()
  return {
    baseUrl: chat.baseUrl,
    apiKey: chat.apiKey,
    onRequest: (given) => {
      listener = given
    },
    speakSlowly: (value) => {
      slowly = value
    },
    faultsOf: async (messages) => [
      ...chat.refused.map(({ message }) => message),
      ...(await Promise.all(judges.map((judge) => judge.faultOf(messages)))).flat(),
    ],
    close: async () => {
      await chat.close()
      for (const { close } of judges) await close()
    },
  }
}

function replyTo({ messages }: ChatRequest): FakeReply {
  const last = messages.at(-1)!
  if (last.role === 'tool') return { text: `It says: ${textOf(last)}` }
  const text = textOf(last)
  if (text.startsWith(SUMMARY_ORDER.slice(0, 40))) return { text: 'They wrote long letters.' }
  const command = /\brun (.+)$/.exec(text)?.[1]
  if (command === undefined) return { text: `You said: ${text.slice(0, 40)}` }
  const usage = text.startsWith('dear') ? { prompt: 3_000_000, completion: 1 } : { prompt: 1, completion: 1 }
  return { text: 'I will do that at once.', calls: [{ name: 'system_run', arguments: { command } }], usage }
}

function textOf({ content }: ChatRequest['messages'][number]): string {
  if (typeof content === 'string') return content
  return (content ?? []).map((part) => part.text ?? '').join('\n')
}

async function startJudges() {
  const chat = await startFakeOpenAI()
  const responses = await startFakeOpenAI({ models: ['gpt-4o'] })
  const anthropic = await startFakeAnthropic()
  return [
    judge('custom', 'test-model', chat),
    judge('openai', 'gpt-4o', responses),
    judge('anthropic', 'claude-sonnet-4-6', anthropic),
  ]
}

type Service = {
  baseUrl: string
  apiKey: string
  queue: (reply: FakeReply) => void
  close: () => Promise<void>
}

function judge(provider: string, model: string, service: Service) {
  const { baseUrl, apiKey, close } = service
  const choice = createProvider({ provider, model, apiKey, baseUrl, env: {}, credentials: keysOnly })
  if (!choice.ok) throw new Error(choice.message)
  return {
    close,
    faultOf: async (messages: readonly Message[]): Promise<string[]> => {
      service.queue({ text: 'Well.' })
      const request = { model, system: 'Be brief.', messages, tools: [] }
      for await (const event of choice.provider.stream(request, new AbortController().signal)) {
        if (event.type === 'error') return [`${provider}: ${event.message}`]
      }
      return []
    },
  }
}
