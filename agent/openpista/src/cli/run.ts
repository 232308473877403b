import { randomUUID } from 'node:crypto'
import type { Settings } from '../config.ts'
import type { Card, ServerFrame } from '../protocol/index.ts'
import { askAboutCard } from './card-prompt.ts'
import { connectGateway, type GatewayClient } from './gateway-client.ts'
import { useGateway } from './local-gateway.ts'
import type { LogChoice } from './log.ts'

export type RunOptions = {
  text: string
  /** One JSON object instead of text. */
  json: boolean
  /** Approve every tool call of this run. */
  yes: boolean
  /** Name of the session: `cli:<name>`; a new one each time when absent. */
  session: string | undefined
}

type Finished = Extract<ServerFrame, { type: 'turn.finished' }>

/** `openpista run -e TEXT`: one turn. Answers the exit code: 0 when the turn ended well. */
export async function run(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: LogChoice,
  options: RunOptions,
): Promise<number> {
  const gateway = await useGateway(settings, env, log)
  try {
    const client = await connectGateway(settings.socket, options.session ?? `run-${randomUUID()}`)
    try {
      return await oneTurn(client, options)
    } finally {
      client.close()
    }
  } finally {
    await gateway.stop()
  }
}

async function oneTurn(client: GatewayClient, options: RunOptions): Promise<number> {
  const { text, json, yes } = options
  const id = randomUUID()
  client.send({ type: 'message', id, text })
  const decide = async (card: Card) => {
    const decision = yes && card.kind === 'tool' ? 'approve' : await askAboutCard(card, process.stdin, process.stderr)
    client.send({ type: 'approval.answer', cardId: card.id, decision })
  }
  let streamed = ''
  let hint: string | undefined
  const finished = await untilFinished(client, id, decide, (frame) => {
    if (frame.type === 'welcome') hint = frame.hint
    if (frame.type !== 'text.delta') return
    streamed += frame.text
    if (!json) process.stdout.write(frame.text)
  })
  if (finished === undefined) {
    process.stderr.write('Error: the gateway is gone.\n')
    return 1
  }
  if (json) {
    const { status, text: answer, turnId, sessionId } = finished
    process.stdout.write(`${JSON.stringify({ status, text: answer, sessionId, turnId })}\n`)
  } else {
    const rest =
      streamed === '' ? finished.text : finished.status === 'stop' ? '' : (finished.text.split('\n\n').at(-1) ?? '')
    process.stdout.write(`${streamed !== '' && rest !== '' ? '\n' : ''}${rest}\n`)
  }
  // Without a model its place is taken by words about how to get one.
  const isAnswer = finished.status === 'stop' && !finished.text.startsWith('❌') && finished.text !== hint
  return isAnswer ? 0 : 1
}

async function untilFinished(
  client: GatewayClient,
  messageId: string,
  decide: (card: Card) => Promise<void>,
  onFrame: (frame: ServerFrame) => void,
): Promise<Finished | undefined> {
  let turnId: string | undefined
  for (let frame = await client.next(); frame !== undefined; frame = await client.next()) {
    if (frame.type === 'turn.started' && frame.messageId === messageId) turnId = frame.turnId
    if (frame.type === 'error') process.stderr.write(`Error: ${frame.message}\n`)
    if (!('turnId' in frame) || frame.turnId === turnId) onFrame(frame)
    if (frame.type === 'approval.requested' && frame.card.kind !== 'payment') await decide(frame.card)
    if (frame.type === 'turn.finished' && frame.turnId === turnId) return frame
  }
  return undefined
}
