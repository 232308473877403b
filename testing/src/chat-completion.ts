import { argumentText, type FakeReply, words } from './model-reply.ts'
import type { ChatRequest } from './openai-request.ts'

/** The frames of a streamed answer, without the closing `[DONE]`. */
export function chatFrames(reply: FakeReply, request: ChatRequest, index: number): unknown[] {
  const withUsage = request.stream_options?.include_usage === true
  const base = {
    id: `chatcmpl-${index}`,
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: request.model,
  }
  const frame = (delta: object, finish: string | null = null) => ({
    ...base,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    ...(withUsage ? { usage: null } : {}),
  })
  const result = [frame({ role: 'assistant', content: '', refusal: null })]
  for (const piece of words(reply.reasoning ?? '')) result.push(frame({ reasoning_content: piece }))
  for (const piece of words(reply.text ?? '')) result.push(frame({ content: piece }))
  for (const [at, call] of wireCalls(reply, index).entries()) {
    const { name, arguments: text } = call.function
    result.push(
      frame({ tool_calls: [{ index: at, id: call.id, type: 'function', function: { name, arguments: '' } }] }),
    )
    for (const piece of text.match(/[\s\S]{1,7}/g) ?? []) {
      result.push(frame({ tool_calls: [{ index: at, function: { arguments: piece } }] }))
    }
  }
  result.push(frame({}, finishReason(reply)))
  return withUsage ? [...result, { ...base, choices: [], usage: usageOf(reply, request) }] : result
}

/** The same answer in one piece. */
export function chatCompletion(reply: FakeReply, request: ChatRequest, index: number): object {
  const calls = wireCalls(reply, index)
  const message = {
    role: 'assistant',
    content: reply.text ?? null,
    refusal: null,
    ...(reply.reasoning === undefined ? {} : { reasoning_content: reply.reasoning }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  return {
    id: `chatcmpl-${index}`,
    object: 'chat.completion',
    created: 1_760_000_000,
    model: request.model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReason(reply) }],
    usage: usageOf(reply, request),
  }
}

function wireCalls(reply: FakeReply, index: number) {
  return (reply.calls ?? []).map((call, at) => ({
    id: call.id ?? `call_${index}_${at}`,
    type: 'function',
    function: {
      name: call.name,
      arguments: argumentText(call.arguments),
    },
  }))
}

const finishReason = (reply: FakeReply) =>
  reply.calls === undefined || reply.calls.length === 0 ? 'stop' : 'tool_calls'

function usageOf(reply: FakeReply, request: ChatRequest) {
  const prompt = reply.usage?.prompt ?? Math.ceil(JSON.stringify(request.messages).length / 4)
  const said = `${reply.text ?? ''}${JSON.stringify(reply.calls ?? [])}`
  const tokens = reply.usage?.completion ?? Math.ceil(said.length / 4)
  return { prompt_tokens: prompt, completion_tokens: tokens, total_tokens: prompt + tokens }
}
