import type { Message } from '../domain/message.ts'
import { modelInfo } from '../domain/model-info.ts'
import { createLanguageModelProvider, type Prepared } from './language-model.ts'
import { type Dialect, ownThinking } from './prompt.ts'
import type { ModelRequest, Provider } from './provider.ts'
import type { WireSettings } from './wire.ts'

const MAX_TOKENS = 16_000
const THINKING_BUDGET = 10_000
const INTERLEAVED_THINKING = 'interleaved-thinking-2025-05-14'
const SUBSCRIPTION = 'oauth-2025-04-20'
const CACHE_MARK = { anthropic: { cacheControl: { type: 'ephemeral' } } }

/** Anthropic's Messages API, with thinking that goes back signed, as it came. */
export function createAnthropic(settings: WireSettings): Provider {
  return createLanguageModelProvider(settings.id, (request) => prepare(settings, request))
}

async function prepare(settings: WireSettings, { model, messages }: ModelRequest): Promise<Prepared> {
  const found = await settings.credential()
  if (!found.ok) return found
  const { token, kind } = found.credential
  const thinking = canThink(settings.id, model, messages) ? modelInfo(settings.id, model).thinking : 'none'
  const betas = [...(thinking === 'budget' ? [INTERLEAVED_THINKING] : []), ...(kind === 'oauth' ? [SUBSCRIPTION] : [])]
  const { createAnthropic: create } = await import('@ai-sdk/anthropic')
  const dialect: Dialect = {
    thinking: thinking === 'none' ? 'left out' : 'replayed',
    toolImages: 'inside',
    cacheMark: CACHE_MARK,
  }
  return {
    ok: true,
    model: create({
      baseURL: `${settings.baseUrl.replace(/\/v1\/?$|\/$/, '')}/v1`,
      ...(kind === 'oauth' ? { authToken: token } : { apiKey: token }),
      headers: { ...settings.headers, ...(betas.length === 0 ? {} : { 'anthropic-beta': betas.join(',') }) },
    })(model),
    dialect,
    systemInPrompt: true,
    options: { maxOutputTokens: MAX_TOKENS, providerOptions: { anthropic: thinkingOption(thinking) } },
  }
}

function thinkingOption(thinking: 'budget' | 'adaptive' | 'none') {
  if (thinking === 'none') return {}
  const option = thinking === 'budget' ? { type: 'enabled', budgetTokens: THINKING_BUDGET } : { type: 'adaptive' }
  return { thinking: option }
}

/**
 * In the middle of a tool loop the service wants the thinking of every answer in it back. A loop that another model
 * began has none, so it is ended without thinking.
 */
function canThink(id: string, model: string, messages: readonly Message[]): boolean {
  // What is said right behind results travels in one message with them, and the loop goes on.
  const start = messages.findLastIndex(({ role }, index) => role === 'user' && messages[index - 1]?.role !== 'tool')
  return messages
    .slice(start + 1)
    .every(
      (message) => message.role !== 'assistant' || message.calls.length === 0 || startsThinking(message, id, model),
    )
}

function startsThinking(message: Extract<Message, { role: 'assistant' }>, id: string, model: string): boolean {
  const first = ownThinking(message, id, model)[0]
  return first !== undefined && first.source.textAt === 0 && first.source.callsAt === 0
}
