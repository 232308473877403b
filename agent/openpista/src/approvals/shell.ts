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
  const reader = new Reader(text)
  try {
    reader.list('end', 0)
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

type Closer = 'end' | ')' | '}' | '`'

const RESERVED = new Set([
  ...['if', 'then', 'elif', 'else', 'fi', 'for', 'in', 'while', 'until', 'do', 'done', 'case', 'esac', 'select'],
  ...['function', 'time', 'coproc', '[[', ']]', '{', '}', '!'],
])
const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*\+?=/
/** Characters that end a word where they stand unquoted. */
const META = new Set([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')'])
const REDIRECTIONS = ['&>>', '&>', '<<<', '<&', '>&', '<>', '>>', '>|', '<', '>']

class Reader {
  readonly commands: SimpleCommand[] = []
  /** True once there is more than one simple command could be: an operator, a group, a substitution. */
  compound = false
  private at = 0
  private readonly text: string
  private depth = 0

  constructor(text: string) {
    this.text = text
  }

  /** Commands with operators between them, up to and over `closer`. */
  list(closer: Closer, depth: number): void {
    if (depth > MAX_DEPTH) this.fail('it is nested too deeply')
    this.depth = depth
    let wanted = closer !== 'end'
    for (;;) {
      this.skipBlanks(true)
      if (this.closes(closer)) {
        if (wanted) this.fail('a command is missing')
        this.depth = depth - 1
        return
      }
      this.command(closer)
      wanted = this.operator(closer)
    }
  }

  /** True, and the reader is behind it, when the list ends here. */
  private closes(closer: Closer): boolean {
    if (closer === 'end') return this.at >= this.text.length
    if (this.at >= this.text.length) this.fail(`${closer} is missing`)
    if (this.text[this.at] !== closer) return false
    this.at += 1
    return true
  }

  /** The operator after a command. True when another command has to follow. */
  private operator(closer: Closer): boolean {
    this.skipBlanks(false)
    const rest = this.text.slice(this.at, this.at + 2)
    if (rest === '' || (closer !== 'end' && closer !== '}' && rest.startsWith(closer))) return false
    if ([';;', ';&'].includes(rest)) this.fail('a case list')
    const found = ['&&', '||', '|&', '|', ';', '&', '\n'].find((operator) => rest.startsWith(operator))
    if (found === undefined) this.fail(`'${rest[0]}' where an operator should be`)
    this.at += found.length
    if (!this.onlyBlanksLeft()) this.compound = true
    return !['&', ';', '\n'].includes(found)
  }

  private command(closer: Closer): void {
    while (this.text[this.at] === '!' && /[ \t]/.test(this.text[this.at + 1] ?? '')) {
      this.at += 1
      this.skipBlanks(false)
    }
    if (this.text.startsWith('((', this.at)) this.fail('arithmetic')
    if (this.text[this.at] === '(') this.group(')', closer)
    else if (/^\{[ \t\n]/.test(this.text.slice(this.at, this.at + 2))) this.group('}', closer)
    else this.simple(closer)
  }

  private group(end: ')' | '}', closer: Closer): void {
    this.compound = true
    this.at += 1
    this.list(end, this.depth + 1)
    const own: SimpleCommand = { argv: [], assignments: [], redirections: [] }
    for (;;) {
      this.skipBlanks(false)
      if (!this.redirection(own, closer)) break
    }
    if (own.redirections.length > 0) this.commands.push(own)
  }

  private simple(closer: Closer): void {
    const own: SimpleCommand = { argv: [], assignments: [], redirections: [] }
    const begun = this.at
    this.commands.push(own)
    for (;;) {
      this.skipBlanks(false)
      const next = this.text[this.at]
      if (next === undefined || (closer === '`' && next === '`')) break
      if (this.redirection(own, closer)) continue
      if (META.has(next) && !this.opensProcess()) break
      const start = this.at
      const word = this.word(closer)
      const source = this.text.slice(start, this.at)
      if (own.argv.length === 0 && RESERVED.has(source)) this.fail(`'${source}'`)
      if (own.argv.length === 0 && ASSIGNMENT.test(source)) own.assignments.push(source)
      else own.argv.push(source === '[' ? { text: '[', fixed: true } : word)
    }
    if (this.at === begun) this.fail(`'${this.text[begun] ?? 'the end'}' where a command should be`)
  }

  /** Reads one redirection into `own`, if there is one here. */
  private redirection(own: SimpleCommand, closer: Closer): boolean {
    const digits = /^\d*/.exec(this.text.slice(this.at, this.at + 10))![0].length
    const from = this.at + digits
    if (digits === 0 && this.opensProcess()) return false
    const operator = REDIRECTIONS.find((one) => this.text.startsWith(one, from) && (digits === 0 || one[0] !== '&'))
    if (operator === undefined) return false
    if (this.text.startsWith('<<', from) && operator !== '<<<') this.fail('a here-document')
    this.at = from + operator.length
    this.skipBlanks(false)
    const next = this.text[this.at]
    if (next === undefined || (META.has(next) && !this.opensProcess())) {
      this.fail('a redirection without a target')
    }
    const target = this.word(closer)
    const duplicates = (operator === '>&' || operator === '<&') && target.fixed && /^(\d+-?|-)$/.test(target.text)
    if (!duplicates) own.redirections.push({ operator, target })
    return true
  }

  private word(closer: Closer): Word {
    const word: Word = { text: '', fixed: true }
    let braces = 0
    for (;;) {
      const next = this.text[this.at]
      if (next === undefined || (closer === '`' && next === '`')) break
      if (META.has(next)) {
        if (!this.opensProcess()) break
        this.substitution(word, 2, ')')
        continue
      }
      if (next === "'") this.singleQuoted(word)
      else if (next === '"') this.doubleQuoted(word)
      else if (next === '\\') this.escaped(word)
      else if (next === '$') this.dollar(word, false)
      else if (next === '`') this.backquoted(word)
      else {
        if ('*?[~'.includes(next)) word.fixed = false
        if (next === '{') braces += 1
        // Braces may become several words; `{}` alone never does.
        if (next === '}' && braces > 0 && this.text[this.at - 1] !== '{') word.fixed = false
        word.text += next
        this.at += 1
      }
    }
    return word
  }

  private singleQuoted(word: Word): void {
    const end = this.text.indexOf("'", this.at + 1)
    if (end < 0) this.fail("a ' without its end")
    word.text += this.text.slice(this.at + 1, end)
    this.at = end + 1
  }

  private doubleQuoted(word: Word): void {
    this.at += 1
    for (;;) {
      const next = this.text[this.at]
      if (next === undefined) this.fail('a " without its end')
      if (next === '"') break
      if (next === '$') this.dollar(word, true)
      else if (next === '`') this.backquoted(word)
      else if (next === '\\') this.escapedInQuotes(word)
      else {
        word.text += next
        this.at += 1
      }
    }
    this.at += 1
  }

  private escaped(word: Word): void {
    const next = this.text[this.at + 1]
    if (next === undefined) this.fail('a \\ at the end')
    if (next === '\n') this.fail('a word over two lines')
    word.text += next
    this.at += 2
  }

  private escapedInQuotes(word: Word): void {
    const next = this.text[this.at + 1] ?? ''
    if (next === '\n') this.fail('a word over two lines')
    word.text += '$`"\\'.includes(next) ? next : `\\${next}`
    this.at += 2
  }

  /** Variables and command substitutions; `quoted`: inside double quotes. */
  private dollar(word: Word, quoted: boolean): void {
    const rest = this.text.slice(this.at, this.at + 200)
    if (rest.startsWith('$((')) this.fail('arithmetic')
    if (rest.startsWith('$[')) this.fail('arithmetic')
    if (rest.startsWith('$(')) {
      this.substitution(word, 2, ')')
      return
    }
    if (!quoted && /^\$['"]/.test(rest)) this.fail('a $-quoted text')
    const variable = /^\$(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-]|\{[A-Za-z_][A-Za-z0-9_]*\})/.exec(rest)?.[0]
    if (variable === undefined && rest.startsWith('${')) this.fail('an expansion that does more than name a variable')
    if (variable !== undefined) word.fixed = false
    word.text += variable ?? '$'
    this.at += (variable ?? '$').length
  }

  private backquoted(word: Word): void {
    const end = this.text.indexOf('`', this.at + 1)
    if (end < 0 || this.text.slice(this.at, end).includes('\\')) this.fail('a ` that cannot be read')
    this.substitution(word, 1, '`')
    if (this.at !== end + 1) this.fail('a ` that cannot be read')
  }

  private substitution(word: Word, opener: number, closer: ')' | '`'): void {
    const start = this.at
    this.compound = true
    this.at += opener
    this.list(closer, this.depth + 1)
    word.fixed = false
    word.text += this.text.slice(start, this.at)
  }

  /** True at `<(` and `>(`. */
  private opensProcess(): boolean {
    return /^[<>]\($/.test(this.text.slice(this.at, this.at + 2))
  }

  private skipBlanks(newlines: boolean): void {
    for (;;) {
      const next = this.text[this.at]
      if (next === ' ' || next === '\t' || (newlines && next === '\n')) this.at += 1
      else if (next === '\\' && this.text[this.at + 1] === '\n') this.at += 2
      else if (next === '#' && this.startsWord()) this.skipComment()
      else return
    }
  }

  private startsWord(): boolean {
    const before = this.text[this.at - 1]
    return before === undefined || META.has(before)
  }

  private skipComment(): void {
    const end = this.text.indexOf('\n', this.at)
    this.at = end < 0 ? this.text.length : end
  }

  private onlyBlanksLeft(): boolean {
    return /^[ \t\n]*$/.test(this.text.slice(this.at))
  }

  private fail(what: string): never {
    throw new Unread(what)
  }
}
