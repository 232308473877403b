import { createHash } from 'node:crypto'
import { type EventStream, eventFrame } from './event-stream.ts'
import { argumentText, type FakeReply, words } from './model-reply.ts'
import type { ResponsesRequest } from './responses-request.ts'

type Event = { type: string } & Record<string, unknown>
type Item = Record<string, unknown>

/** The events of one answer, and the encrypted reasoning in it, if it was asked for. */
export function responsesStream(
  reply: FakeReply,
  request: ResponsesRequest,
  index: number,
): { stream: EventStream; encrypted: string | null } {
  const output: Item[] = []
  const events: Event[] = []
  const wanted = request.include?.includes('reasoning.encrypted_content') === true
  const hash = createHash('sha256').update(`${index}:${reply.reasoning}`).digest('base64')
  const encrypted = reply.reasoning !== undefined && wanted ? hash : null
  if (reply.reasoning !== undefined) {
    const item = { id: `rs_${index}`, type: 'reasoning', encrypted_content: encrypted }
    events.push(...reasoningEvents(item, reply.reasoning, output.length))
    output.push(item)
  }
  if (reply.text !== undefined && reply.text !== '') {
    const item = { id: `msg_${index}`, type: 'message', role: 'assistant' }
    events.push(...messageEvents(item, reply.text, output.length))
    output.push(item)
  }
  for (const [at, call] of (reply.calls ?? []).entries()) {
    const callId = call.id ?? `call_${index}_${at}`
    const item = { id: `fc_${index}_${at}`, type: 'function_call', call_id: callId, name: call.name }
    events.push(...callEvents(item, argumentText(call.arguments), output.length))
    output.push(item)
  }
  const base = { id: `resp_${index}`, object: 'response', created_at: 1_760_000_000, model: request.model }
  const usage = usageOf(reply, request)
  const all: Event[] = [
    { type: 'response.created', response: { ...base, status: 'in_progress', output: [] } },
    ...events,
    { type: 'response.completed', response: { ...base, status: 'completed', output, usage } },
  ]
  const frames = all.map((event, at) => eventFrame({ ...event, sequence_number: at }, event.type))
  return { stream: { frames, errorFrame }, encrypted }
}

function reasoningEvents(item: Item, text: string, at: number): Event[] {
  const place = { item_id: item.id, output_index: at, summary_index: 0 }
  const summary = [{ type: 'summary_text', text }]
  return [
    { type: 'response.output_item.added', output_index: at, item: { ...item, summary: [] } },
    { type: 'response.reasoning_summary_part.added', ...place, part: { type: 'summary_text', text: '' } },
    ...words(text).map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...place, delta })),
    { type: 'response.reasoning_summary_text.done', ...place, text },
    { type: 'response.reasoning_summary_part.done', ...place, part: summary[0] },
    { type: 'response.output_item.done', output_index: at, item: { ...item, summary } },
  ]
}

function messageEvents(item: Item, text: string, at: number): Event[] {
  const place = { item_id: item.id, output_index: at, content_index: 0 }
  const part = { type: 'output_text', text, annotations: [] }
  return [
    {
      type: 'response.output_item.added',
      output_index: at,
      item: { ...item, status: 'in_progress', content: [] },
    },
    { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
    ...words(text).map((delta) => ({ type: 'response.output_text.delta', ...place, delta })),
    { type: 'response.output_text.done', ...place, text },
    { type: 'response.output_item.done', output_index: at, item: { ...item, status: 'completed', content: [part] } },
  ]
}

function callEvents(item: Item, text: string, at: number): Event[] {
  const place = { item_id: item.id, output_index: at }
  return [
    {
      type: 'response.output_item.added',
      output_index: at,
      item: { ...item, status: 'in_progress', arguments: '' },
    },
    ...(text.match(/[\s\S]{1,7}/g) ?? []).map((delta) => ({
      type: 'response.function_call_arguments.delta',
      ...place,
      delta,
    })),
    { type: 'response.function_call_arguments.done', ...place, arguments: text },
    { type: 'response.output_item.done', output_index: at, item: { ...item, status: 'completed', arguments: text } },
  ]
}

function usageOf(reply: FakeReply, request: ResponsesRequest) {
  const input = reply.usage?.prompt ?? Math.ceil(JSON.stringify(request.input).length / 4)
  const output = reply.usage?.completion ?? Math.ceil(`${reply.text ?? ''}${reply.reasoning ?? ''}`.length / 4)
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: 0 },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: input + output,
  }
}

const errorFrame = (message: string): string =>
  eventFrame({ type: 'error', sequence_number: 99, code: 'server_error', message, param: null }, 'error')
