import { startFakeOpenAI } from '@openpista/testing'
import { expect, test } from 'vitest'
import { createOpenAICompatible } from './openai-compatible.ts'
import { providerConformance } from './provider.conformance.ts'

providerConformance('openai-compatible', async () => {
  const service = await startFakeOpenAI()
  let open = true
  return {
    provider: createOpenAICompatible({ id: 'openai', baseUrl: service.baseUrl, apiKey: service.apiKey }),
    model: 'test-model',
    queue: service.queue,
    refused: () => service.refused,
    seenTools: () => service.requests.at(-1)?.tools?.map((tool) => tool.function.name) ?? [],
    aborted: service.aborted,
    close: async () => {
      if (open) await service.close()
      open = false
    },
  }
})

test('reasoning is streamed apart from the text and kept with the answer', async () => {
  const service = await startFakeOpenAI()
  service.queue({ reasoning: 'The owner greets me.', text: 'Hello.' })
  const provider = createOpenAICompatible({ id: 'custom', baseUrl: service.baseUrl, apiKey: service.apiKey })
  const events = []
  const hello = { type: 'text' as const, text: 'hi', provenance: { kind: 'owner' as const, channel: 'cli' } }
  const request = { model: 'test-model', system: '', messages: [{ role: 'user' as const, parts: [hello] }], tools: [] }
  for await (const event of provider.stream(request, new AbortController().signal)) events.push(event)
  await service.close()
  expect(events.at(-1)).toMatchObject({
    text: 'Hello.',
    thinking: [{ type: 'thinking', provider: 'custom', text: 'The owner greets me.' }],
  })
  expect(service.requests[0]?.messages).toEqual([{ role: 'user', content: 'hi' }])
})
