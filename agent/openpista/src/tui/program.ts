import { connectGateway, type GatewayClient } from '../cli/gateway-client.ts'
import type { Action, Command, ModelEntry, ProviderEntry, State } from './state.ts'
import { begin, update } from './update.ts'

/** What the program asks of the rest of openpista. */
export type Services = {
  models: () => Promise<{ models: readonly ModelEntry[]; problem: string }>
  providers: () => Promise<readonly ProviderEntry[]>
  /** Keeps an API key; answers what to tell. */
  keepKey: (key: {
    provider: string
    endpoint: string | undefined
    apiKey: string
  }) => Promise<{ ok: boolean; text: string }>
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
  const stopping = new AbortController()
  let state = first
  let client: GatewayClient | undefined
  let drawing: NodeJS.Timeout | undefined
  let ticking: NodeJS.Timeout | undefined
  let connecting: NodeJS.Timeout | undefined

  const end = (finish: () => void) => {
    stopping.abort()
    clearTimeout(drawing)
    clearTimeout(connecting)
    clearInterval(ticking)
    client?.close()
    finish()
  }
  const leave = () => end(ended.resolve)
  const fail = (fault: unknown) => end(() => ended.reject(fault))

  const drawSoon = () => {
    drawing ??= setTimeout(() => {
      drawing = undefined
      parts.draw(state)
    }, DRAW_MS)
  }
  const tickWhileRunning = () => {
    const isRunning = state.transcript?.running === true
    if (isRunning) ticking ??= setInterval(() => dispatch({ type: 'tick' }), TICK_MS)
    else {
      clearInterval(ticking)
      ticking = undefined
    }
  }
  const dispatch = (action: Action) => {
    if (stopping.signal.aborted) return
    const step = update(state, action)
    state = step.state
    for (const command of step.commands) carryOut(command)
    if (stopping.signal.aborted) return
    tickWhileRunning()
    drawSoon()
  }

  const converse = async ({ hello }: Extract<Command, { type: 'connect' }>) => {
    const { clientId, sessionId, lastSeq } = hello
    const goesOn = { ...(sessionId === undefined ? {} : { sessionId }), ...(lastSeq === undefined ? {} : { lastSeq }) }
    const opened = await connectGateway(parts.socketPath, clientId, goesOn).catch(unreachable)
    client = opened
    if (stopping.signal.aborted) opened?.close()
    for (let frame = await opened?.next(); frame !== undefined; frame = await opened?.next()) {
      dispatch({ type: 'frame', frame, at: parts.now() })
    }
    client = undefined
    dispatch({ type: 'disconnected' })
  }
  const carryOut = (command: Command) => {
    switch (command.type) {
      case 'send':
        client?.send(command.frame)
        return
      case 'connect':
        connecting = setTimeout(() => void converse(command).catch(fail), command.afterMs)
        return
      case 'list models':
        parts.services.models().then((found) => dispatch({ type: 'models', ...found }), fail)
        return
      case 'list providers':
        parts.services.providers().then((providers) => dispatch({ type: 'providers', providers }), fail)
        return
      case 'keep key':
        parts.services.keepKey(command).then((kept) => dispatch({ type: 'key.kept', ...kept }), fail)
        return
      case 'redraw':
        parts.forget()
        return
      case 'quit':
        leave()
        return
    }
  }

  for (const command of begin(state)) carryOut(command)
  parts.draw(state)
  return { dispatch, ended: ended.promise, leave }
}

/** A gateway that cannot be reached is one that is not there (yet): it is tried again. */
function unreachable(error: NodeJS.ErrnoException): undefined {
  if (error.syscall === undefined) throw error
  return undefined
}
