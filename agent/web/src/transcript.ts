import type { Card, CardOutcome, ControlFrame, HistoryItem, SessionFrame, SourceView } from 'openpista/protocol'

export type ToolStatus = 'running' | 'done' | 'failed' | 'stopped'
export type Tone = 'info' | 'success' | 'warning' | 'error'
export type TurnEnd = Extract<SessionFrame, { type: 'turn.finished' }>['status']

/** One thing on the screen. `key` is unique within a transcript and stays the same while the thing changes. */
export type Item =
  | { kind: 'user'; key: string; messageId: string; text: string; source: SourceView }
  | { kind: 'answer'; key: string; turnId: string; text: string }
  | ToolItem
  | { kind: 'card'; key: string; card: Card; outcome?: CardOutcome; by?: string }
  | { kind: 'notice'; key: string; text: string; tone: Tone }
  | { kind: 'end'; key: string; status: TurnEnd }

export type ToolItem = {
  kind: 'tool'
  key: string
  turnId: string
  call: ToolCall
  output: string
  status: ToolStatus
  /** Its output is what was asked for. */
  isAnswer: boolean
}

export type ToolCall = Extract<SessionFrame, { type: 'tool.started' }>['call']

/**
 * What was said and done in one session. It holds exactly the frames 1..`seq`: a frame that was applied is
 * ignored when it comes again, and one that came too early is `held` until its predecessors are here.
 */
export type Transcript = {
  sessionId: string
  seq: number
  items: readonly Item[]
  /** The turn that runs; true when one runs whose id is not known yet. */
  running: string | boolean
  held: readonly SessionFrame[]
}

const MAX_HELD = 10_000

export function emptyTranscript(sessionId: string): Transcript {
  return { sessionId, seq: 0, items: [], running: false, held: [] }
}

/** The transcript that a `welcome` with history describes. */
export function fromHistory(
  welcome: Extract<ControlFrame, { type: 'welcome' }>,
  history: readonly HistoryItem[],
): Transcript {
  const items = history.map((item, index) => historyItem(item, index))
  return { sessionId: welcome.sessionId, seq: welcome.seq, items, running: welcome.running, held: [] }
}

/** Takes a frame in, in whatever order frames come and however often. */
export function receive(transcript: Transcript, frame: SessionFrame): Transcript {
  if (frame.sessionId !== transcript.sessionId || frame.seq <= transcript.seq) return transcript
  if (frame.seq > transcript.seq + 1) {
    const known = transcript.held.some(({ seq }) => seq === frame.seq)
    if (known || transcript.held.length >= MAX_HELD) return transcript
    return { ...transcript, held: [...transcript.held, frame].sort((a, b) => a.seq - b.seq) }
  }
  let next = apply(transcript, frame)
  while (next.held[0] !== undefined && next.held[0].seq <= next.seq + 1) {
    const [first, ...held] = next.held
    next = { ...next, held }
    if (first !== undefined && first.seq === next.seq + 1) next = apply(next, first)
  }
  return next
}

/** Goes on without the frames that are missing: for a gateway that never had them, after a crash of its own. */
export function skipGap(transcript: Transcript): Transcript {
  const [first, ...held] = transcript.held
  if (first === undefined) return transcript
  return receive({ ...transcript, seq: first.seq - 1, held }, first)
}

/** Cards that wait for the owner. */
export function openCards(transcript: Transcript): Card[] {
  return transcript.items.flatMap((item) => (item.kind === 'card' && item.outcome === undefined ? [item.card] : []))
}

function apply(transcript: Transcript, frame: SessionFrame): Transcript {
  const next = { ...transcript, seq: frame.seq }
  const key = `${frame.seq}`
  const items = transcript.items
  switch (frame.type) {
    case 'message.stored': {
      const { messageId, text, source } = frame
      return { ...next, items: [...items, { kind: 'user', key, messageId, text, source }] }
    }
    case 'turn.started':
      return { ...next, running: frame.turnId }
    case 'text.delta':
      return { ...next, items: appendText(items, key, frame.turnId, frame.text) }
    case 'tool.started': {
      const { turnId, call } = frame
      return {
        ...next,
        items: [...items, { kind: 'tool', key, turnId, call, output: '', status: 'running', isAnswer: false }],
      }
    }
    case 'tool.output':
      return { ...next, items: changeTool(items, frame.callId, (tool) => ({ output: tool.output + frame.text })) }
    case 'tool.finished': {
      const status = frame.isError ? 'failed' : 'done'
      return { ...next, items: changeTool(items, frame.callId, () => ({ output: frame.output, status })) }
    }
    case 'approval.requested': {
      if (items.some((item) => item.kind === 'card' && item.card.id === frame.card.id)) return next
      return { ...next, items: [...items, { kind: 'card', key, card: frame.card }] }
    }
    case 'approval.resolved': {
      const { cardId, outcome, by } = frame
      const settle = (item: Item) => (item.kind === 'card' && item.card.id === cardId ? { ...item, outcome, by } : item)
      return { ...next, items: items.map(settle) }
    }
    case 'turn.finished':
      return { ...next, running: false, items: finishTurn(items, key, frame) }
    case 'notice':
      return { ...next, items: [...items, { kind: 'notice', key, text: frame.text, tone: frame.tone }] }
  }
}

/** Text after a tool call is a piece of its own, so that the order on the screen is the order of events. */
function appendText(items: readonly Item[], key: string, turnId: string, text: string): Item[] {
  const last = items.findLastIndex((item) => (item.kind === 'answer' || item.kind === 'tool') && item.turnId === turnId)
  const open = items[last]
  if (open?.kind !== 'answer') return [...items, { kind: 'answer', key, turnId, text }]
  return items.with(last, { ...open, text: open.text + text })
}

function changeTool(
  items: readonly Item[],
  callId: string,
  change: (tool: ToolItem) => Partial<ToolItem>,
): readonly Item[] {
  const index = items.findLastIndex((item) => item.kind === 'tool' && item.call.callId === callId)
  const tool = items[index]
  return tool?.kind === 'tool' ? items.with(index, { ...tool, ...change(tool) }) : items
}

function finishTurn(
  items: readonly Item[],
  key: string,
  frame: Extract<SessionFrame, { type: 'turn.finished' }>,
): Item[] {
  const { turnId, text, status, answeredBy } = frame
  const settled = items.map((item): Item => {
    if (item.kind !== 'tool' || item.turnId !== turnId) return item
    if (item.call.callId === answeredBy) return { ...item, isAnswer: true }
    return item.status === 'running' ? { ...item, status: 'stopped' } : item
  })
  if (answeredBy !== undefined) return settled
  const pieces = settled.filter((item) => item.kind === 'answer' && item.turnId === turnId)
  const [only] = pieces
  if (pieces.length === 0 && text !== '') {
    settled.push({ kind: 'answer', key, turnId, text })
  } else if (pieces.length === 1 && only?.kind === 'answer' && text.endsWith(only.text)) {
    // A client that came in the middle has seen the end of the answer only.
    settled[settled.indexOf(only)] = { ...only, text }
  }
  if (status !== 'stop') settled.push({ kind: 'end', key: `${key}/end`, status })
  return settled
}

function historyItem(item: HistoryItem, index: number): Item {
  const key = `history/${index}`
  switch (item.kind) {
    case 'user':
      return { kind: 'user', key, messageId: item.messageId, text: item.text, source: item.source }
    case 'assistant':
      return { kind: 'answer', key, turnId: item.turnId, text: item.text }
    case 'tool': {
      const { turnId, call, output, isError, isAnswer = false } = item
      return { kind: 'tool', key, turnId, call, output, status: isError ? 'failed' : 'done', isAnswer }
    }
    case 'card':
      return { kind: 'card', key, card: item.card, ...(item.outcome === undefined ? {} : { outcome: item.outcome }) }
    case 'notice':
      return { kind: 'notice', key, text: item.text, tone: item.tone }
  }
}
