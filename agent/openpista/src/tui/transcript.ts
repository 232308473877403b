import type { Card, CardOutcome, HistoryItem, SessionFrame, SourceView } from '../protocol/index.ts'

export type NoticeTone = Extract<SessionFrame, { type: 'notice' }>['tone']
export type ToolCall = Extract<SessionFrame, { type: 'tool.started' }>['call']

/** One thing of the conversation. An item that changes is a new object. */
export type Item =
  | { kind: 'user'; messageId: string; text: string; source: SourceView }
  | { kind: 'answer'; turnId: string; text: string }
  | ToolItem
  | { kind: 'card'; card: Card; outcome: CardOutcome | undefined }
  | { kind: 'notice'; text: string; tone: NoticeTone }

export type ToolItem = {
  kind: 'tool'
  turnId: string
  call: ToolCall
  output: string
  status: 'running' | 'done' | 'failed' | 'stopped'
  /** Its output is what was asked for. */
  isAnswer: boolean
}

/** What was said and done in one session, up to frame `seq`. */
export type Transcript = { sessionId: string; seq: number; items: readonly Item[]; running: boolean }

export function emptyTranscript(sessionId: string): Transcript {
  return { sessionId, seq: 0, items: [], running: false }
}

export function fromHistory(item: HistoryItem): Item {
  switch (item.kind) {
    case 'user':
      return { kind: 'user', messageId: item.messageId, text: item.text, source: item.source }
    case 'assistant':
      return { kind: 'answer', turnId: item.turnId, text: item.text }
    case 'tool': {
      const { turnId, call, output, isError, isAnswer = false } = item
      return { kind: 'tool', turnId, call, output, status: isError ? 'failed' : 'done', isAnswer }
    }
    case 'card':
      return { kind: 'card', card: item.card, outcome: item.outcome }
    case 'notice':
      return { kind: 'notice', text: item.text, tone: item.tone }
  }
}

/** Cards that wait for the owner, the oldest first. */
export function openCards({ items }: Transcript): Card[] {
  return items.flatMap((item) => (item.kind === 'card' && item.outcome === undefined ? [item.card] : []))
}

/** Takes a frame in; one that is known already, or of another session, changes nothing. */
export function receive(transcript: Transcript, frame: SessionFrame): Transcript {
  if (frame.sessionId !== transcript.sessionId || frame.seq <= transcript.seq) return transcript
  const next = { ...transcript, seq: frame.seq }
  if (frame.type === 'turn.started') return { ...next, running: true }
  if (frame.type === 'turn.finished') return { ...next, running: false, items: finish(transcript.items, frame) }
  return { ...next, items: change(transcript.items, frame) }
}

type Changing = Exclude<SessionFrame, { type: 'turn.started' | 'turn.finished' }>

function change(items: readonly Item[], frame: Changing): readonly Item[] {
  switch (frame.type) {
    case 'message.stored': {
      const { messageId, text, source } = frame
      return [...items, { kind: 'user', messageId, text, source }]
    }
    case 'text.delta':
      return addText(items, frame.turnId, frame.text)
    case 'tool.started': {
      const { turnId, call } = frame
      return [...items, { kind: 'tool', turnId, call, output: '', status: 'running', isAnswer: false }]
    }
    case 'tool.output':
      return changeTool(items, frame.callId, (tool) => ({ ...tool, output: tool.output + frame.text }))
    case 'tool.finished': {
      const { output, isError } = frame
      return changeTool(items, frame.callId, (tool) => ({ ...tool, output, status: isError ? 'failed' : 'done' }))
    }
    case 'approval.requested': {
      const known = items.some((item) => item.kind === 'card' && item.card.id === frame.card.id)
      return known ? items : [...items, { kind: 'card', card: frame.card, outcome: undefined }]
    }
    case 'approval.resolved':
      return items.map((item) =>
        item.kind === 'card' && item.card.id === frame.cardId ? { ...item, outcome: frame.outcome } : item,
      )
    case 'notice':
      return [...items, { kind: 'notice', text: frame.text, tone: frame.tone }]
    default:
      // A gateway that is newer than this program may say more.
      return items
  }
}

/** Text after a tool call is a piece of its own: the order on the screen is the order of events. */
function addText(items: readonly Item[], turnId: string, text: string): Item[] {
  const last = items.findLastIndex((item) => (item.kind === 'answer' || item.kind === 'tool') && item.turnId === turnId)
  const open = items[last]
  if (open?.kind !== 'answer') return [...items, { kind: 'answer', turnId, text }]
  return items.with(last, { ...open, text: open.text + text })
}

function changeTool(items: readonly Item[], callId: string, change: (tool: ToolItem) => ToolItem): readonly Item[] {
  const index = items.findLastIndex((item) => item.kind === 'tool' && item.call.callId === callId)
  const tool = items[index]
  return tool?.kind === 'tool' ? items.with(index, change(tool)) : items
}

const ENDINGS = { error: 'This ended with an error.', aborted: 'Cancelled.', limit: 'This ended at a limit.' } as const

function finish(items: readonly Item[], frame: Extract<SessionFrame, { type: 'turn.finished' }>): Item[] {
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
    settled.push({ kind: 'answer', turnId, text })
  } else if (pieces.length === 1 && only?.kind === 'answer') {
    // Whoever comes in the middle of a turn has seen the end of its answer only; a fault is told in the whole text only.
    settled[settled.indexOf(only)] = { ...only, text: text.length > only.text.length ? text : only.text }
  }
  // The words about how it ended stand at the end of the text, which is not on the screen when it came in pieces.
  if (status === 'stop' || pieces.length === 1 || (pieces.length === 0 && text !== '')) return settled
  return [...settled, { kind: 'notice', text: text.split('\n\n').at(-1) || ENDINGS[status], tone: 'warning' }]
}
