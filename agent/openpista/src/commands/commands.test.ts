import { expect, test } from 'vitest'
import { z } from 'zod'
import { createModels } from '../models.ts'
import { createPairing } from '../pairing/pairing.ts'
import type { CatalogueEntry } from '../providers/catalogue.ts'
import { keysOnly } from '../providers/credential.ts'
import type { ModelRequest } from '../providers/provider.ts'
import { createSkills } from '../skills/skills.ts'
import { openStore, type Store } from '../store/store.ts'
import { noteTool, startAgent } from '../testing/agent-fixture.ts'
import { echo, sayText } from '../testing/script.ts'
import { defineTool, type Tool } from '../tools/tool.ts'
import { findCommand } from './command.ts'
import { createCommands } from './index.ts'
import { wallet } from './wallet.ts'

const plan = async (args: string) => await wallet.plan(args, 's', { kind: 'owner', channel: 'web' })

test.each([
  ['send 0.01 ETH to 0xabc', { amount: '0.01', symbol: 'ETH', to: '0xabc' }],
  ['send 1 sol TO So1', { amount: '1', symbol: 'SOL', to: 'So1' }],
  ['send 12.5 USDC to 0xabc on evm-local', { amount: '12.5', symbol: 'USDC', to: '0xabc', network: 'evm-local' }],
])('/wallet %s is a payment', async (args, expected) => {
  expect(await plan(args)).toEqual({ kind: 'call', tool: 'wallet.send', arguments: expected })
})

test.each([
  'send',
  'send ETH to 0xabc',
  'send 0.01 ETH 0xabc',
  'send 0,01 ETH to 0xabc',
  'send 1e18 ETH to 0xabc',
  'send -1 ETH to 0xabc',
  'send 0x10 ETH to 0xabc',
  'send 0.0 ETH to 0xabc',
  'send 1 ETH to 0xabc and 2 ETH to 0xdef',
  'send 1 ETH to 0xabc on evm-local now',
  'balance of everything',
  'drain',
  '',
])('/wallet %s is no payment and shows how it is written', async (args) => {
  expect(await plan(args)).toMatchObject({ kind: 'say', text: expect.stringContaining('/wallet send <amount> <coin>') })
})

test('what looks like a path or a number is not taken for a command', () => {
  const commands = [wallet]
  expect(findCommand(commands, '/etc/passwd is a file')).toBeUndefined()
  expect(findCommand(commands, 'send /wallet balance')).toBeUndefined()
  expect(findCommand(commands, ' /wallet  balance ')).toMatchObject({ args: 'balance' })
})

/** What commands about skills need, where there are none. */
function skills(store: Store) {
  const now = Date.now
  const pairing = createPairing({ store, now, configured: [] })
  return {
    store,
    now,
    pairing,
    isLocal: () => true,
    remembered: { noteModel: () => {} },
    knownModels: async () => ({ entries: [], problems: ['nothing answers'] }),
    services: () => ['openai  ready'],
    skills: createSkills({ store, workspace: '/nowhere', confined: true, now }),
  }
}

/** An agent with the real commands and no model. */
async function startWithCommands(tools: readonly Tool[] = []) {
  const store = await openStore(':memory:')
  const config = {
    provider: 'openai',
    model: '',
    apiKey: '',
    baseUrl: '',
    env: {},
    fallback: [],
    ollamaUrl: '',
    credentials: keysOnly,
    remembered: () => undefined,
  }
  const models = createModels(config, Date.now)
  const commands = createCommands({ ...skills(store), models, executor: 'none', version: '9.9' })
  return await startAgent(echo, { store, tools, commands, models })
}

const SYSTEM = { kind: 'system' } as const

const sendTool = (calls: unknown[]) =>
  defineTool({
    name: 'wallet.send',
    description: 'Pays.',
    input: z.looseObject({ confirm: z.boolean().optional(), quote: z.string().optional() }),
    risk: 'spend',
    repeatable: true,
    summary: () => 'pay',
    scope: () => 'pay',
    run: async (input) => {
      calls.push(input)
      const output = input.confirm ? 'Sent: 0xhash' : 'NOT SENT YET. Call again with quote: "abc123".'
      return { output, isError: false, provenance: { kind: 'system' } }
    },
  }) as unknown as Tool

test('a payment that needs a second look is sent in the same turn: the owner wrote it himself', async () => {
  const calls: unknown[] = []
  await using fixture = await startWithCommands([sendTool(calls)])
  const client = await fixture.client()
  expect(await client.say('/wallet send 2 ETH to 0xabc')).toMatchObject({ status: 'stop', text: 'Sent: 0xhash' })
  expect(calls).toEqual([
    { amount: '2', symbol: 'ETH', to: '0xabc' },
    { amount: '2', symbol: 'ETH', to: '0xabc', confirm: true, quote: 'abc123' },
  ])
})

test("what a command's tool says stands in a session once, without the words that are for a model", async () => {
  const asked: string[] = []
  const store = await openStore(':memory:')
  const provider = {
    id: 'p',
    stream: ({ messages }: ModelRequest) => {
      asked.push(JSON.stringify(messages))
      return sayText('yes')
    },
  }
  const models = { choose: async () => ({ ok: true as const, fallbacks: [], model: 'm', provider }) }
  const look = defineTool({
    ...noteTool('read', []),
    name: 'wallet.balance',
    input: z.strictObject({}),
    summary: () => 'balance',
    run: async () => ({ output: '3 ETH. Do not ask again.', shown: '3 ETH.', isError: false, provenance: SYSTEM }),
  }) as unknown as Tool
  const commands = createCommands({ ...skills(store), models, executor: 'none', version: '0' })
  await using fixture = await startAgent(echo, { store, commands, models, tools: [look] })
  const client = await fixture.client()
  const finished = await client.say('/wallet balance')
  const { call } = await client.next('tool.started')
  expect(finished).toMatchObject({ text: '3 ETH.', answeredBy: call.callId })
  expect(client.frames.filter(({ type }) => type === 'text.delta')).toEqual([])
  expect(await client.next('tool.finished')).toMatchObject({ output: '3 ETH.' })
  await client.say('thanks')
  expect(asked[0]!.split('Do not ask again.')).toHaveLength(2)
  const again = await fixture.client({ clientId: 'other', sessionId: 'web:tab' })
  expect(again.frames[0]).toMatchObject({
    history: [
      { kind: 'user', text: '/wallet balance' },
      { kind: 'tool', output: '3 ETH.', isAnswer: true },
      { kind: 'user', text: 'thanks' },
      { kind: 'assistant', text: 'yes' },
    ],
  })
})

test('a command whose tool fails, or says nothing, is answered in words all the same', async () => {
  const tool = (name: string, output: string, isError: boolean) =>
    ({
      ...noteTool('read', []),
      name,
      input: z.looseObject({}),
      summary: () => name,
      run: async () => ({ output, isError, provenance: SYSTEM }),
    }) as unknown as Tool
  await using fixture = await startWithCommands([tool('fs.read', '', false), tool('fs.list', 'no folder', true)])
  const client = await fixture.client()
  expect(await client.say('/read empty.txt')).toMatchObject({ status: 'stop', text: '(no output)' })
  expect(await client.say('/list nowhere')).toMatchObject({ status: 'stop', text: '❌ no folder' })
})

test('a command runs through approval like any other call', async () => {
  const run = { ...noteTool('exec', []), name: 'system.run', input: z.strictObject({ command: z.string() }) }
  const tool = {
    ...run,
    summary: () => 'run',
    run: async () => ({ output: 'Linux', isError: false, provenance: { kind: 'system' } }),
  } as unknown as Tool
  await using fixture = await startWithCommands([tool])
  const client = await fixture.client()
  const finished = client.say('/run uname')
  const { card } = await client.next('approval.requested')
  expect(card.facts).toMatchObject([{ label: 'command', value: 'uname' }])
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'approve' })
  expect((await finished).text).toBe('Linux')
})

test('without a model plain words are answered with what to do, in two lines', async () => {
  await using fixture = await startWithCommands()
  const client = await fixture.client()
  expect(client.frames[0]).toMatchObject({ type: 'welcome', hint: expect.stringContaining('No model is configured') })
  const { text } = await client.say('what is the weather')
  expect(text.split('\n')).toHaveLength(2)
  expect(text).toContain('OPENAI_API_KEY')
  expect(text).toContain('/wallet balance')
})

test('/help names every command; a missing tool and an unknown command explain themselves', async () => {
  await using fixture = await startWithCommands()
  const client = await fixture.client()
  const { text } = await client.say('/help')
  for (const name of [
    'run',
    'read',
    'write',
    'list',
    'search',
    'fetch',
    'browse',
    'container',
    'remember',
    'skill',
    'wallet',
    'cancel',
    'session',
    'clear',
    'model',
    'status',
    'help',
  ]) {
    expect(text).toContain(`/${name}`)
  }
  expect((await client.say('/wallet balance')).text).toContain('wallet.token_file')
  expect((await client.say('/container ls')).text).toContain('[[containers.images]]')
  expect((await client.say('/dance')).text).toContain('no command /dance')
  expect((await client.say('/write only-a-path')).text).toContain('/write <path> <text>')
})

test('/clear begins anew for the model and for the eye', async () => {
  const requests: number[] = []
  const store = await openStore(':memory:')
  const models = {
    choose: async () => ({
      ok: true as const,
      fallbacks: [],
      model: 'm',
      provider: {
        id: 'p',
        stream: ({ messages }: { messages: readonly unknown[] }) => {
          requests.push(messages.length)
          return sayText('yes')
        },
      },
    }),
  }
  const commands = createCommands({ ...skills(store), models, executor: 'none', version: '0' })
  await using fixture = await startAgent(echo, { store, commands, models })
  const client = await fixture.client()
  for (const text of ['one', 'two', '/clear', 'three']) await client.say(text)
  expect(requests).toEqual([1, 3, 1])
  const again = await fixture.client({ clientId: 'x', sessionId: 'web:tab' })
  expect(JSON.stringify(again.frames[0])).not.toContain('"two"')
})

test('/model chooses the model of this session alone', async () => {
  const store = await openStore(':memory:')
  const asked: (string | null)[] = []
  const provider = { id: 'p', stream: () => sayText('x') }
  const models = {
    choose: async (model: string | null) => {
      asked.push(model)
      return { ok: true as const, fallbacks: [], model: model ?? 'standard', provider }
    },
  }
  const commands = createCommands({ ...skills(store), models, executor: 'none', version: '0' })
  await using fixture = await startAgent(echo, { store, commands, models })
  const client = await fixture.client()
  expect((await client.say('/model big-one')).text).toBe('model: big-one (p)')
  await client.say('hi')
  expect(asked.at(-1)).toBe('big-one')
  const other = await fixture.client({ clientId: 'other' })
  expect((await other.say('/model')).text).toBe('model: standard (p)')
})

test('/model list names the models; a choice is remembered, and forgotten with /model default', async () => {
  const store = await openStore(':memory:')
  const notes: unknown[] = []
  const provider = { id: 'p', stream: () => sayText('x') }
  const models = {
    choose: async (model: string | null) => ({
      ok: true as const,
      fallbacks: [],
      model: model ?? 'standard',
      provider,
    }),
  }
  const entry = { provider: 'p', id: 'big', status: 'listed' } as CatalogueEntry
  const commands = createCommands({
    ...skills(store),
    knownModels: async () => ({ entries: [entry], problems: ['q does not answer'] }),
    remembered: { noteModel: (model) => notes.push(model) },
    ...{ models, executor: 'none', version: '0' },
  })
  await using fixture = await startAgent(echo, { store, commands, models })
  const client = await fixture.client()
  expect((await client.say('/model list')).text).toBe('p:big (listed)\nq does not answer')
  await client.say('/model big')
  await client.say('/model default')
  expect(notes).toEqual([{ provider: 'p', model: 'big' }, undefined])
})

test('/session, /connection and /login say what this chat can do', async () => {
  await using fixture = await startWithCommands()
  const client = await fixture.client()
  expect((await client.say('/session new')).text).toContain('stays in its one session')
  expect((await client.say('/session dance')).text).toContain('/session load <id>')
  const connection = (await client.say('/connection')).text
  expect(connection).toContain('session: web:tab')
  expect(connection).toContain('you write on: web')
  const login = (await client.say('/login')).text
  expect(login).toContain('openai  ready')
  expect(login).toContain('Never write a key into a chat')
})
