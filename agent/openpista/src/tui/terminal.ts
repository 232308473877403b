import { StringDecoder } from 'node:string_decoder'
import type { ReadStream, WriteStream } from 'node:tty'
import { createKeyReader, type Key } from './keys.ts'
import type { Line, Size, Tone } from './line.ts'
import { lineWidth } from './line.ts'
import type { Screen } from './view/screen.ts'

/** The terminal while the program has it to itself. */
export type Terminal = {
  size: () => Size
  draw: (screen: Screen) => void
  /** The next picture is drawn whole: something else has written on the screen. */
  forget: () => void
  /** Gives the terminal back as it was; a second time does nothing. */
  close: () => void
}

export type TerminalParts = {
  input: ReadStream
  output: WriteStream
  env: Readonly<Record<string, string | undefined>>
  onKey: (key: Key) => void
  onResize: (size: Size) => void
  /** The terminal is gone. */
  onEnd: () => void
}

/** An Escape that stands alone this long is the key; the rest of a sequence comes faster. */
const ESCAPE_MS = 40

/**
 * Other screen, no wrapping at the edge, pastes marked as such, the wheel as arrow keys (so that the mouse still
 * selects text).
 */
const OPEN = '\x1b[?1049h\x1b[?7l\x1b[?2004h\x1b[?1007h\x1b[2J'
const CLOSE = '\x1b[0m\x1b[?25h\x1b[?1007l\x1b[?2004l\x1b[?7h\x1b[?1049l'

export function openTerminal({ input, output, env, onKey, onResize, onEnd }: TerminalParts): Terminal {
  const size = (): Size => ({ width: Math.max(1, output.columns || 80), height: Math.max(1, output.rows || 24) })
  const looks = env.NO_COLOR === undefined || env.NO_COLOR === '' ? COLORS : PLAIN
  const reader = createKeyReader()
  const decoder = new StringDecoder('utf8')
  let shown: string[] = []
  let isOpen = true
  let alone: NodeJS.Timeout | undefined

  const onData = (chunk: Buffer) => {
    clearTimeout(alone)
    for (const key of reader.push(decoder.write(chunk))) onKey(key)
    alone = setTimeout(() => {
      for (const key of reader.flush()) onKey(key)
    }, ESCAPE_MS)
  }
  const resized = () => {
    shown = []
    onResize(size())
  }
  input.setRawMode(true)
  input.on('data', onData)
  input.on('end', onEnd)
  input.resume()
  output.on('resize', resized)
  // A terminal that is gone fails at everything, also at being given back: these listeners stay.
  input.on('error', onEnd)
  output.on('error', onEnd)
  output.write(OPEN)

  return {
    size,
    draw: ({ lines, cursor }) => {
      if (!isOpen) return
      const { height } = size()
      const next = Array.from({ length: height }, (_, row) => paint(lines[row] ?? [], looks))
      output.write(difference(shown, next, cursor))
      shown = next
    },
    forget: () => {
      shown = []
    },
    close: () => {
      if (!isOpen) return
      isOpen = false
      clearTimeout(alone)
      input.off('data', onData)
      input.off('end', onEnd)
      output.off('resize', resized)
      input.setRawMode(false)
      input.pause()
      output.write(CLOSE)
    },
  }
}

/** What turns one picture into the next; nothing when they are the same. The terminal shows it at once (mode 2026). */
export function difference(shown: readonly string[], next: readonly string[], cursor: Screen['cursor']): string {
  const start = shown.length === 0 ? '\x1b[2J' : ''
  // Erased before it is written: after a full row the cursor stands on its last cell.
  const rows = next.flatMap((line, row) => (line === shown[row] ? [] : [`\x1b[${row + 1};1H\x1b[0m\x1b[K${line}`]))
  const place = cursor === undefined ? '\x1b[?25l' : `\x1b[${cursor.row + 1};${cursor.column + 1}H\x1b[?25h`
  return `\x1b[?2026h\x1b[?25l${start}${rows.join('')}${place}\x1b[?2026l`
}

type Looks = Readonly<Record<Tone, string>>

/** Colours of the terminal's own palette: they fit light and dark backgrounds. */
const COLORS: Looks = {
  plain: '',
  dim: '2',
  strong: '1',
  accent: '36',
  good: '32',
  warning: '33',
  bad: '31',
  code: '35',
  chosen: '7',
}
const PLAIN: Looks = { ...COLORS, accent: '1', good: '', warning: '1', bad: '1', code: '' }

function paint(line: Line, looks: Looks): string {
  if (lineWidth(line) === 0) return ''
  return line.map(({ text, tone }) => (looks[tone] === '' ? text : `\x1b[${looks[tone]}m${text}\x1b[0m`)).join('')
}
