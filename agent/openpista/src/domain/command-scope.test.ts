import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commandScope, printsOnlyFacts } from './command-scope.ts'

test.each([
  ['ls -la', 'ls'],
  ['ls -la src/*.ts', 'ls'],
  ['grep -rn --include=*.ts "a b" src', 'grep'],
  ['head -n 5 notes.txt', 'head'],
  ['head -5 notes.txt', 'head'],
  ['git status --short', 'git status'],
  ['git log --oneline -n5', 'git log'],
  ['git diff HEAD~1 -- a', undefined],
  ['date +%s', 'date'],
  ['date 010100002026', undefined],
  ['ls -la $HOME', undefined],
  ['ls *', undefined],
  ['ls ../other', undefined],
  ['ls a/.*', undefined],
  ['ls a/{..,b}', undefined],
  ['cat /etc/passwd', undefined],
  ['cat ~/.ssh/id_ed25519', undefined],
  ['git show HEAD:../../x', undefined],
  ['git', undefined],
  ['git push origin main', undefined],
  ['git commit -m x', undefined],
  ['git -c core.pager=evil log', undefined],
  ['git -C elsewhere status', undefined],
  ['git --exec-path=. status', undefined],
  ['git log --format=%G?', undefined],
  ['git log -p --ext-diff', undefined],
  ['git diff --output=x', undefined],
  ['git diff --outpu x', undefined],
  ['git fetch --upload-pack=./x', undefined],
  ['git clone "ext::sh -c x"', undefined],
  ['git grep -Ovim x', undefined],
  ['git x', undefined],
  ['sort -o x y', undefined],
  ['sort -ro x y', undefined],
  ['sort --compress-program=./x y', undefined],
  ['rg --pre ./x y', undefined],
  ['diff -l a b', undefined],
  ['tree -o x', undefined],
  ['uniq a b', undefined],
  ['ps auxe', undefined],
  ['hostname x', undefined],
  ['find . -exec rm x ;', undefined],
  ['xargs rm', undefined],
  ['env ls', undefined],
  ['sudo ls', undefined],
  ['ssh host ls', undefined],
  ['tar -x --to-command=x', undefined],
  ['npm run x', undefined],
  ['npm test', undefined],
  ['python3.11 -c 1', undefined],
  ['sed 1e', undefined],
  ['awk BEGIN{system(1)}', undefined],
  ['less x', undefined],
  ['man x', undefined],
  ['vim -c x', undefined],
  ['./ls', undefined],
  ['bin/ls', undefined],
  ['ls > x', undefined],
  ['ls | wc', undefined],
  ['ls; ls', undefined],
  ['ls $(x)', undefined],
  ['LS_COLORS=x ls', undefined],
  ['constructor', undefined],
  ['if', undefined],
])('what "allow for this session" covers of %j', (command, scope) => {
  expect(commandScope(command)).toBe(scope ?? `exactly ${command}`)
})

test("only what cannot carry a stranger's words counts as facts of the machine", () => {
  const facts = ['uname -a', 'free -h', 'echo hello; date', 'whoami && id -u', 'date +%Y-%m-%d', 'sleep 1 | free -m']
  const others = [
    ...['cat x', 'uname -a; ls', 'echo $(cat x)', 'echo *', 'date -f x', 'date -fx', 'date -f 5', 'echo $X', 'curl x'],
    // The names of what is plugged in are not the owner's.
    ...['pwd <x', 'X=1 id', 'df -h'],
  ]
  expect(facts.map(printsOnlyFacts)).toEqual(facts.map(() => true))
  expect(others.map(printsOnlyFacts)).toEqual(others.map(() => false))
})

/** Words with which some program writes a file, or starts one. */
const PROGRAMS = [
  'cat',
  'diff',
  'file',
  'grep',
  'head',
  'jq',
  'ls',
  'od',
  'rg',
  'sort',
  'stat',
  'strings',
  'tree',
  'wc',
]
const SUBCOMMANDS = ['diff', 'log', 'ls-files', 'shortlog', 'show', 'status', 'blame']
const OPTIONS = [
  ...['-o', '-oleft', '-ro', '-O', '-Oleft', '-l', '-C', '-m', '-z', '-T', '-R', '-p', '-f', '-n', '-c', '-S', '-x'],
  ...['--output', '--output=left', '--outpu=left', '--out', '--pre', '--pre=./evil', '--paginate', '--ext-diff'],
  ...[
    '--compress-program=./evil',
    '--exec',
    '--exec=./evil',
    '--upload-pack=./evil',
    '--textconv',
    '--open-files-in-pager=./evil',
  ],
  ...['--to-command=./evil', '--hostname-bin=./evil', '--search-zip', '--no-index', '--format=%G?', '--', '-'],
]
const OPERANDS = [
  'left',
  './evil',
  '*',
  './*',
  'a*',
  '$X',
  '"$X"',
  '{-o,left}',
  '-?left',
  '@left',
  'a.txt',
  'ext::./evil',
]
const word = fc.oneof(fc.constantFrom(...OPTIONS), fc.constantFrom(...OPERANDS))
const program = fc.oneof(
  fc.constantFrom(...PROGRAMS),
  fc.constantFrom(...SUBCOMMANDS).map((name) => `git ${name}`),
  fc.tuple(fc.constantFrom(...OPTIONS), fc.constantFrom(...SUBCOMMANDS)).map((parts) => `git ${parts.join(' ')}`),
)
const command = fc.tuple(program, fc.array(word, { maxLength: 4 })).map(([name, words]) => [name, ...words].join(' '))

test('no command that a scope of a program covers starts another or leaves a file', () => {
  const covered = fc.sample(command, 20_000).filter((text) => !commandScope(text).startsWith('exactly '))
  expect(new Set(covered).size).toBeGreaterThan(200)
  const folder = mkdtempSync(join(tmpdir(), 'scope-'))
  try {
    writeFileSync(join(folder, 'evil'), `#!/bin/sh\necho started >> ${folder}/started\ncat\n`)
    chmodSync(join(folder, 'evil'), 0o755)
    for (const name of ['a.txt', '-oleft', '--output=left']) writeFileSync(join(folder, name), 'b\na\n')
    mkdirSync(join(folder, 'ab'))
    const env = { PATH: process.env.PATH, HOME: folder, X: '-o left', PAGER: './evil', GIT_PAGER: './evil' }
    const start = 'git init -q . && git add a.txt && git -c user.name=a -c user.email=a@b commit -qm a'
    spawnSync('bash', ['-c', start], { cwd: folder, env })
    const before = readdirSync(folder)
    const script = [...new Set(covered)].map((text) => `timeout 5 ${text} </dev/null`).join('\n')
    spawnSync('bash', ['-c', script], { cwd: folder, env, stdio: 'ignore' })
    expect(readdirSync(folder)).toEqual(before)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
