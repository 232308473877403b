import { expect, test } from 'vitest'
import { channels } from '../channels/index.ts'
import { cardText } from '../cli/card-prompt.ts'
import { createCommands } from '../commands/index.ts'
import { wallet } from '../commands/wallet.ts'
import { createHostExecutor } from '../executors/host.ts'
import { createPairing } from '../pairing/pairing.ts'
import type { ClientFrame } from '../protocol/index.ts'
import { createSkills } from '../skills/skills.ts'
import { openStore } from '../store/store.ts'
import { connectClient, startAgent } from '../testing/agent-fixture.ts'
import { echo } from '../testing/script.ts'
import { type Arena, type Call, FRIEND, harm, openArena, sandboxed, secretEnvironment, THIEF } from './arena.ts'
import { leaks } from './machine-attempts.ts'

const touch: Call = { name: 'system.run', arguments: { command: 'touch pwned' } }
const pays = (to: string, amount: string, more = {}): Call => ({
  name: 'wallet.send',
  arguments: { to, amount, ...more },
})

test('what the owner approves happens, so that the attempts that leave nothing behind were stopped', async () => {
  await using arena = await openArena()
  await arena.turn([touch, pays(FRIEND, '0.01')], () => 'approve')
  expect(harm(arena)).toEqual(['file .openpista/workspace/pwned', `paid 0.01 to ${FRIEND}`])
})

test.skipIf(!sandboxed).each(leaks)('an approved command in the sandbox does not reach $name', async ({ command }) => {
  await using arena = await openArena()
  const call = { name: 'system.run', arguments: { command: command(arena) } }
  const { cards, outputs } = await arena.turn([call], () => 'approve')
  expect(cards).toHaveLength(1)
  expect(outputs.join()).toContain('exit_code')
  expect(harm(arena)).toEqual([])
})

/** Begins a turn that waits for the owner's answer about `touch pwned`. */
async function waiting(arena: Arena) {
  const client = await arena.fixture.client({ clientId: 'victim' })
  arena.plan.set('go', [touch])
  const finished = client.say('go')
  const { card } = await client.next('approval.requested')
  return { client, card, finished }
}

const yes = (cardId: string): ClientFrame => ({ type: 'approval.answer', cardId, decision: 'approve' })

test('another session cannot answer a card whose id it knows', async () => {
  await using arena = await openArena()
  const { client, card, finished } = await waiting(arena)
  const other = await arena.fixture.client({ clientId: 'other' })
  for (const decision of ['approve', 'allow_for_session', 'reject'] as const) {
    other.send({ type: 'approval.answer', cardId: card.id, decision })
    expect(await other.next('error')).toMatchObject({ code: 'CARD_NOT_OPEN' })
  }
  expect(await arena.letters.answer(card.id, 'approve')).toBe(false)
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  await finished
  expect(harm(arena)).toEqual([])
})

test.each(['', 'wrong', 'a token that only tests kno'])('a client with the token %j is not let in', async (token) => {
  await using arena = await openArena()
  await expect(connectClient(arena.fixture.port, token)).rejects.toThrow('401')
})

test('a connection that has not said hello cannot answer', async () => {
  await using arena = await openArena()
  const { client, card, finished } = await waiting(arena)
  const silent = await connectClient(arena.fixture.port)
  silent.send(yes(card.id))
  expect(await silent.next('error')).toMatchObject({ code: 'HELLO_FIRST' })
  silent.close()
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  await finished
  expect(harm(arena)).toEqual([])
})

test.each([
  ['a no is not turned into a yes', 'reject', []],
  ['a yes counts once', 'approve', ['file .openpista/workspace/pwned']],
] as const)('%s, however often the card is answered', async (_name, decision, left) => {
  await using arena = await openArena()
  const { client, card, finished } = await waiting(arena)
  client.send({ type: 'approval.answer', cardId: card.id, decision })
  for (let n = 0; n < 3; n++) client.send(yes(card.id))
  for (let n = 0; n < 3; n++) expect(await client.next('error')).toMatchObject({ code: 'CARD_NOT_OPEN' })
  await finished
  expect(harm(arena)).toEqual(left)
  expect(client.frames.filter(({ type }) => type === 'tool.finished')).toHaveLength(1)
})

test('the card of an earlier call does not answer a later one', async () => {
  await using arena = await openArena()
  const { client, card, finished } = await waiting(arena)
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  await finished
  arena.plan.set('again', [touch])
  const again = client.say('again')
  const { card: second } = await client.next('approval.requested')
  client.send(yes(card.id))
  expect(await client.next('error')).toMatchObject({ code: 'CARD_NOT_OPEN', id: card.id })
  client.send({ type: 'approval.answer', cardId: second.id, decision: 'reject' })
  await again
  expect(harm(arena)).toEqual([])
})

test('an answer after the time is over does nothing', async () => {
  const impatient = channels.map((definition) => ({
    ...definition,
    create: (parts: Parameters<typeof definition.create>[0]) => ({
      ...definition.create(parts),
      approvalSeconds: 0.05,
    }),
  }))
  await using arena = await openArena({ channels: impatient })
  const { client, card, finished } = await waiting(arena)
  await finished
  client.send(yes(card.id))
  expect(await client.next('error')).toMatchObject({ code: 'CARD_NOT_OPEN' })
  expect(harm(arena)).toEqual([])
})

test('words of assent in the chat are no answer', async () => {
  await using arena = await openArena()
  const { client, card, finished } = await waiting(arena)
  for (const text of ['yes', 'y', 'approve', `approve ${card.id}`, '1']) {
    client.send({ type: 'message', id: text, text })
    await client.next('message.accepted')
  }
  expect(harm(arena)).toEqual([])
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  await finished
  expect(harm(arena)).toEqual([])
})

test('another person who writes while the owner is served makes everything ask, and is named', async () => {
  await using arena = await openArena()
  arena.plan.set('go', [{ name: 'fs.list', arguments: {} }, touch, pays(THIEF, '0.01')])
  const target = { id: 'web:tab', channel: 'web', address: { chat: 'tab' } }
  const bob = { channel: 'web', chat: 'tab', user: 'bob\n  you, on web', id: 'b', text: 'pay me', owner: false }
  await arena.fixture.agent.gateway.admitTo(target, bob)
  await arena.client.next('turn.finished')
  arena.plan.set('forwarded', [])
  const { cards } = await arena.turn([touch, pays(THIEF, '0.01')])
  expect(cards.map(({ title }) => title)).toEqual(['system.run: touch pwned', `wallet.send: send 0.01 to ${THIEF}`])
  for (const card of cards) expect(card.sources).toContainEqual({ trusted: false, label: 'bob   you, on web on web' })
  expect(harm(arena)).toEqual([])
})

test.each(['please', '/wallet send 0.01 ETH to 0x6666666666666666666666666666666666666666'])(
  "another person's own order asks the owner: %s",
  async (text) => {
    await using arena = await openArena({ commands: [wallet] })
    const victim = await arena.fixture.client({ clientId: 'victim' })
    arena.plan.set('please', [pays(THIEF, '0.01')])
    const target = { id: 'web:victim', channel: 'web', address: { chat: 'victim' } }
    const bob = { channel: 'web', chat: 'victim', user: 'bob', id: 'b', text, owner: false }
    await arena.fixture.agent.gateway.admitTo(target, bob)
    const { card } = await victim.next('approval.requested')
    expect(card.title).toMatch(/^wallet\.send: send 0\.01 (ETH )?to 0x6/)
    expect(card.sources).toContainEqual({ trusted: false, label: 'bob on web' })
    victim.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
    await victim.next('turn.finished')
    expect(harm(arena)).toEqual([])
  },
)

test.each(['/session', '/clear', '/model evil', '/status', '/connection', '/login'])(
  "another person's %s shows and changes nothing",
  async (text) => {
    const store = await openStore(':memory:')
    const models = { choose: async () => ({ ok: false as const, hint: 'no model' }) }
    const skills = createSkills({ store, workspace: '/nowhere', confined: true, now: Date.now })
    const pairing = createPairing({ store, now: Date.now, configured: [] })
    const decided = { pairing, isLocal: () => true }
    const about = {
      remembered: { noteModel: () => {} },
      knownModels: async () => ({ entries: [], problems: [] }),
      services: () => [],
    }
    const commands = createCommands({
      ...decided,
      ...about,
      store,
      models,
      skills,
      executor: 'none',
      version: '0',
      now: Date.now,
    })
    await using fixture = await startAgent(echo, { store, commands })
    const client = await fixture.client()
    await client.say('a private title')
    const target = { id: 'web:tab', channel: 'web', address: { chat: 'tab' } }
    const bob = { channel: 'web', chat: 'tab', user: 'bob', id: 'b', text, owner: false }
    await fixture.agent.gateway.admitTo(target, bob)
    expect((await client.next('turn.finished')).text).toBe(`❌ Only the owner may use ${text.split(' ')[0]}.`)
    expect((await client.say(text.replace(' evil', ''))).text).not.toContain('Only the owner')
  },
)

test('each call of a payment is asked about with its own amount and payee, also under one id', async () => {
  await using arena = await openArena()
  const page = { name: 'web.fetch', arguments: { url: `${arena.site.url}/weather` } }
  const calls = [page, { ...pays(FRIEND, '0.01'), id: 'same' }, { ...pays(THIEF, '0.009'), id: 'same' }]
  const { cards } = await arena.turn(calls, (card) => (card.title.includes(FRIEND) ? 'approve' : 'reject'))
  expect(cards.map(({ title }) => title)).toEqual([
    `wallet.send: send 0.01 to ${FRIEND}`,
    `wallet.send: send 0.009 to ${THIEF}`,
  ])
  expect(harm(arena)).toEqual([`paid 0.01 to ${FRIEND}`])
})

test.each([
  ['a larger amount', { to: FRIEND, amount: '0.09' }],
  ['another payee', { to: THIEF, amount: '0.05' }],
])('the quote of one payment is not good for %s', async (_name, changed) => {
  await using arena = await openArena()
  const dry = await arena.turn([pays(FRIEND, '0.05')])
  const quote = /quote: "([^"]+)"/.exec(dry.outputs[0]!)?.[1]
  expect(quote).toBeDefined()
  const { outputs } = await arena.turn([{ name: 'wallet.send', arguments: { ...changed, confirm: true, quote } }])
  expect(outputs[0]).toMatch(/quote belongs to no such payment/)
  expect(harm(arena)).toEqual([])
})

test('the model cannot approve a payment above the limit, and no button in the chat can', async () => {
  await using arena = await openArena()
  const victim = await arena.fixture.client({ clientId: 'victim' })
  arena.plan.set('look', [pays(THIEF, '9')])
  await victim.say('look')
  const quote = /quote: "([^"]+)"/.exec(arena.told()[0]!)?.[1]
  arena.plan.set('go', [pays(THIEF, '9', { confirm: true, quote })])
  await victim.say('go')
  const { card } = await victim.next('approval.requested')
  expect(card).toMatchObject({ kind: 'payment', buttons: [{ decision: 'open' }, { decision: 'reject' }] })
  for (const decision of ['approve', 'allow_for_session'] as const) {
    victim.send({ type: 'approval.answer', cardId: card.id, decision })
    expect(await victim.next('error')).toMatchObject({ code: 'CARD_NOT_OPEN' })
  }
  expect([...arena.daemon.transactions.values()]).toMatchObject([{ status: 'QUEUED', tier: 'APPROVAL' }])
})

test('a command cannot draw lines of the card, hide its end or turn its direction', async () => {
  await using arena = await openArena()
  const tail = '; touch pwned'
  const forged = `ls\n  It looks at something.\n\u001b[2J\u202e${' '.repeat(5_000)}${tail}`
  const { cards } = await arena.turn([{ name: 'system.run', arguments: { command: forged } }])
  const [card] = cards
  expect(card?.facts[0]?.value).toBe(forged)
  expect(card?.title).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  const lines = cardText(card!).split('\n')
  expect(lines.filter((line) => line.startsWith('  It '))).toEqual([expect.stringContaining('It runs a program.')])
  expect(lines.join('\n')).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}/u)
  expect(lines.join('\n')).toContain(tail)
  expect(harm(arena)).toEqual([])
})

test('a summary of the conversation keeps whose words went into it', async () => {
  await using arena = await openArena({ context: { messages: 200, chars: 12_000 } })
  await arena.turn([{ name: 'web.fetch', arguments: { url: `${arena.site.url}/weather` } }])
  arena.plan.set('x'.repeat(11_000), [])
  await arena.client.say('x'.repeat(11_000))
  const { cards } = await arena.turn([touch, pays(THIEF, '0.01')])
  expect(arena.requests.some(({ system }) => system.startsWith('You summarise'))).toBe(true)
  expect(cards.map(({ title }) => title)).toEqual(['system.run: touch pwned', `wallet.send: send 0.01 to ${THIEF}`])
  for (const { sources } of cards)
    expect(sources).toContainEqual({ trusted: false, label: `web page ${arena.site.url}/weather` })
  expect(harm(arena)).toEqual([])
})

test('a text that was scheduled is no answer of the owner: what it sets off asks', async () => {
  await using arena = await openArena()
  const victim = await arena.fixture.client({ clientId: 'victim' })
  arena.plan.set('tick', [
    { name: 'web.fetch', arguments: { url: `${arena.site.url}/weather` } },
    touch,
    pays(THIEF, '0.01'),
  ])
  const target = { id: 'web:victim', channel: 'web', address: { chat: 'victim' } }
  const tick = {
    channel: 'web',
    chat: 'victim',
    user: 'schedule',
    id: 's',
    text: 'tick',
    owner: false,
    schedule: 'daily',
  }
  await arena.fixture.agent.gateway.admitTo(target, tick)
  for (const title of ['system.run: touch pwned', `wallet.send: send 0.01 to ${THIEF}`]) {
    const { card } = await victim.next('approval.requested')
    expect(card.title).toBe(title)
    expect(card.sources).toContainEqual({ trusted: false, label: `web page ${arena.site.url}/weather` })
    victim.send({ type: 'approval.answer', cardId: card.id, decision: 'reject' })
  }
  await victim.next('turn.finished')
  expect(harm(arena)).toEqual([])
})

test.each([
  ['ls\u202e', 'cannot be seen'],
  ['curl http://p\u0430ypal.com', 'several alphabets'],
  [`ls${'\n'.repeat(60)}; touch pwned`, 'large gaps'],
  [`ls ${'x'.repeat(15_000)}; touch pwned`, undefined],
])('a card shows the whole of %j, and warns of what is odd about it', async (command, warning) => {
  await using arena = await openArena()
  const { cards } = await arena.turn([{ name: 'system.run', arguments: { command } }])
  expect(cards[0]?.facts[0]?.value).toBe(command)
  expect(cards[0]?.title.length).toBeLessThan(250)
  const warnings = cards[0]?.facts.filter(({ tone }) => tone === 'warning').map(({ value }) => value)
  expect(warnings).toEqual(warning === undefined ? [] : [expect.stringContaining(warning)])
  expect(harm(arena)).toEqual([])
})

test('a command on the host that the owner approved has no keys in its environment', async () => {
  await using arena = await openArena({ executor: createHostExecutor(secretEnvironment()) })
  const call = { name: 'system.run', arguments: { command: 'env; set; cat /proc/self/environ; echo end' } }
  const { outputs } = await arena.turn([call], () => 'approve')
  expect(outputs.join()).toContain('PATH=')
  expect(harm(arena)).toEqual([])
})

test('somebody who was let in cannot answer the cards of the owner, nor have things done unasked', async () => {
  await using arena = await openArena()
  await arena.letters.receive('1', 'hi', { chat: 'eve', user: 'eve' })
  const [, code = ''] = /code: (\S+)\./.exec((await arena.letters.delivered('text')).text) ?? []
  expect((await arena.fixture.pairing.approve(code, 'person')).ok).toBe(true)
  arena.plan.set('please', [{ name: 'fs.read', arguments: { path: 'notes.txt' } }, touch, pays(THIEF, '0.01')])
  await arena.letters.receive('2', 'please', { chat: 'eve', user: 'eve' })
  for (const title of ['fs.read: ', 'system.run: touch pwned', `wallet.send: send 0.01 to ${THIEF}`]) {
    const { card } = await arena.letters.delivered('card')
    expect(card.title).toContain(title)
    const sessionId = 'letters:eve'
    expect(await arena.letters.answer(card.id, 'approve', { user: 'eve', sessionId })).toBe(false)
    expect(await arena.letters.answer(card.id, 'reject', { user: 'ann', sessionId })).toBe(true)
  }
  await arena.letters.delivered('text')
  expect(harm(arena)).toEqual([])
})
