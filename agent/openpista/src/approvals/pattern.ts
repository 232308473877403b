import { runsOthers } from '../domain/command-scope.ts'
import type { SimpleCommand, Word } from '../domain/shell.ts'

/** `perhaps`: it cannot be told before the command runs. */
export type Match = 'yes' | 'no' | 'perhaps'

/**
 * Whether a text is covered by a pattern: `*` stands for anything without a slash, `**` for anything.
 * A text with a `..` part is covered `perhaps`, whatever the pattern: it may lead anywhere.
 */
export function matchText(pattern: string, text: string): Match {
  const source = pattern
    .split(/(\*\*|\*)/)
    .map((part) => (part === '**' ? '[^]*' : part === '*' ? '[^/]*' : part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')))
    .join('')
  if (/(^|\/)\.\.(\/|$)/.test(text) && pattern !== '**') return 'perhaps'
  return new RegExp(`^${source}$`).test(text) ? 'yes' : 'no'
}

/**
 * Whether a simple command is covered by a pattern of words such as `git log **`: one pattern for each argument;
 * `**` as the last one stands for any further arguments.
 */
export function matchCommand(pattern: string, command: SimpleCommand): Match {
  const patterns = pattern.trim().split(/\s+/)
  const open = patterns.at(-1) === '**'
  const fixedPart = open ? patterns.slice(0, -1) : patterns
  const { argv } = command
  const [program] = argv
  if (program === undefined) return 'perhaps'
  if (runsOthers(program.text) && matchText(fixedPart[0] ?? '**', program.text) === 'no') return 'perhaps'
  if (argv.length < fixedPart.length || (!open && argv.length > fixedPart.length)) {
    // A word that the shell expands may become several, or none.
    return argv.every((word) => word.fixed) ? 'no' : 'perhaps'
  }
  return all([
    ...fixedPart.map((part, index) => matchWord(part, argv[index]!, index === 0)),
    ...argv.slice(fixedPart.length).map((word): Match => (word.fixed ? 'yes' : 'perhaps')),
  ])
}

function matchWord(pattern: string, word: Word, isProgram: boolean): Match {
  if (!word.fixed) return 'perhaps'
  const match = matchText(pattern, word.text)
  if (match !== 'no' || !isProgram) return match
  // The same program by its path: which one it really is cannot be seen from here.
  return matchText(pattern, word.text.slice(word.text.lastIndexOf('/') + 1)) === 'no' ? 'no' : 'perhaps'
}

/** `yes` when all are, `no` when one is not. */
export function all(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('perhaps') ? 'perhaps' : 'yes'
}
