import { type ExecFileSyncOptionsWithStringEncoding, execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { type ParsedShell, parseShell } from './shell.ts'

const folder = mkdtempSync(join(tmpdir(), 'shell-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The commands as texts; an argument that is only known at run time stands in <>. */
function programs(text: string): string[][] | string {
  const parsed = parseShell(text)
  if (!parsed.ok) return parsed.why
  return parsed.commands.map(({ argv }) => argv.map((word) => (word.fixed ? word.text : `<${word.text}>`)))
}

test.each<[string, string[][]]>([
  ['uname -a', [['uname', '-a']]],
  [`echo 'a b' "c d" e\\ f "g\\"h" ''`, [['echo', 'a b', 'c d', 'e f', 'g"h', '']]],
  ['a | b || c && d; e & f\ng |& h', [['a'], ['b'], ['c'], ['d'], ['e'], ['f'], ['g'], ['h']]],
  [
    'echo $(rm -rf x) `curl y`',
    [
      ['echo', '<$(rm -rf x)>', '<`curl y`>'],
      ['rm', '-rf', 'x'],
      ['curl', 'y'],
    ],
  ],
  [
    'echo "in $(rm x) quotes"',
    [
      ['echo', '<in $(rm x) quotes>'],
      ['rm', 'x'],
    ],
  ],
  ['diff <(a 1) >(b)', [['diff', '<<(a 1)>', '<>(b)>'], ['a', '1'], ['b']]],
  ['(a; b) && { c; }', [['a'], ['b'], ['c']]],
  ['X=$(a) Y=2 b c=3', [['b', 'c=3'], ['a']]],
  ['! ! rm x', [['rm', 'x']]],
  ['ls # rm -rf /', [['ls']]],
  ['ls *.txt $HOME ~ {a,b} {}', [['ls', '<*.txt>', '<$HOME>', '<~>', '<{a,b}>', '{}']]],
  [
    '[ -f x ] && rm x',
    [
      ['[', '-f', 'x', ']'],
      ['rm', 'x'],
    ],
  ],
  ['a `b <f`x`c`', [['a', '<`b <f`x`c`>'], ['b'], ['c']]],
  ['r\\m "x"', [['rm', 'x']]],
  ['a \\\n  b', [['a', 'b']]],
])('reads %j', (text, expected) => {
  expect(programs(text)).toEqual(expected)
})

test.each([
  ...['', '   ', '# only words', 'a &&', '| a', 'a ;; b', '(a', 'a)', '{ a; ', "'open", '"open', '`open', '$(open'],
  ...['if a; then b; fi', 'for x in a; do b; done', 'while a; do b; done', 'case x in a) b;; esac', 'f() { rm x; }'],
  ...['function f { a; }', 'cat <<END\nrm\nEND', '((x))', 'echo $((1))', '[[ a ]]', 'time rm x', 'coproc rm x'],
  ...[
    '$CMD x',
    '*/evil x',
    '{rm,x}',
    '$(a) b',
    "$'rm' x",
    '$'.concat('{x:-$(rm y)}'),
    'a >',
    'x=(a b)',
    'a\\\n=b rm x',
    'echo $\\\n(rm x)',
  ],
  ...['`echo "a`b`c"`', 'a `b # c` d', `a${'('.repeat(500)}`, 'a\0b', 'x'.repeat(30_000)],
])('does not claim to read %j', (text) => {
  expect(parseShell(text).ok).toBe(false)
})

test('keeps redirections to and from names, and tells descriptors apart', () => {
  const parsed = parseShell('a 2>&1 >out <in 2>>log &>both >&"$X" 3<&- >&file') as Extract<ParsedShell, { ok: true }>
  const kept = parsed.commands[0]!.redirections.map(({ operator, target }) => `${operator}${target.text}`)
  expect(kept).toEqual(['>out', '<in', '>>log', '&>both', '>&$X', '>&file'])
  expect(parsed.commands[0]!.argv.map((word) => word.text)).toEqual(['a'])
})

test('tells one plain command from anything more', () => {
  const single = (text: string) => (parseShell(text) as Extract<ParsedShell, { ok: true }>).single
  expect(['git push', 'git push ;', 'git push >x', ' ! git push &'].map(single)).toEqual([true, true, true, true])
  expect(['a;b', 'a|b', '(a)', '{ a; }', 'a $(b)', 'a <(b)', 'a & b'].map(single).some(Boolean)).toBe(false)
})

test('never throws and never takes long', () => {
  const pieces = fc.constantFrom(
    'a',
    '$(',
    ')',
    '`',
    '"',
    "'",
    '\\',
    '{',
    '}',
    ' ',
    ';',
    '\n',
    '<(',
    '$',
    '((',
    '#',
    '|',
    '>',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 300 }), (parts) => {
      const begun = performance.now()
      parseShell(parts.join(''))
      return performance.now() - begun < 200
    }),
  )
})

test('what is quoted comes back as it was', () => {
  const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const argument = fc.string({ maxLength: 20 }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), (argv) => {
      expect(programs(argv.map(quote).join(' '))).toEqual([argv])
    }),
  )
})

test('agrees with bash about every plain command it claims to have read', () => {
  const pieces = [
    'a',
    'b',
    ' ',
    ' ',
    "'",
    '"',
    '\\',
    '$',
    '`',
    '(',
    ')',
    '{',
    '}',
    ',',
    '.',
    '#',
    '=',
    '!',
    '[',
    ']',
    '-',
    '2',
    '\t',
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''))
  let compared = 0
  fc.assert(
    fc.property(text, (rest) => {
      const command = `show ${rest}`
      const parsed = parseShell(command)
      if (!parsed.ok || !parsed.single) return
      const [only] = parsed.commands
      if (only!.redirections.length > 0 || only!.argv.some((word) => !word.fixed)) return
      compared += 1
      const script = `show() { printf '%s\\0' show "$@"; }\n${command}`
      const seen = execFileSync('bash', ['-c', script], {
        cwd: folder,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      expect(seen.split('\0').slice(0, -1)).toEqual(only!.argv.map((word) => word.text))
    }),
    { numRuns: 600 },
  )
  expect(compared).toBeGreaterThan(50)
  expect(readdirSync(folder)).toEqual([])
})

test('names every program that bash starts', () => {
  const name = fc.constantFrom('p1', 'p2', 'p3', 'x=1 p1', '! p2', 'echo')
  const inner = [
    ' $(p1)',
    ' "`p2`"',
    ' <(p3)',
    ' $(p1;(p2))',
    ' "$(echo ")" p3)"',
    " 'p1;p2'",
    ' #p3',
    ' \\;p1',
    '`',
    '"',
  ]
  const joint = fc.constantFrom(';', '&', '|', '&&', '||', '\n', ' ', '(', ')', '{ ', ';}', '|&', '')
  const text = fc
    .array(fc.tuple(name, fc.constantFrom('', ...inner), joint), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.flat().join(''))
  const report = ['p1', 'p2', 'p3'].map((name) => `${name}() { echo ${name} >&9; }`).join('\n')
  let compared = 0
  fc.assert(
    fc.property(text, (command) => {
      const parsed = parseShell(command)
      if (!parsed.ok) return
      compared += 1
      const named = new Set(parsed.commands.flatMap(({ argv }) => argv.slice(0, 1).map((word) => word.text)))
      const script = `${report}\nexec 9>&1 >/dev/null 2>&1\n${command}\nwait`
      const started = runBash(script)
      for (const name of started) expect(named).toContain(name)
    }),
    { numRuns: 400 },
  )
  expect(compared).toBeGreaterThan(30)
})

function runBash(script: string): string[] {
  try {
    const options: ExecFileSyncOptionsWithStringEncoding = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }
    const output = execFileSync('bash', ['-c', script], { ...options, cwd: folder, timeout: 5000 })
    return output.split('\n').filter(Boolean)
  } catch (error) {
    return String((error as { stdout?: string }).stdout ?? '')
      .split('\n')
      .filter(Boolean)
  }
}
