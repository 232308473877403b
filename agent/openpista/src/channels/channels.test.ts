import { join } from 'node:path'
import { noteTool, startAgent, type TestClient } from '../testing/agent-fixture.ts'
import { createChannelDouble } from '../testing/channel-double.ts'
import { callTool, echo, lastUserText, type Script, sayText } from '../testing/script.ts'
import { socketClient } from '../testing/socket-client.ts'
import { type ChannelHarness, describeChannel } from './channel.conformance.ts'

const script: Script = (request, signal) => {
  const last = request.messages.at(-1)
  if (last?.role === 'tool') return sayText(last.output)
  const [, word] = /^note (\w+)$/.exec(lastUserText(request)) ?? []
  return word === undefined ? echo(request, signal) : callTool('note', { word })
}

const tools = () => ({ tools: [noteTool('exec', [])] })

/** Live channels differ in how the frames travel and in nothing else. */
function liveHarness(client: TestClient, close: () => Promise<void>): ChannelHarness {
  return {
    receive: async (id, text) => {
      client.send({ type: 'message', id, text })
      return await client.next('message.accepted')
    },
    seen: async () => (await client.next('turn.finished')).text,
    answerCard: async (decision) => {
      const { card } = await client.next('approval.requested')
      client.send({ type: 'approval.answer', cardId: card.id, decision })
    },
    close,
  }
}

describeChannel('web', async () => {
  const fixture = await startAgent(script, tools())
  return liveHarness(await fixture.client(), async () => await fixture[Symbol.asyncDispose]())
})

describeChannel('cli', async () => {
  const fixture = await startAgent(script, tools())
  const client = await socketClient(join(fixture.home, 's'))
  client.send({ type: 'hello', protocol: 1, clientId: 'shell' })
  await client.next('welcome')
  return liveHarness(client, async () => {
    client.close()
    await fixture[Symbol.asyncDispose]()
  })
})

describeChannel('a messenger', async () => {
  const letters = createChannelDouble()
  const fixture = await startAgent(script, { ...tools(), channels: [letters.definition] })
  return {
    receive: (id, text) => letters.receive(id, text),
    seen: async () => (await letters.delivered('text')).text,
    answerCard: async (decision) => {
      await letters.answer((await letters.delivered('card')).card.id, decision)
    },
    close: async () => await fixture[Symbol.asyncDispose](),
  }
})
