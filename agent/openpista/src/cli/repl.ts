import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { writeFileAtomic } from '@openpista/common'
import type { Settings } from '../config.ts'
import type { ClientFrame, ServerFrame } from '../protocol/index.ts'
import { cardText, decisionOf, printable, questionOf } from './card-prompt.ts'
import { connectGateway, type GatewayClient } from './gateway-client.ts'
import { useGateway } from './local-gateway.ts'
import type { LogChoice } from './log.ts'

const PROMPT = 'openpista> '
const HISTORY_LINES = 1_000

/** `openpista repl`: a conversation line by line, until `/quit`, `/exit` or the end of input. */
export async function repl(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: LogChoice,
  session: string,
): Promise<number> {
  const gateway = await useGateway(settings, env, log)
  try {
    const client = await connectGateway(settings.socket, session)
    return await converse(client, settings.historyFile)
  } finally {
    await gateway.stop()
  }
}

async function converse(client: GatewayClient, historyFile: string): Promise<number> {
  const history = existsSync(historyFile) ? readFileSync(historyFile, 'utf8').split('\n').filter(Boolean) : []
  const lines = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt: PROMPT,
    history: history.toReversed(),
    historySize: HISTORY_LINES,
  })
  const state: State = { card: undefined, open: 0 }
  const idle = Promise.withResolvers<void>()
  let leaving = false
  const leaveWhenIdle = () => {
    if (leaving && state.open === 0) idle.resolve()
  }
  lines.on('line', (line) => {
    const text = line.trim()
    if (text === '/quit' || text === '/exit') return lines.close()
    if (text === '') return lines.prompt()
    history.push(text)
    say(client, text, state)
  })
  lines.on('SIGINT', () => {
    if (state.open > 0) client.send({ type: 'cancel' })
    else lines.close()
  })
  lines.on('close', () => {
    leaving = true
    leaveWhenIdle()
  })
  const shown = show(client, state, () => {
    if (leaving) leaveWhenIdle()
    else lines.prompt()
  })
  await Promise.race([idle.promise, shown])
  client.close()
  writeFileAtomic(historyFile, `${history.slice(-HISTORY_LINES).join('\n')}\n`)
  return 0
}

/** `open`: what was said and has no answer yet. `card`: the tool card that waits for a word. */
type State = { card: string | undefined; open: number }

function say(client: GatewayClient, text: string, state: State): void {
  if (state.card !== undefined) {
    client.send({ type: 'approval.answer', cardId: state.card, decision: decisionOf(text) })
    return
  }
  state.open += 1
  client.send(sessionFrame(text) ?? { type: 'message', id: randomUUID(), text })
}

/** `/session new`, `load` and `delete` are this client's own: they say which session it looks at. */
function sessionFrame(text: string): ClientFrame | undefined {
  const [, verb, sessionId = ''] = /^\/session\s+(new|load|delete)(?:\s+(\S+))?$/.exec(text) ?? []
  if (verb === 'new') return { type: 'session.new' }
  if (sessionId === '') return undefined
  if (verb === 'load') return { type: 'session.open', sessionId }
  return verb === 'delete' ? { type: 'session.delete', sessionId } : undefined
}

async function show(client: GatewayClient, state: State, onIdle: () => void): Promise<void> {
  let streaming = false
  let failed = ''
  let isWelcome = false
  for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
    const text = words(frame, streaming, failed)
    if (text !== '') process.stdout.write(printable(text))
    if (frame.type === 'text.delta') streaming = true
    else if (frame.type === 'tool.started' || frame.type === 'turn.finished') streaming = false
    if (frame.type === 'tool.finished' && frame.isError) failed = frame.callId
    if (frame.type === 'approval.requested' && frame.card.kind !== 'payment') state.card = frame.card.id
    if (frame.type === 'approval.resolved' && frame.cardId === state.card) state.card = undefined
    // In another session nothing comes of what was said in the one before.
    if (frame.type === 'turn.finished' || (frame.type === 'welcome' && isWelcome)) state.open = 0
    if (frame.type === 'error' || frame.type === 'session.listed') state.open = Math.max(0, state.open - 1)
    if (frame.type === 'welcome') isWelcome = true
    if (PROMPTS_AFTER.has(frame.type)) onIdle()
  }
}

const PROMPTS_AFTER: ReadonlySet<ServerFrame['type']> = new Set([
  ...(['turn.finished', 'welcome', 'notice', 'error', 'session.listed'] as const),
])

/** What a frame prints. `failed`: the call whose failure was printed last. */
function words(frame: ServerFrame, streaming: boolean, failed: string): string {
  switch (frame.type) {
    case 'welcome':
      return `[${frame.sessionId}]\n${frame.hint === undefined ? '' : `${frame.hint}\n`}`
    case 'session.listed':
      return 'Deleted.\n'
    case 'text.delta':
      return frame.text
    case 'tool.started':
      return `${streaming ? '\n' : ''}[${frame.call.name}] ${frame.call.summary}\n`
    case 'tool.finished':
      return frame.isError ? `[failed] ${frame.output}\n` : ''
    case 'approval.requested':
      return `\n${cardText(frame.card)}\n${frame.card.kind === 'payment' ? '' : questionOf(frame.card)}`
    case 'turn.finished':
      if (frame.status !== 'stop') return `${streaming ? '\n' : ''}${frame.text.split('\n\n').at(-1)}\n`
      return frame.answeredBy === undefined || frame.answeredBy === failed ? '\n' : `${frame.text}\n`
    case 'notice':
      return `\n${frame.text}\n`
    case 'error':
      return `Error: ${frame.message}\n`
    default:
      return ''
  }
}
