import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium, startFakeAnthropic, startFakeOpenAI } from '@openpista/testing'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ContainerConfig, createContainers } from './executors/containers.ts'
import { createTaskTokens } from './executors/task-tokens.ts'
import { createMachine } from './machine.ts'
import { keysOnly } from './providers/credential.ts'
import { createProvider } from './providers/index.ts'
import { openStore } from './store/store.ts'
import { startAgent } from './testing/agent-fixture.ts'
import { echo } from './testing/script.ts'
import { BrowserSection, ScreenSection } from './tools/config.ts'
import { systemLookup } from './tools/pinned-fetch.ts'
import { defineTool, type Tool } from './tools/tool.ts'

const chat = async () => {
  const service = await startFakeOpenAI()
  return { service, provider: 'custom', model: 'test-model', seen: () => service.requests.at(-1) }
}
const responses = async () => {
  const service = await startFakeOpenAI({ models: ['gpt-4o'] })
  return {
    service,
    provider: 'openai',
    model: 'gpt-4o',
    seen: () => service.responses.at(-1) ?? service.requests.at(-1),
  }
}
const anthropic = async () => {
  const service = await startFakeAnthropic()
  return { service, provider: 'anthropic', model: 'claude-sonnet-4-6', seen: () => service.requests.at(-1) }
}

test.for([
  ['chat completions', chat],
  ['OpenAI', responses],
  ['Anthropic', anthropic],
] as const)('the picture that a tool takes in a turn reaches the model as an image: %s', async ([, start], context) => {
  const found = await findChromium()
  if ('missing' in found) return context.skip(found.missing)
  const site = createServer((_request, response) => response.end('<h1>Ducks'))
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(site.address() as AddressInfo).port}`
  const home = mkdtempSync(join(tmpdir(), 'pictures-'))
  const store = await openStore(':memory:')
  const machine = createMachine({
    browser: BrowserSection.parse({ path: found.path }),
    screen: ScreenSection.parse({ enabled: false }),
    containers: createContainers(ContainerConfig.parse({}), home, createTaskTokens(Date.now)),
    ...{ home, env: process.env, platform: process.platform, store },
    web: { allowedHosts: [host], resolve: systemLookup },
  })
  const { service, provider: id, model, seen } = await start()
  service.queue(
    { calls: [{ name: 'browser_navigate', arguments: { url: `http://${host}/` } }] },
    { calls: [{ name: 'browser_screenshot', arguments: {} }] },
    { text: 'I see ducks.' },
  )
  const given = { apiKey: service.apiKey, baseUrl: service.baseUrl, env: {}, credentials: keysOnly }
  const choice = createProvider({ ...given, provider: id, model })
  if (!choice.ok) throw new Error(choice.message)
  const models = { choose: async () => ({ ...choice, fallbacks: [] }) }
  try {
    await using fixture = await startAgent(echo, { store, tools: machine.tools, models })
    const client = await fixture.client()
    expect(await client.say('what is there?')).toMatchObject({ status: 'stop', text: 'I see ducks.' })
    const sent = JSON.stringify(seen())
    // The beginning of every PNG of this size, in base64.
    expect(sent).toMatch(/iVBORw0KGgoAAAANSUhEUgAABQAAAAMg[A-Za-z0-9+/]{1000}/)
    expect(JSON.stringify(client.frames)).not.toContain('iVBORw0KGgo')
  } finally {
    await machine.close()
    await service.close()
    site.closeAllConnections()
    site.close()
    rmSync(home, { recursive: true, force: true })
  }
})

test.for([
  ['chat completions', chat],
  ['OpenAI', responses],
  ['Anthropic', anthropic],
] as const)('of many pictures the newest two go to the model: %s', async ([, start]) => {
  const { service, provider: id, model, seen } = await start()
  const shots = ['AAAA', 'BBBB', 'CCCC', 'DDDD'].map((mark) => `iVBORw0KGgo${mark}`)
  const left = [...shots]
  const look = defineTool({
    ...{
      name: 'look',
      description: 'Looks.',
      input: z.strictObject({ at: z.string() }),
      risk: 'read',
      repeatable: true,
    },
    summary: () => 'look',
    scope: () => 'look',
    run: async () => {
      const provenance = { kind: 'web', url: 'https://ducks.example/' } as const
      const images = [{ type: 'image' as const, mime: 'image/png', base64: left.shift()!, provenance }]
      return { output: 'a picture', isError: false, provenance, images }
    },
  }) as unknown as Tool
  service.queue(
    ...shots.map((_, index) => ({ calls: [{ name: 'look', arguments: { at: `pond ${index}` } }] })),
    { text: 'Four ducks.' },
    { text: 'Yes.' },
  )
  const given = { apiKey: service.apiKey, baseUrl: service.baseUrl, env: {}, credentials: keysOnly }
  const choice = createProvider({ ...given, provider: id, model })
  if (!choice.ok) throw new Error(choice.message)
  const models = { choose: async () => ({ ...choice, fallbacks: [] }) }
  try {
    await using fixture = await startAgent(echo, { tools: [look], models })
    const client = await fixture.client()
    expect(await client.say('look four times')).toMatchObject({ text: 'Four ducks.' })
    await client.say('sure?')
    const sent = JSON.stringify(seen())
    expect(shots.filter((shot) => sent.includes(shot))).toEqual(shots.slice(2))
    expect(sent.match(/An older image is left out/g)).toHaveLength(2)
    const stored = await fixture.store.db.selectFrom('messages').select('body').where('role', '=', 'tool').execute()
    expect(stored.map(({ body }, index) => body.includes(shots[index]!))).toEqual([true, true, true, true])
  } finally {
    await service.close()
  }
})
