import { centered, indent, type Line, span, spread } from '../line.ts'
import type { State } from '../state.ts'
import { clean, cleanLine, widthOf, wrap } from '../text.ts'
import { inputBox } from './layout.ts'
import type { Screen } from './screen.ts'

const LOGO = [
  '                               _       _',
  '  ___   _ __    ___  _ __    _ __  (_) ___ | |_  __ _',
  " / _ \\ | '_ \\  / _ \\| '_ \\  | '_ \\ | |/ __|| __|/ _` |",
  '| (_) || |_) ||  __/| | | | | |_) || |\\__ \\| |_| (_| |',
  ' \\___/ | .__/  \\___||_| |_| | .__/ |_||___/ \\__|\\__,_|',
  '       |_|                  |_|',
]
const WIDEST_INPUT = 80

/** The first screen of a session in which nothing was said yet. */
export function home(state: State): Screen {
  const { width, height } = state.size
  const inputWidth = Math.max(4, Math.min(WIDEST_INPUT, width - 4))
  const left = Math.max(0, Math.floor((width - inputWidth) / 2))
  const input = inputBox(state, inputWidth - 2, Math.max(1, Math.min(6, height - 6)))
  const hint = state.hint === '' ? [] : wrap(clean(state.hint), inputWidth)
  const below: Line[] = [
    [],
    indent(spread([span(modelWords(state), 'dim')], [span(linkWords(state, input.hidden), 'dim')], inputWidth), left),
    ...hint.map((line) => indent([span(line, 'warning')], left)),
    [],
    centered([span('Enter send · Tab commands · Ctrl+C leave', 'dim')], width),
    ...(hint.length === 0 ? [centered([span(TIP, 'dim')], width)] : []),
  ]
  const boxed = input.rows.map((row): Line => indent([span('▌ ', 'accent'), span(row)], left))
  const room = height - boxed.length - below.length
  const logo = room >= LOGO.length + 2 && width >= 56 ? [...logoLines(width), []] : []
  const above = Math.max(0, Math.floor((room - logo.length) / 2))
  const lines: Line[] = [...Array.from({ length: above }, (): Line => []), ...logo, ...boxed, ...below]
  const row = above + logo.length + input.row
  return { lines, cursor: { row, column: left + 2 + input.column } }
}

const TIP = 'Tip: /run ls works without a model; /login keeps an API key.'

function logoLines(width: number): Line[] {
  const left = Math.floor((width - Math.max(...LOGO.map(widthOf))) / 2)
  return LOGO.map((line) => indent([span(line, 'accent')], left))
}

function modelWords({ model }: State): string {
  return model === undefined ? 'no model' : cleanLine(model)
}

function linkWords({ link, transcript }: State, hidden: number): string {
  if (hidden > 0) return `${hidden} more lines`
  return link === 'open' ? cleanLine(transcript?.sessionId ?? '') : 'connecting…'
}
