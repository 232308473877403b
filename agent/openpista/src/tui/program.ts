import { AppError } from '@openpista/common'
import { createLink } from './link.ts'
import type { Action, Command, ModelEntry, ProviderEntry, State } from './state.ts'
import { begin, update } from './update.ts'

/** What the program asks of the rest of openpista. An `AppError` is told to the person. */
export type Services = {
  models: () => Promise<{ models: readonly ModelEntry[]; problem: string }>
  providers: () => Promise<readonly ProviderEntry[]>
  /** Keeps an API key; answers what to tell. */
  keepKey: (key: { provider: string; endpoint: string | undefined; apiKey: string }) => Promise<string>
}

export type ProgramParts = {
  socketPath: string
  services: Services
  now: () => number
  /** Shows the state. */
  draw: (state: State) => void
  /** The next picture must be drawn whole. */
  forget: () => void
}

/** The loop: actions change the state, commands are carried out, the state is drawn. */
export type Program = {
  dispatch: (action: Action) => void
  /** Resolves when the person leaves; rejects with a fault of this program. */
  ended: Promise<void>
  /** Ends it from outside. */
  leave: () => void
}

/** Thirty pictures a second at most, however fast a model writes. */
const DRAW_MS = 33
const TICK_MS = 250

export function runProgram(first: State, parts: ProgramParts): Program {
  const ended = Promise.withResolvers<void>()
  let state = first
  let isOver = false
  let drawing: NodeJS.Timeout | undefined
  let ticking: NodeJS.Timeout | undefined

  const end = (finish: () => void) => {
    isOver = true
    clearTimeout(drawing)
    clearInterval(ticking)
    link.close()
    finish()
  }
  const leave = () => end(ended.resolve)
  const fail = (fault: unknown) => end(() => ended.reject(fault))
  const dispatch = (action: Action) => {
    if (isOver) return
    const step = update(state, action)
    state = step.state
    for (const command of step.commands) carryOut(command)
    if (!isOver) showSoon()
  }
  const showSoon = () => {
    drawing ??= setTimeout(() => {
      drawing = undefined
      parts.draw(state)
    }, DRAW_MS)
    if (state.transcript?.running === true) {
      ticking ??= setInterval(() => dispatch({ type: 'tick' }), TICK_MS)
      return
    }
    clearInterval(ticking)
    ticking = undefined
  }
  const link = createLink({
    socketPath: parts.socketPath,
    onFrame: (frame) => dispatch({ type: 'frame', frame, at: parts.now() }),
    onGone: () => dispatch({ type: 'disconnected' }),
    onFault: fail,
  })
  const carryOut = (command: Command) => {
    if (command.type === 'send') link.send(command.frame)
    else if (command.type === 'connect') link.connect(command.hello, command.afterMs)
    else if (command.type === 'redraw') parts.forget()
    else if (command.type === 'quit') leave()
    else serve(parts.services, command).then(dispatch).catch(fail)
  }

  for (const command of begin(state)) carryOut(command)
  parts.draw(state)
  return { dispatch, ended: ended.promise, leave }
}

type Asked = Extract<Command, { type: 'list models' | 'list providers' | 'keep key' }>

async function serve(services: Services, command: Asked): Promise<Action> {
  try {
    if (command.type === 'list models') return { type: 'models', ...(await services.models()) }
    if (command.type === 'list providers') return { type: 'providers', providers: await services.providers() }
    return { type: 'told', title: 'Signed in', text: await services.keepKey(command) }
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return { type: 'told', title: 'That did not work', text: [error.message, error.hint ?? ''].join('\n').trim() }
  }
}
