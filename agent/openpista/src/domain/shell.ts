/** One argument. `text` is what the program gets, unless the shell still changes it at run time. */
export type Word = { text: string; fixed: boolean }

/** A redirection to or from something with a name; `2>&1` and its like are not kept. */
export type Redirection = { operator: string; target: Word }

/** A program with its arguments. `argv` is empty where there are only assignments or redirections. */
export type SimpleCommand = { argv: Word[]; assignments: string[]; redirections: Redirection[] }

/** Every simple command of a text, those inside pipelines, lists, subshells and substitutions included. */
export type ParsedShell = { ok: true; commands: SimpleCommand[]; single: boolean } | { ok: false; why: string }

const MAX_DEPTH = 16
const MAX_LENGTH = 20_000

/**
 * Reads a bash command line far enough to know every program it starts: simple commands, pipelines, lists,
 * subshells, groups, substitutions, redirections and quoting (Bash manual, chapter 3). Loops, conditions,
 * functions, here-documents and arithmetic are not read: such a text is answered with `ok: false`, and so is
 * everything that cannot be told for sure.
 */
export function parseShell(text: string): ParsedShell {
  if (text.length > MAX_LENGTH) return { ok: false, why: 'the command is too long to read' }
  if (text.includes('\0')) return { ok: false, why: 'a NUL character' }
  const reader: Reader = { text, at: 0, depth: 0, compound: false, commands: [] }
  try {
    readList(reader, 'end', 0)
  } catch (error) {
    if (error instanceof Unread) return { ok: false, why: error.message }
    throw error
  }
  const { commands } = reader
  if (commands.length === 0) return { ok: false, why: 'there is no command' }
  const nameless = commands.find(({ argv }) => argv[0]?.fixed === false)
  if (nameless !== undefined) return { ok: false, why: 'the name of a program is only known at run time' }
  return { ok: true, commands, single: commands.length === 1 && !reader.compound }
}

/** Ends the reading of a text; never leaves this file. */
class Unread extends Error {}

/** A text, how far it is read, and what was found. */
type Reader = {
  readonly text: string
  readonly commands: SimpleCommand[]
  at: number
  depth: number
  /** True once there could be more than one simple command: an operator, a group, a substitution. */
  compound: boolean
}

type Closer = 'end' | ')' | '}' | '`'

const RESERVED = new Set([
  ...['if', 'then', 'elif', 'else', 'fi', 'for', 'in', 'while', 'until', 'do', 'done', 'case', 'esac', 'select'],
  ...['function', 'time', 'coproc', '[[', ']]', '{', '}', '!'],
])
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/
/** Characters that end a word where they stand unquoted. */
const META = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'])
const REDIRECTIONS = ['&>>', '&>', '<<<', '<&', '>&', '<>', '>>', '>|', '<', '>']

/** Commands with operators between them, up to and over `closer`. */
function readList(reader: Reader, closer: Closer, depth: number): void {
  if (depth > MAX_DEPTH) fail('it is nested too deeply')
  reader.depth = depth
  let wanted = closer !== 'end'
  for (;;) {
    skipBlanks(reader, true)
    if (closes(reader, closer)) {
      if (wanted) fail('a command is missing')
      reader.depth = depth - 1
      return
    }
    readCommand(reader, closer)
    wanted = readOperator(reader, closer)
  }
}

/** True, and the reader is behind it, when the list ends here. */
function closes(reader: Reader, closer: Closer): boolean {
  if (closer === 'end') return reader.at >= reader.text.length
  if (reader.at >= reader.text.length) fail(`${closer} is missing`)
  if (reader.text[reader.at] !== closer) return false
  reader.at += 1
  return true
}

/** The operator after a command. True when another command has to follow. */
function readOperator(reader: Reader, closer: Closer): boolean {
  skipBlanks(reader, false)
  const rest = reader.text.slice(reader.at, reader.at + 2)
  if (rest === '' || (closer !== 'end' && closer !== '}' && rest.startsWith(closer))) return false
  if ([';;', ';&'].includes(rest)) fail('a case list')
  const found = ['&&', '||', '|&', '|', ';', '&', '\n'].find((operator) => rest.startsWith(operator))
  if (found === undefined) fail(`'${rest[0]}' where an operator should be`)
  reader.at += found.length
  if (!onlyBlanksLeft(reader)) reader.compound = true
  return !['&', ';', '\n'].includes(found)
}

function readCommand(reader: Reader, closer: Closer): void {
  while (reader.text[reader.at] === '!' && /[ \t]/.test(reader.text[reader.at + 1] ?? '')) {
    reader.at += 1
    skipBlanks(reader, false)
  }
  if (reader.text.startsWith('((', reader.at)) fail('arithmetic')
  if (reader.text[reader.at] === '(') readGroup(reader, ')', closer)
  else if (/^\{[ \t\n]/.test(reader.text.slice(reader.at, reader.at + 2))) readGroup(reader, '}', closer)
  else readSimple(reader, closer)
}

function readGroup(reader: Reader, end: ')' | '}', closer: Closer): void {
  reader.compound = true
  reader.at += 1
  readList(reader, end, reader.depth + 1)
  const own: SimpleCommand = { argv: [], assignments: [], redirections: [] }
  for (;;) {
    skipBlanks(reader, false)
    if (!readRedirection(reader, own, closer)) break
  }
  if (own.redirections.length > 0) reader.commands.push(own)
}

function readSimple(reader: Reader, closer: Closer): void {
  const own: SimpleCommand = { argv: [], assignments: [], redirections: [] }
  const begun = reader.at
  reader.commands.push(own)
  for (;;) {
    skipBlanks(reader, false)
    const next = reader.text[reader.at]
    if (next === undefined || (closer === '`' && next === '`')) break
    if (readRedirection(reader, own, closer)) continue
    if (META.has(next) && !opensProcess(reader)) break
    const start = reader.at
    const word = readWord(reader, closer)
    const source = reader.text.slice(start, reader.at)
    if (own.argv.length === 0 && RESERVED.has(source)) fail(`'${source}'`)
    if (own.argv.length === 0 && ASSIGNMENT.test(source)) own.assignments.push(source)
    else own.argv.push(source === '[' ? { text: '[', fixed: true } : word)
  }
  if (reader.at === begun) fail(`'${reader.text[begun] ?? 'the end'}' where a command should be`)
}

/** Reads one redirection into `own`, if there is one here. */
function readRedirection(reader: Reader, own: SimpleCommand, closer: Closer): boolean {
  const digits = /^\d*/.exec(reader.text.slice(reader.at, reader.at + 10))![0].length
  const from = reader.at + digits
  if (digits === 0 && opensProcess(reader)) return false
  const operator = REDIRECTIONS.find((one) => reader.text.startsWith(one, from) && (digits === 0 || one[0] !== '&'))
  if (operator === undefined) return false
  if (reader.text.startsWith('<<', from) && operator !== '<<<') fail('a here-document')
  reader.at = from + operator.length
  skipBlanks(reader, false)
  const next = reader.text[reader.at]
  if (next === undefined || (META.has(next) && !opensProcess(reader))) {
    fail('a redirection without a target')
  }
  const target = readWord(reader, closer)
  const duplicates = (operator === '>&' || operator === '<&') && target.fixed && /^(\d+-?|-)$/.test(target.text)
  if (!duplicates) own.redirections.push({ operator, target })
  return true
}

function readWord(reader: Reader, closer: Closer): Word {
  const word: Word = { text: '', fixed: true }
  let braces = 0
  for (;;) {
    const next = reader.text[reader.at]
    if (next === undefined || (closer === '`' && next === '`')) break
    if (META.has(next)) {
      if (!opensProcess(reader)) break
      readSubstitution(reader, word, 2, ')')
      continue
    }
    if (next === "'") readSingleQuoted(reader, word)
    else if (next === '"') readDoubleQuoted(reader, word)
    else if (next === '\\') readEscaped(reader, word)
    else if (next === '$') readDollar(reader, word, false)
    else if (next === '`') readBackquoted(reader, word)
    else {
      if ('*?[~'.includes(next)) word.fixed = false
      if (next === '{') braces += 1
      // Braces may become several words; `{}` alone never does.
      if (next === '}' && braces > 0 && reader.text[reader.at - 1] !== '{') word.fixed = false
      word.text += next
      reader.at += 1
    }
  }
  return word
}

function readSingleQuoted(reader: Reader, word: Word): void {
  const end = reader.text.indexOf("'", reader.at + 1)
  if (end < 0) fail("a ' without its end")
  word.text += reader.text.slice(reader.at + 1, end)
  reader.at = end + 1
}

function readDoubleQuoted(reader: Reader, word: Word): void {
  reader.at += 1
  for (;;) {
    const next = reader.text[reader.at]
    if (next === undefined) fail('a " without its end')
    if (next === '"') break
    if (next === '$') readDollar(reader, word, true)
    else if (next === '`') readBackquoted(reader, word)
    else if (next === '\\') readEscapedInQuotes(reader, word)
    else {
      word.text += next
      reader.at += 1
    }
  }
  reader.at += 1
}

function readEscaped(reader: Reader, word: Word): void {
  const next = reader.text[reader.at + 1]
  if (next === undefined) fail('a \\ at the end')
  if (next === '\n') fail('a word over two lines')
  word.text += next
  reader.at += 2
}

function readEscapedInQuotes(reader: Reader, word: Word): void {
  const next = reader.text[reader.at + 1] ?? ''
  if (next === '\n') fail('a word over two lines')
  word.text += '$`"\\'.includes(next) ? next : `\\${next}`
  reader.at += 2
}

/** Variables and command substitutions; `quoted`: inside double quotes. */
function readDollar(reader: Reader, word: Word, quoted: boolean): void {
  const rest = reader.text.slice(reader.at, reader.at + 200)
  if (rest.startsWith('$((')) fail('arithmetic')
  if (rest.startsWith('$[')) fail('arithmetic')
  if (rest.startsWith('$(')) {
    readSubstitution(reader, word, 2, ')')
    return
  }
  if (!quoted && /^\$['"]/.test(rest)) fail('a $-quoted text')
  const variable = /^\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]|\{[A-Za-z_][A-Za-z0-9_]*\})/.exec(rest)?.[0]
  if (variable === undefined && rest.startsWith('${')) fail('an expansion that does more than name a variable')
  if (variable !== undefined) word.fixed = false
  word.text += variable ?? '$'
  reader.at += (variable ?? '$').length
}

function readBackquoted(reader: Reader, word: Word): void {
  const end = reader.text.indexOf('`', reader.at + 1)
  if (end < 0 || reader.text.slice(reader.at, end).includes('\\')) fail('a ` that cannot be read')
  readSubstitution(reader, word, 1, '`')
  if (reader.at !== end + 1) fail('a ` that cannot be read')
}

function readSubstitution(reader: Reader, word: Word, opener: number, closer: ')' | '`'): void {
  const start = reader.at
  reader.compound = true
  reader.at += opener
  readList(reader, closer, reader.depth + 1)
  word.fixed = false
  word.text += reader.text.slice(start, reader.at)
}

/** True at `<(` and `>(`. */
function opensProcess(reader: Reader): boolean {
  return /^[<>]\($/.test(reader.text.slice(reader.at, reader.at + 2))
}

function skipBlanks(reader: Reader, newlines: boolean): void {
  for (;;) {
    const next = reader.text[reader.at]
    if (next === ' ' || next === '\t' || (newlines && next === '\n')) reader.at += 1
    else if (next === '\\' && reader.text[reader.at + 1] === '\n') reader.at += 2
    else if (next === '#' && startsWord(reader)) skipComment(reader)
    else return
  }
}

function startsWord(reader: Reader): boolean {
  const before = reader.text[reader.at - 1]
  return before === undefined || META.has(before)
}

function skipComment(reader: Reader): void {
  const end = reader.text.indexOf('\n', reader.at)
  reader.at = end < 0 ? reader.text.length : end
}

function onlyBlanksLeft(reader: Reader): boolean {
  return /^[ \t\n]*$/.test(reader.text.slice(reader.at))
}

function fail(what: string): never {
  throw new Unread(what)
}
