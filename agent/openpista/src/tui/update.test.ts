import { expect, test } from 'vitest'
import { textOf } from './line.ts'
import type { ProviderEntry } from './state.ts'
import {
  frames,
  fresh,
  got,
  limitCard,
  paste,
  paymentCard,
  play,
  press,
  started,
  stored,
  toolCard,
  type,
  welcome,
} from './tui.fixture.ts'
import { linesUpTo } from './view/conversation.ts'

const open = play(fresh(), welcome()).state
const sent = (command: object) => ({ type: 'send', frame: command })

test('Enter says what was typed; a paste of many lines is not sent by its line breaks', () => {
  const { state, commands } = play(open, type('hello '), paste('one\r\ntwo'), press('enter'))
  expect(commands).toEqual([sent({ type: 'message', id: 'm-1', text: 'hello one\ntwo' })])
  expect(state).toMatchObject({ editor: { text: '', at: 0 }, outgoing: [{ id: 'm-1' }] })
  expect(play(state, ...frames(stored('hello one\ntwo', 'm-1'))).state.outgoing).toEqual([])
  expect(play(open, type('   '), press('enter')).commands).toEqual([])
})

test('what is said without a connection goes out after it, once more with the same id', () => {
  const away = play(open, ...frames(stored('before'), started), { type: 'disconnected' })
  expect(away.commands).toEqual([
    {
      type: 'connect',
      hello: { type: 'hello', protocol: 1, clientId: 'test', sessionId: 'cli:test', lastSeq: 2 },
      afterMs: 250,
    },
  ])
  const said = play(away.state, type('are you there?'), press('enter'))
  expect(said.commands).toEqual([])
  const back = play(
    said.state,
    { type: 'disconnected' },
    welcome(undefined, { seq: 2, running: true, history: undefined }),
  )
  expect(back.commands).toEqual([
    expect.objectContaining({ type: 'connect', afterMs: 500 }),
    sent({ type: 'message', id: 'm-1', text: 'are you there?' }),
  ])
  expect(back.state).toMatchObject({ link: 'open', attempts: 0, transcript: { seq: 2, running: true } })
})

test("the output of a command's tool is the answer: it is shown once, and not folded", () => {
  const call = { callId: 'c', name: 'fs.list', summary: 'list', arguments: {} }
  const output = Array.from({ length: 30 }, (_, line) => `file ${line}`).join('\n')
  const { state } = play(
    open,
    ...frames(
      stored('/list', 'x'),
      started,
      { type: 'tool.started', turnId: 't', call },
      { type: 'tool.finished', turnId: 't', callId: 'c', output, isError: false },
      { type: 'turn.finished', turnId: 't', status: 'stop', text: output, answeredBy: 'c' },
    ),
  )
  expect(state.transcript?.items).toMatchObject([{ kind: 'user' }, { kind: 'tool', isAnswer: true }])
  const lines = linesUpTo(state, 100).map(textOf)
  expect(lines.filter((line) => line.includes('file 29'))).toHaveLength(1)
})

test('what is typed while the help is open is not lost: the help closes', () => {
  const helped = play(open, type('/help'), press('enter')).state
  expect(helped.overlay).toMatchObject({ kind: 'words' })
  expect(play(helped, type('h'), type('i')).state).toMatchObject({ overlay: undefined, editor: { text: 'hi' } })
  expect(play(helped, paste('a\nb')).state).toMatchObject({ overlay: undefined, editor: { text: 'a\nb' } })
})

test('the sidebar lists the sessions beside the conversation; its keys move, open, begin and delete', () => {
  const sessions = [
    { id: 'cli:test', title: 'hello', channel: 'cli', updatedAt: 2 },
    { id: 'web:main', title: 'shopping', channel: 'web', updatedAt: 1 },
  ]
  const listed = got({ type: 'session.listed', sessions })
  for (const ways of [[press('tab'), press('tab')], [press('backtab')], [press('ctrl+b')]]) {
    const asked = play(open, ...ways)
    expect(asked.commands).toEqual([sent({ type: 'session.list' })])
    expect(asked.state.overlay).toMatchObject({ kind: 'sessions', beside: true })
    expect(play(asked.state, ways.at(-1)!).state.overlay).toBeUndefined()
  }
  const there = play(open, press('ctrl+b'), listed).state
  for (const moves of [
    [type('j')],
    [press('down')],
    [type('j'), type('j'), type('j')],
    [type('j'), type('k'), type('j')],
  ]) {
    const opened = play(there, ...moves, press('enter'))
    expect(opened.commands).toEqual([sent({ type: 'session.open', sessionId: 'web:main' })])
    expect(opened.state.overlay).toBeUndefined()
  }
  expect(play(there, type('n')).commands).toEqual([sent({ type: 'session.new' })])
  for (const key of [type('d'), press('delete')]) {
    const asking = play(there, type('j'), key)
    expect(asking.commands).toEqual([])
    expect(play(asking.state, type('n')).state.overlay).toMatchObject({ beside: true, confirming: undefined })
    expect(play(asking.state, type('y')).commands).toEqual([sent({ type: 'session.delete', sessionId: 'web:main' })])
  }
  expect(play(there, press('escape')).state.overlay).toBeUndefined()
})

test('a model of another service than the present one is chosen with its service', () => {
  const models = [
    { provider: 'openai', id: 'gpt-4o', note: '', current: true },
    { provider: 'anthropic', id: 'claude', note: '', current: false },
  ]
  const { commands } = play(
    play(open, type('/model'), press('enter')).state,
    { type: 'models', models, problem: '' },
    type('j'),
    press('enter'),
  )
  expect(commands).toEqual([sent({ type: 'message', id: 'm-1', text: '/model anthropic:claude' })])
})

test('frames that come again change nothing', () => {
  const once = play(open, ...frames(stored('hello'), started)).state
  expect(play(once, ...frames(stored('hello'), started)).state.transcript).toEqual(once.transcript)
})

test('a gateway that knows less than the screen is asked for all it has', () => {
  const ahead = play(open, ...frames(stored('hello'), started)).state
  const { commands } = play(ahead, welcome(undefined, { seq: 1, history: undefined }))
  expect(commands).toEqual([sent({ type: 'session.open', sessionId: 'cli:test' })])
})

test('a session that is gone is replaced by a new one, and what waited is given back', () => {
  const lost = got({ type: 'error', code: 'SESSION_NOT_FOUND', message: 'gone' })
  const away = play(open, { type: 'disconnected' }, type('keep me'), press('enter')).state
  const { state, commands } = play(away, lost, welcome(), welcome([], { sessionId: 'cli:new' }))
  expect(commands).toEqual([sent({ type: 'session.new' })])
  expect(state).toMatchObject({
    transcript: { sessionId: 'cli:new', items: [{ text: expect.stringContaining("no session 'cli:test'") }] },
    editor: { text: 'keep me' },
    outgoing: [],
  })
})

const asked = (card: typeof toolCard) => play(open, ...frames({ type: 'approval.requested', card })).state

test.each([
  ['y', toolCard, 'approve'],
  ['n', toolCard, 'reject'],
  ['s', toolCard, 'allow_for_session'],
  ['y', limitCard, 'approve'],
  ['n', paymentCard, 'reject'],
] as const)('%s answers a card of kind %o', (letter, card, decision) => {
  const { state, commands } = play(asked(card), type(letter))
  expect(commands).toEqual([sent({ type: 'approval.answer', cardId: card.id, decision })])
  expect(state.editor.text).toBe('')
})

test('a payment is not approved here, and a limit not for the session', () => {
  expect(play(asked(paymentCard), type('y')).commands).toEqual([])
  expect(play(asked(limitCard), type('s')).commands).toEqual([])
})

test('what was being typed when a card came up is no answer', () => {
  const early = play(asked(toolCard), type('y', 300), type('es', 400))
  expect(early).toMatchObject({ commands: [], state: { editor: { text: 'yes' } } })
  expect(play(asked(toolCard), type('wh'), type('y')).commands).toEqual([])
  expect(play(asked(toolCard), paste('y')).commands).toEqual([])
})

test('the second of two cards must be read too', () => {
  const two = play(
    open,
    ...frames({ type: 'approval.requested', card: toolCard }, { type: 'approval.requested', card: limitCard }),
  ).state
  const first = { type: 'approval.resolved', cardId: toolCard.id, outcome: 'approved', by: 'owner:cli' } as const
  const answered = play(
    two,
    type('y', 5_000),
    got({ ...first, sessionId: 'cli:test', seq: 3 }, 5_010),
    type('y', 5_100),
  )
  expect(answered.commands).toHaveLength(1)
  expect(answered.state.editor.text).toBe('y')
})

test('Esc cancels what runs, and nothing else', () => {
  const running = play(open, ...frames(stored('go'), started)).state
  expect(play(running, press('escape')).commands).toEqual([sent({ type: 'cancel' })])
  expect(play(open, press('escape')).commands).toEqual([])
})

test('Ctrl+C clears the line, then cancels, then leaves', () => {
  const running = play(open, ...frames(stored('go'), started), type('draft')).state
  expect(play(running, press('ctrl+c'), press('ctrl+c')).commands).toEqual([sent({ type: 'cancel' })])
  expect(play(open, type('draft'), press('ctrl+c'), press('ctrl+c')).commands).toEqual([{ type: 'quit' }])
})

test.each(['/quit', '/exit'])('%s leaves', (word) => {
  expect(play(open, type(word), press('enter')).commands).toEqual([{ type: 'quit' }])
})

test('/help is shown here, /clear is said to the gateway', () => {
  expect(play(open, type('/help'), press('enter')).state.overlay).toMatchObject({ kind: 'words', title: 'Help' })
  expect(play(open, type('/clear'), press('enter')).commands).toEqual([
    sent({ type: 'message', id: 'm-1', text: '/clear' }),
  ])
})

test('the palette finds by letters, runs at once or writes the command that needs more', () => {
  const ran = play(open, press('tab'), type('stat'), press('enter'))
  expect(ran.commands).toEqual([sent({ type: 'message', id: 'm-1', text: '/status' })])
  const written = play(open, type('/ru'), press('tab'), press('enter')).state
  expect(written).toMatchObject({ overlay: undefined, editor: { text: '/run ' } })
  expect(play(open, press('tab'), press('escape')).state.overlay).toBeUndefined()
})

const sessions = [
  { id: 'cli:test', title: 'hello', channel: 'cli', updatedAt: 2 },
  { id: 'web:main', title: '장보기', channel: 'web', updatedAt: 1 },
]
const browsing = play(open, type('/session'), press('enter'), got({ type: 'session.listed', sessions }))

test('sessions are listed, searched, opened and begun', () => {
  expect(browsing.commands).toEqual([sent({ type: 'session.list' })])
  const opened = play(browsing.state, type('장보'), press('enter'))
  expect(opened.commands).toEqual([sent({ type: 'session.open', sessionId: 'web:main' })])
  expect(play(browsing.state, type('j'), press('enter')).commands).toEqual(opened.commands)
  expect(play(browsing.state, type('n')).commands).toEqual([sent({ type: 'session.new' })])
  const loaded = play(open, type('/session load web:main'), press('enter'))
  expect(loaded.commands).toEqual(opened.commands)
})

test('a session is deleted only after a yes', () => {
  const asking = play(browsing.state, type('j'), type('d')).state
  expect(play(asking, type('n')).commands).toEqual([])
  expect(play(asking, press('escape')).state.overlay).toMatchObject({ kind: 'sessions', confirming: undefined })
  expect(play(asking, type('y')).commands).toEqual([sent({ type: 'session.delete', sessionId: 'web:main' })])
})

test('a model is chosen from the list, and the status line follows', () => {
  const models = [
    { provider: 'openai', id: 'gpt-4o', note: 'listed', current: true },
    { provider: 'openai', id: 'o3', note: 'listed', current: false },
  ]
  const asking = play(open, type('/model'), press('enter'))
  expect(asking.commands).toEqual([{ type: 'list models' }])
  const chosen = play(asking.state, { type: 'models', models, problem: '' }, type('j'), press('enter'))
  expect(chosen.commands).toEqual([sent({ type: 'message', id: 'm-1', text: '/model o3' })])
  const end = { type: 'turn.finished', turnId: 't', status: 'stop', text: 'model: o3' } as const
  const after = play(chosen.state, ...frames(stored('/model o3', 'm-1'), started, end))
  expect(after.commands).toEqual([sent({ type: 'session.open', sessionId: 'cli:test' })])
  expect(play(after.state, welcome([], { model: 'o3' })).state.model).toBe('o3')
})

const provider = (changes: Partial<ProviderEntry>): ProviderEntry => ({
  ...{ id: 'google', label: 'Google Gemini', status: '', login: 'key', endpointName: undefined },
  ...changes,
})
const picking = (...providers: ProviderEntry[]) =>
  play(open, type('/login'), press('enter'), { type: 'providers', providers }).state

test('a key is asked for, kept, and its end told', () => {
  const kept = play(picking(provider({})), press('enter'), press('enter'), paste('sk-secret\n'), press('enter'))
  expect(kept.commands).toEqual([{ type: 'keep key', provider: 'google', endpoint: undefined, apiKey: 'sk-secret' }])
  expect(JSON.stringify(kept.state)).not.toContain('sk-secret')
  const told = play(kept.state, { type: 'told', title: 'Signed in', text: 'Signed in.' }).state
  expect(told.overlay).toMatchObject({ kind: 'words', text: 'Signed in.' })
})

test('a service with an own address asks for it first; one with a browser login says what to run', () => {
  const azure = provider({ id: 'azure-openai', login: 'endpoint and key', endpointName: 'AZURE_OPENAI_ENDPOINT' })
  const kept = play(
    picking(azure),
    press('enter'),
    press('enter'),
    type('https://a.example'),
    press('enter'),
    type('k'),
    press('enter'),
  )
  expect(kept.commands).toEqual([
    { type: 'keep key', provider: 'azure-openai', endpoint: 'https://a.example', apiKey: 'k' },
  ])
  const browser = play(
    picking(provider({ id: 'openai', login: 'browser' })),
    press('enter'),
    press('down'),
    press('enter'),
  )
  expect(browser.state.overlay).toMatchObject({ kind: 'words', text: expect.stringContaining('auth login -p openai') })
  expect(play(picking(provider({ login: 'none' })), press('enter')).commands).toEqual([])
})

test('whoever has scrolled up stays where he reads while more comes', () => {
  const long = {
    type: 'text.delta',
    turnId: 't',
    text: Array.from({ length: 60 }, (_, line) => `line ${line}`).join('\n'),
  } as const
  const up = play(open, ...frames(stored('go'), started, long), press('pageup')).state
  expect(up.scroll).toBeGreaterThan(10)
  const more = got({ ...long, text: '\nmore\nand more', sessionId: 'cli:test', seq: 4 })
  expect(play(up, more).state.scroll).toBe(up.scroll + 2)
  expect(play(up, press('escape')).state.scroll).toBe(0)
})
