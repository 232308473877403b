import { cut, widthOf } from './text.ts'

/** What a piece of text means; the terminal gives each a look. */
export type Tone = 'plain' | 'dim' | 'strong' | 'accent' | 'good' | 'warning' | 'bad' | 'code' | 'chosen'
export type Span = { text: string; tone: Tone }
/** One row of the screen. */
export type Line = readonly Span[]

export type Size = { width: number; height: number }

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone }
}

export function textOf(line: Line): string {
  return line.map(({ text }) => text).join('')
}

export function lineWidth(line: Line): number {
  return line.reduce((sum, { text }) => sum + widthOf(text), 0)
}

/** The line in at most `width` cells. */
export function fit(line: Line, width: number): Line {
  if (lineWidth(line) <= width) return line
  let left = width
  const fitted: Span[] = []
  for (const { text, tone } of line) {
    if (left <= 0) break
    const part = cut(text, left)
    fitted.push({ text: part, tone })
    left -= part === text ? widthOf(text) : left
  }
  return fitted
}

/** Fills up with blanks to exactly `width` cells. */
export function pad(line: Line, width: number, tone: Tone = 'plain'): Line {
  const fitted = fit(line, width)
  const missing = width - lineWidth(fitted)
  return missing > 0 ? [...fitted, span(' '.repeat(missing), tone)] : fitted
}

export function indent(line: Line, cells: number): Line {
  return cells <= 0 ? line : [span(' '.repeat(cells)), ...line]
}

export function centered(line: Line, width: number): Line {
  return indent(line, Math.floor((width - lineWidth(line)) / 2))
}

/** Two lines in one: the second at the right edge, and first to give way. */
export function spread(left: Line, right: Line, width: number): Line {
  const room = width - lineWidth(left) - 2
  if (room < 4) return fit(left, width)
  const end = fit(right, room)
  return [...left, span(' '.repeat(width - lineWidth(left) - lineWidth(end))), ...end]
}
