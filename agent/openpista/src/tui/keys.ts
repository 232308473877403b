/** What a person does at the keyboard. `name` of a key: `enter`, `escape`, `ctrl+c`, `alt+b`. */
export type Key = { kind: 'text'; text: string } | { kind: 'paste'; text: string } | { kind: 'key'; name: string }

/** Takes what the terminal sends apart, in whatever pieces it comes. */
export type KeyReader = {
  push: (text: string) => Key[]
  /** An escape that nothing followed for a moment was the Escape key. */
  flush: () => Key[]
}

const PASTE_START = '\x1b[200~'
const PASTE_END = '\x1b[201~'

/** Endings of control sequences (ECMA-48), as terminals since the VT220 send them. */
const SEQUENCES: Readonly<Record<string, string>> = {
  ...{ A: 'up', B: 'down', C: 'right', D: 'left', H: 'home', F: 'end', Z: 'backtab', M: 'enter' },
  ...{ '1~': 'home', '3~': 'delete', '4~': 'end', '5~': 'pageup', '6~': 'pagedown', '7~': 'home', '8~': 'end' },
  // Shift or Alt with Enter, where the terminal tells: the kitty protocol and xterm's modifyOtherKeys.
  ...{ '13;2u': 'newline', '13;3u': 'newline', '27;2;13~': 'newline', '27;3;13~': 'newline' },
  ...{ '1;3D': 'alt+b', '1;5D': 'alt+b', '1;3C': 'alt+f', '1;5C': 'alt+f', '1;5H': 'home', '1;5F': 'end' },
}

const CONTROLS: Readonly<Record<string, string>> = {
  '\r': 'enter',
  '\n': 'newline',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
}

export function createKeyReader(): KeyReader {
  let waiting = ''
  return {
    push: (text) => {
      const { keys, rest } = read(waiting + text)
      waiting = rest
      return keys
    },
    flush: () => {
      if (!waiting.startsWith('\x1b') || waiting.startsWith(PASTE_START)) return []
      const { keys, rest } = read(waiting.slice(1))
      waiting = rest
      return [{ kind: 'key', name: 'escape' }, ...keys]
    },
  }
}

function read(input: string): { keys: Key[]; rest: string } {
  const keys: Key[] = []
  let rest = input
  while (rest !== '') {
    const next = one(rest)
    if (next === undefined) break
    if (next.key !== undefined) keys.push(next.key)
    rest = rest.slice(next.length)
  }
  return { keys, rest }
}

type Found = { key: Key | undefined; length: number }

/** The first key; `undefined` while it has not come whole. */
function one(input: string): Found | undefined {
  if (input.startsWith(PASTE_START)) {
    const end = input.indexOf(PASTE_END)
    if (end === -1) return undefined
    const text = input.slice(PASTE_START.length, end)
    return { key: { kind: 'paste', text }, length: end + PASTE_END.length }
  }
  if (input.startsWith('\x1b')) return escapeSequence(input)
  const [text = ''] = /^[^\p{Cc}]+/u.exec(input) ?? []
  if (text !== '') return { key: { kind: 'text', text }, length: text.length }
  return { key: control(input[0] ?? ''), length: 1 }
}

function escapeSequence(input: string): Found | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the grammar of what terminals send
  const sequence = /^\x1b(?:\[([0-?]*[ -/]*[@-~])|O([@-~]))/.exec(input)
  if (sequence !== null) {
    const name = SEQUENCES[sequence[1] ?? sequence[2] ?? '']
    return { key: name === undefined ? undefined : { kind: 'key', name }, length: sequence[0].length }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the same, not yet whole
  if (/^\x1b(?:\[[0-?]*[ -/]*|O)?$/.test(input)) return undefined
  const next = input[1] ?? ''
  if (next === '\r' || next === '\n') return { key: { kind: 'key', name: 'newline' }, length: 2 }
  if (/[a-z]/.test(next)) return { key: { kind: 'key', name: `alt+${next}` }, length: 2 }
  return { key: { kind: 'key', name: 'escape' }, length: 1 }
}

function control(character: string): Key | undefined {
  const name = CONTROLS[character]
  if (name !== undefined) return { kind: 'key', name }
  const code = character.charCodeAt(0)
  if (code < 1 || code > 26) return undefined
  return { kind: 'key', name: `ctrl+${String.fromCharCode(code + 96)}` }
}
