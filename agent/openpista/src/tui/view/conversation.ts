import type { Card, CardOutcome } from '../../protocol/index.ts'
import { fit, type Line, span, type Tone } from '../line.ts'
import { type State, waiting } from '../state.ts'
import { clean, cleanLine, wrap } from '../text.ts'
import { type Item, openCards, type ToolItem, type Transcript } from '../transcript.ts'
import { bodyHeight, textWidth } from './layout.ts'

/**
 * The end of the conversation: at least `count` lines, or all there are. Cards that wait stand at its very end, the one
 * in focus last: what a key answers is on the screen.
 */
export function linesUpTo(state: State, count: number): Line[] {
  const { transcript, unfolded } = state
  if (transcript === undefined) return []
  const width = textWidth(state)
  const height = bodyHeight(state)
  const blocks = openCards(transcript).map((card, index) =>
    withGap(cardLines(card, undefined, width, index === 0 ? height : undefined)),
  )
  blocks.push(
    ...waiting(state)
      .map(({ text }) => withGap(saidLines(text, ' (sending)', 'dim', width)))
      .toReversed(),
  )
  let lines = blocks.reduce((sum, block) => sum + block.length, 0)
  for (let index = transcript.items.length - 1; index >= 0 && lines < count; index--) {
    const item = transcript.items[index]
    if (item === undefined || isOpenCard(item)) continue
    const block = withGap(itemLines(item, width, unfolded))
    lines += block.length
    blocks.push(block)
  }
  return blocks.toReversed().flat()
}

function isOpenCard(item: Item): boolean {
  return item.kind === 'card' && item.outcome === undefined
}

/** Lines by which the conversation became longer between two states of it. */
export function growth(state: State, before: Transcript['items'], after: Transcript['items']): number {
  const old = new Set(before)
  const now = new Set(after)
  const measure = (items: readonly Item[]) =>
    items.reduce((sum, item) => sum + itemLines(item, textWidth(state), state.unfolded).length + 1, 0)
  return measure(after.filter((item) => !old.has(item))) - measure(before.filter((item) => !now.has(item)))
}

function withGap(lines: Line[]): Line[] {
  return [...lines, []]
}

function itemLines(item: Item, width: number, unfolded: boolean): Line[] {
  switch (item.kind) {
    case 'user':
      return saidLines(item.text, item.source.trusted ? '' : ` (${cleanLine(item.source.label)})`, 'accent', width)
    case 'answer':
      return answerLines(item.text, width)
    case 'tool':
      return toolLines(item, width, unfolded)
    case 'card':
      return cardLines(item.card, item.outcome, width, undefined)
    case 'notice':
      return barred(item.text, NOTICES[item.tone], width)
  }
}

const NOTICES = { info: 'dim', success: 'good', warning: 'warning', error: 'bad' } as const

function saidLines(text: string, note: string, tone: Tone, width: number): Line[] {
  const lines = wrap(clean(text), width - 2)
  return lines.map((line, index) => [
    span('▌ ', tone),
    span(line, tone === 'dim' ? 'dim' : 'strong'),
    ...(index === lines.length - 1 && note !== '' ? [span(note, 'dim')] : []),
  ])
}

function barred(text: string, tone: Tone, width: number): Line[] {
  return wrap(clean(text), width - 2).map((line) => [span('│ ', tone), span(line, tone)])
}

/** Text of the model: headings and code are told apart, nothing is hidden. */
function answerLines(text: string, width: number): Line[] {
  let isCode = false
  return clean(text)
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const isFence = line.trimStart().startsWith('```')
      if (isFence) isCode = !isCode
      const tone: Tone = isFence ? 'dim' : isCode ? 'code' : /^#{1,6} /.test(line) ? 'strong' : 'plain'
      return wrap(line, width).map((part): Line => [span(part, tone)])
    })
}

const FOLDED_LINES = 4
/** What somebody asked for by a command is read, not looked up. */
const ANSWER_LINES = 200
const UNFOLDED_LINES = 2_000
const MARKS = {
  running: span('◌ ', 'accent'),
  done: span('● ', 'good'),
  failed: span('✗ ', 'bad'),
  stopped: span('■ ', 'dim'),
} as const

function toolLines(item: ToolItem, width: number, unfolded: boolean): Line[] {
  const { call, status } = item
  const head: Line = [MARKS[status], span(`${cleanLine(call.name)} `, 'strong'), span(cleanLine(call.summary), 'code')]
  const text = clean(item.output.replace(/("data_b64"\s*:\s*)"[^"]*"/g, '$1[image]')).trimEnd()
  if (text === '') return [fit(head, width)]
  const lines = text.split('\n').map((line): Line => fit([span('  │ ', 'dim'), span(line, 'dim')], width))
  const most = unfolded ? UNFOLDED_LINES : item.isAnswer ? ANSWER_LINES : FOLDED_LINES
  if (lines.length <= most + 1) return [fit(head, width), ...lines]
  const more = span(`  … ${lines.length - most} more lines${unfolded ? '' : ' (Ctrl+O)'}`, 'dim')
  // What still runs is read at its end, what is done at its beginning.
  return status === 'running'
    ? [fit(head, width), [more], ...lines.slice(-most)]
    : [fit(head, width), ...lines.slice(0, most), [more]]
}

const LETTERS = { approve: 'y', reject: 'n', allow_for_session: 's' } as const
const OUTCOMES: Readonly<Record<CardOutcome, Tone>> = {
  approved: 'good',
  rejected: 'bad',
  allowed_for_session: 'good',
  expired: 'dim',
  cancelled: 'dim',
  executed: 'good',
  failed: 'bad',
}

/** @param room lines of the screen, for the card in focus. */
function cardLines(card: Card, outcome: CardOutcome | undefined, width: number, room: number | undefined): Line[] {
  const tone: Tone = outcome === undefined ? 'warning' : 'dim'
  const inner = width - 2
  const rows: Line[] = wrap(cleanLine(card.title), inner).map((line) => [span(line, 'strong')])
  for (const fact of card.facts) rows.push(...factLines(fact, inner))
  if (card.reason !== '') rows.push(...toned(card.reason, 'dim', inner))
  for (const { trusted, label } of card.sources) {
    if (!trusted) rows.push(...toned(`not your words: ${cleanLine(label)}`, 'warning', inner))
  }
  if (card.shortCode !== undefined) {
    rows.push([span('code to compare: '), span(cleanLine(card.shortCode), 'strong')])
  }
  if (outcome === undefined) {
    for (const { label, url } of card.buttons) if (url !== undefined) rows.push(...linkLines(label, url, inner))
    rows.push(room === undefined ? [span('waits for the card below', 'dim')] : fit(buttonLine(card), inner))
    if (room !== undefined && rows.length >= room) rows.push([span('PgUp shows the beginning of this card', 'warning')])
  } else {
    rows.push([span(outcome.replaceAll('_', ' '), OUTCOMES[outcome])])
  }
  return rows.map((row) => [span('┃ ', tone), ...row])
}

/** A value of several lines is set in: none of them can look like another line of the card. */
function factLines({ label, value, tone }: Card['facts'][number], width: number): Line[] {
  const looks: Tone = tone === 'plain' ? 'plain' : tone
  const mark = tone === 'warning' ? '! ' : ''
  return wrap(clean(`${mark}${cleanLine(label)}: ${value}`), width - 4).map((line, index) =>
    index === 0 ? [span(line, looks)] : [span('  │ ', 'dim'), span(line, looks)],
  )
}

function toned(text: string, tone: Tone, width: number): Line[] {
  return wrap(clean(text), width).map((line) => [span(line, tone)])
}

/** A link stands on a line of its own, so that a terminal can find it. */
function linkLines(label: string, url: string, width: number): Line[] {
  return [[span(`${cleanLine(label)}:`)], ...toned(cleanLine(url), 'accent', width)]
}

function buttonLine({ buttons }: Card): Line {
  const keys = buttons.flatMap(({ decision, label }) =>
    decision === 'open' ? [] : [span(` ${LETTERS[decision]} `, 'chosen'), span(` ${cleanLine(label)}   `)],
  )
  return keys.length === 0 ? [span('answered elsewhere', 'dim')] : keys
}
