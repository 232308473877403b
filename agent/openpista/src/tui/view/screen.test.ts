import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCommands } from '../../commands/index.ts'
import type { Card } from '../../protocol/index.ts'
import { edits } from '../editor.ts'
import { lineWidth, type Size, textOf } from '../line.ts'
import { slashCommands } from '../slash.ts'
import type { Action, State } from '../state.ts'
import {
  delta,
  finished,
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
  type Unnumbered,
  welcome,
} from '../tui.fixture.ts'
import { view } from './screen.ts'

const SIZES: readonly Size[] = [
  { width: 80, height: 24 },
  { width: 120, height: 40 },
]

const tool = (callId: string, command: string, output: string, isError: boolean): Unnumbered[] => [
  { type: 'tool.started', turnId: 't', call: { callId, name: 'system.run', summary: command, arguments: {} } },
  { type: 'tool.finished', turnId: 't', callId, output, isError },
]
const lines = (count: number) => Array.from({ length: count }, (_, line) => `output line ${line + 1}`).join('\n')

const conversation = frames(
  stored('이 폴더에 무엇이 있나요? 👩‍👩‍👧‍👦 Tell me what is in this folder, in a few words, please.'),
  started,
  delta('Let me look.'),
  ...tool('a', 'ls -la', lines(12), false),
  ...tool('b', 'cat \x1b[2Jsecret', 'No such file', true),
  delta('# 결과\nThere are **twelve** files.\n```\nconst a = 1\n```\n한국어로도 대답할 수 있습니다.'),
  finished('…'),
)
const cards = frames(
  stored('clean up and pay'),
  started,
  { type: 'approval.requested', turnId: 't', card: toolCard },
  { type: 'approval.resolved', cardId: toolCard.id, outcome: 'approved', by: 'owner:cli' },
  { type: 'approval.requested', turnId: 't', card: limitCard },
  { type: 'approval.requested', card: paymentCard },
)
const sessions = [
  { id: 'cli:test', title: 'hello', channel: 'cli', updatedAt: 2 },
  { id: 'web:main', title: '장보기 목록', channel: 'web', updatedAt: 1 },
]
const providers = [
  { id: 'openai', label: 'OpenAI', status: 'key', login: 'browser', endpointName: undefined } as const,
  { id: 'google', label: 'Google Gemini', status: 'not signed in', login: 'key', endpointName: undefined } as const,
]

const SCENES: Readonly<Record<string, readonly Action[]>> = {
  home: [welcome()],
  'home-without-model': [
    welcome([], { model: undefined, hint: 'No model is configured: set an API key.\nSlash commands work.' }),
  ],
  chat: [welcome(), ...conversation, type('next question')],
  cards: [welcome(), ...cards],
  reconnecting: [welcome(), ...conversation, { type: 'disconnected' }, type('are you there?'), press('enter')],
  palette: [welcome(), press('tab'), type('/se')],
  sessions: [welcome(), type('/session'), press('enter'), got({ type: 'session.listed', sessions }), press('down')],
  sidebar: [welcome(), ...conversation, press('ctrl+b'), got({ type: 'session.listed', sessions }), press('down')],
  providers: [welcome(), type('/login'), press('enter'), { type: 'providers', providers }],
  'api-key': [
    ...[welcome(), type('/login'), press('enter'), { type: 'providers', providers } as const],
    ...[press('down'), press('enter'), press('enter'), paste('sk-secret')],
  ],
}

test.each(Object.entries(SCENES).flatMap(([name, actions]) => SIZES.map((size) => [name, size, actions] as const)))(
  '%s at %o',
  async (name, size, actions) => {
    const { state } = play(fresh(size), ...actions)
    await expect(picture(state)).toMatchFileSnapshot(`golden/${name}-${size.width}x${size.height}.txt`)
  },
)

/** The screen as text; `█` is the cursor. */
function picture(state: State): string {
  const { lines: rows, cursor } = view(state)
  const texts = rows.map((line) => textOf(line).trimEnd())
  const where = cursor === undefined ? 'no cursor' : `cursor: row ${cursor.row + 1}, column ${cursor.column + 1}`
  return `${texts.join('\n')}\n${where}\n`
}

test('a card in focus stands at the end, and says so when it is longer than the screen', () => {
  const long = { ...toolCard, facts: [{ label: 'command', value: 'echo\n'.repeat(40), tone: 'code' as const }] }
  const asked = frames(
    { type: 'approval.requested', card: long },
    stored('said while it waits'),
    started,
    delta('more'),
  )
  const shown = picture(play(fresh(), welcome(), ...asked).state)
  expect(shown).toContain(' y  Approve')
  expect(shown).toContain('PgUp shows the beginning')
})

test('a value of a card cannot pass for other lines of it', () => {
  const forged = { ...toolCard, facts: [{ label: 'command', value: 'rm -r ~\nIt only reads.', tone: 'code' as const }] }
  const shown = picture(play(fresh(), welcome(), ...frames({ type: 'approval.requested', card: forged })).state)
  expect(shown).toContain('┃   │ It only reads.')
})

test('a typed key is never on the screen', () => {
  const { state } = play(fresh(), ...SCENES['api-key']!)
  expect(picture(state)).not.toContain('secret')
  expect(picture(state)).toContain('•••••••••')
})

test('the palette offers every command that the gateway has, and none that it has not', () => {
  const names = createCommands({} as Parameters<typeof createCommands>[0]).map(({ name }) => `/${name}`)
  const said = slashCommands.flatMap(({ name, local }) => (local === undefined ? name.split(' ').slice(0, 1) : []))
  expect(names).toEqual(expect.arrayContaining(said))
  const offered = slashCommands.map(({ name }) => name.split(' ')[0])
  expect(offered).toEqual(expect.arrayContaining(names))
})

const anyText = fc.string({ unit: 'binary', maxLength: 30 })
const anyCard: fc.Arbitrary<Card> = fc
  .tuple(fc.constantFrom(toolCard, limitCard, paymentCard), anyText)
  .map(([card, text]) => ({ ...card, id: `${card.id}${text.length % 3}`, title: text, reason: text }))
const anyFrame = fc.oneof(
  anyText.map((text) => stored(text, text)),
  fc.constant(started),
  anyText.map(delta),
  anyText.map(finished),
  fc
    .tuple(anyText, fc.boolean())
    .map(([text, isError]): Unnumbered => tool('call', text, text, isError)[isError ? 0 : 1]!),
  anyCard.map((card): Unnumbered => ({ type: 'approval.requested', card })),
  anyText.map((text): Unnumbered => ({ type: 'notice', text, tone: 'info' })),
  fc.constant<Unnumbered>({ type: 'approval.resolved', cardId: 'tool-card0', outcome: 'approved', by: 'x' }),
)
const KEYS = [
  'enter',
  'tab',
  'backtab',
  'ctrl+b',
  'escape',
  'pageup',
  'pagedown',
  'ctrl+c',
  'ctrl+d',
  'ctrl+o',
  ...Object.keys(edits),
]
const anyAction = fc.oneof(
  { arbitrary: fc.constantFrom(...KEYS).map((name): Action => press(name)), weight: 4 },
  { arbitrary: fc.constantFrom('y', 'n', 's', 'd', 'j', 'r', '/', '가').map((text): Action => type(text)), weight: 3 },
  { arbitrary: fc.constantFrom(...slashCommands).map(({ name }): Action => paste(name)), weight: 1 },
  { arbitrary: anyText.map(paste), weight: 1 },
  { arbitrary: anyFrame.map((frame) => ({ type: 'numbered', frame }) as const), weight: 6 },
  { arbitrary: fc.constant<Action>({ type: 'disconnected' }), weight: 1 },
  { arbitrary: fc.constantFrom(welcome(), welcome(undefined, { history: undefined, seq: 3 })), weight: 1 },
  { arbitrary: fc.constant(got({ type: 'session.listed', sessions })), weight: 1 },
  { arbitrary: fc.constant(got({ type: 'error', code: 'SESSION_NOT_FOUND', message: 'gone' })), weight: 1 },
  { arbitrary: fc.constant<Action>({ type: 'providers', providers }), weight: 1 },
  { arbitrary: anyText.map((text): Action => ({ type: 'models', models: [], problem: text })), weight: 1 },
  { arbitrary: anyText.map((text): Action => ({ type: 'told', title: 'x', text })), weight: 1 },
  { arbitrary: fc.constant<Action>({ type: 'tick' }), weight: 1 },
  {
    arbitrary: fc
      .record({ width: fc.integer({ min: 1, max: 140 }), height: fc.integer({ min: 1, max: 50 }) })
      .map((size): Action => ({ type: 'resize', size })),
    weight: 1,
  },
)

test('whatever comes in whatever order, the picture fits the screen and nothing in it steers the terminal', () => {
  fc.assert(
    fc.property(fc.array(anyAction, { maxLength: 60 }), (steps) => {
      let { state } = play(fresh())
      let seq = 0
      for (const step of steps) {
        seq += 1
        state = play(state, step.type === 'numbered' ? numbered(step.frame, seq) : step).state
        expectValid(state)
      }
    }),
    { numRuns: 60 },
  )
})

function numbered(frame: Unnumbered, seq: number): Action {
  return got({ ...frame, sessionId: 'cli:test', seq } as Parameters<typeof got>[0])
}

function expectValid(state: State): void {
  const { width, height } = state.size
  const { lines: rows, cursor } = view(state)
  expect(rows.length).toBeLessThanOrEqual(height)
  for (const row of rows) {
    expect(lineWidth(row)).toBeLessThanOrEqual(width)
    expect(textOf(row)).not.toMatch(/\p{Cc}|\p{Bidi_Control}/u)
  }
  if (cursor !== undefined) {
    expect(cursor.row).toBeLessThan(height)
    expect(cursor.column).toBeLessThan(width)
  }
  expect(state.scroll).toBeGreaterThanOrEqual(0)
  expect(state.editor.at).toBeLessThanOrEqual(state.editor.text.length)
}
