import { createInterface } from 'node:readline/promises'
import type { ReadStream } from 'node:tty'
import type { Card } from '../protocol/index.ts'

export type CardDecision = 'approve' | 'reject' | 'allow_for_session'

/** A card as lines of text. */
export function cardText(card: Card): string {
  const facts = card.facts.map(
    ({ label, value, tone }) => `  ${tone === 'warning' ? '! ' : ''}${label}: ${indented(value)}`,
  )
  const sources = card.sources.filter(({ trusted }) => !trusted).map(({ label }) => `  not your words: ${label}`)
  const links = card.buttons.flatMap(({ label, url }) => (url === undefined ? [] : [`  ${label}: ${url}`]))
  return [card.title, ...facts, `  ${card.reason}`, ...sources, ...links].map(printable).join('\n')
}

/** A value of several lines cannot look like other lines of the card. */
function indented(value: string): string {
  return value.replaceAll('\n', '\n    | ')
}

/** What to ask under a card, with the letters that answer it. */
export function questionOf({ buttons }: Card): string {
  const forSession = buttons.some(({ decision }) => decision === 'allow_for_session')
  return `Approve? [y]es, [n]o${forSession ? ', [s]ession' : ''}: `
}

/** The decision that a word stands for. */
export function decisionOf(word: string): CardDecision {
  const first = word.trim().toLowerCase()[0]
  if (first === 'y') return 'approve'
  return first === 's' ? 'allow_for_session' : 'reject'
}

/** Asks at the terminal; without one nobody can say yes. */
export async function askAboutCard(
  card: Card,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<CardDecision> {
  output.write(`\n${cardText(card)}\n`)
  if ((input as Partial<ReadStream>).isTTY !== true) {
    output.write(
      'Rejected: there is no terminal to ask at. With --yes all tool calls of a run are approved; limits are not.\n',
    )
    return 'reject'
  }
  const lines = createInterface({ input, output })
  try {
    return decisionOf(await lines.question(questionOf(card)))
  } finally {
    lines.close()
  }
}

/** Control characters could rewrite what stands on the screen. */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Bidi_Control}/gu, '\ufffd')
}
