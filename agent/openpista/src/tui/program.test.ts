import { mkdtempSync, rmSync } from 'node:fs'
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AppError } from '@openpista/common'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Fixture, noteTool, startAgent } from '../testing/agent-fixture.ts'
import { callTool, echo, lastUserText, type Script, sayText } from '../testing/script.ts'
import { textOf } from './line.ts'
import { type Program, runProgram, type Services } from './program.ts'
import { initialState, type State } from './state.ts'
import { view } from './view/screen.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'openpista-tui-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const services: Services = {
  models: async () => ({
    models: [{ provider: 'scripted', id: 'other', note: 'listed', current: false }],
    problem: '',
  }),
  providers: async () => [
    { id: 'google', label: 'Google Gemini', status: 'not signed in', login: 'key', endpointName: undefined },
  ],
  keepKey: async () => {
    throw new AppError('LOGIN_FAILED', 'This address is none.', { hint: 'Give another.' })
  },
}

type Shown = Program & {
  press: (name: string) => void
  say: (text: string) => void
  /** Resolves with the first picture that shows the text. */
  seen: (text: string) => Promise<string>
}

/** The program without a terminal: keys go in, pictures come out. */
function show(socketPath: string, wanted?: string): Shown {
  let picture = ''
  const waiters = new Set<() => void>()
  const draw = (state: State) => {
    picture = view(state).lines.map(textOf).join('\n')
    for (const look of waiters) look()
  }
  // The owner of this test reads fast.
  let now = 0
  const clock = () => (now += 1_000)
  const size = { width: 100, height: 30 }
  const program = runProgram(initialState(size, { clientId: 'test', wanted, nonce: 'm' }), {
    ...{ socketPath, services, draw },
    now: clock,
    forget: () => {},
  })
  const press = (name: string) => program.dispatch({ type: 'key', key: { kind: 'key', name }, at: clock() })
  return {
    ...program,
    press,
    say: (text) => {
      program.dispatch({ type: 'key', key: { kind: 'text', text }, at: clock() })
      if (text.length > 1) press('enter')
    },
    seen: (text) =>
      new Promise((resolve) => {
        const look = () => {
          if (!picture.includes(text)) return
          waiters.delete(look)
          resolve(picture)
        }
        waiters.add(look)
        look()
      }),
  }
}

test('what is said is answered, streamed and kept; a second terminal shows the same session', async () => {
  await using fixture = await startAgent(echo)
  const first = show(join(fixture.home, 's'))
  await first.seen('cli:test')
  first.say('hello from the terminal')
  await first.seen('  hello from the terminal')
  const second = show(join(fixture.home, 's'), 'cli:test')
  await second.seen('▌ hello from the terminal')
  first.say('/quit')
  second.press('ctrl+c')
  await Promise.all([first.ended, second.ended])
})

test('a card is answered by a key, and the tool runs', async () => {
  const notes: string[] = []
  const script: Script = (request) =>
    request.messages.at(-1)?.role === 'tool' ? sayText('it is done') : callTool('note', { word: lastUserText(request) })
  await using fixture = await startAgent(script, { tools: [noteTool('exec', notes)] })
  const shown = show(join(fixture.home, 's'))
  await shown.seen('cli:test')
  shown.say('milk')
  await shown.seen(' y  Approve')
  shown.say('y')
  const picture = await shown.seen('it is done')
  expect(picture).toContain('approved')
  expect(notes).toEqual(['milk'])
  shown.leave()
  await shown.ended
})

test('Esc cancels the turn', async () => {
  const endless: Script = async function* (_request, signal) {
    yield { type: 'text', delta: 'counting' }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    yield { type: 'error', code: 'ABORTED', message: 'aborted' }
  }
  await using fixture = await startAgent(endless)
  const shown = show(join(fixture.home, 's'))
  await shown.seen('cli:test')
  shown.say('count')
  await shown.seen('counting')
  shown.press('escape')
  await shown.seen('Cancelled')
  shown.leave()
  await shown.ended
})

test('a gateway that goes away and comes back: nothing is missed, and what was said meanwhile is sent', async () => {
  await using fixture = await startAgent(echo)
  const door = await openDoor(folder, fixture)
  const shown = show(door.path)
  await shown.seen('cli:test')
  shown.say('before')
  await shown.seen('  before')
  await door.close()
  await shown.seen('reconnecting')
  shown.say('meanwhile')
  await shown.seen('meanwhile (sending)')
  const other = await fixture.client({ sessionId: 'cli:test' })
  await other.say('from elsewhere')
  await door.open()
  const picture = await shown.seen('  meanwhile')
  for (const text of ['  before', '▌ from elsewhere', '  from elsewhere', '▌ meanwhile'])
    expect(picture).toContain(text)
  expect(picture.split('▌ before')).toHaveLength(2)
  shown.leave()
  await shown.ended
  await door.close()
})

test('a key is typed, and why it was not kept is told', async () => {
  await using fixture = await startAgent(echo)
  const shown = show(join(fixture.home, 's'))
  await shown.seen('cli:test')
  shown.say('/login')
  await shown.seen('Google Gemini')
  shown.press('enter')
  await shown.seen('typed here, hidden')
  shown.press('enter')
  await shown.seen('API key:')
  shown.say('secret')
  await shown.seen('This address is none.')
  shown.leave()
  await shown.ended
})

test('a session that is not there is said, and a new one begun', async () => {
  await using fixture = await startAgent(echo)
  const shown = show(join(fixture.home, 's'), 'web:nobody')
  await shown.seen("There is no session 'web:nobody'. This is a new one.")
  shown.leave()
  await shown.ended
})

type Door = { path: string; open: () => Promise<void>; close: () => Promise<void> }

/** A socket in front of the gateway's, which can be shut. */
async function openDoor(home: string, fixture: Fixture): Promise<Door> {
  const path = join(home, 's')
  const sockets = new Set<Socket>()
  let server: Server | undefined
  const open = async () => {
    server = createServer((socket) => {
      const inner = connectSocket(join(fixture.home, 's'))
      for (const each of [socket, inner]) {
        sockets.add(each)
        each.on('error', () => {})
      }
      socket.pipe(inner).pipe(socket)
    })
    await new Promise<void>((resolve) => server?.listen(path, resolve))
  }
  await open()
  return {
    path,
    open,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      sockets.clear()
      await new Promise((resolve) => server?.close(resolve))
    },
  }
}
