import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { z } from 'zod'
import type { Provenance } from '../domain/provenance.ts'
import type { Risk } from '../tools/tool.ts'
import type { ApprovalQuestion } from './approver.ts'
import { createApprovalMemory } from './memory.ts'
import { matchText } from './pattern.ts'
import { ApprovalConfig, createRuleApprover, judgeByRules, Rule } from './rules.ts'

type Row = Partial<z.input<typeof Rule>>

const page: Provenance = { kind: 'web', url: 'https://news.example/today' }
const note: Provenance = { kind: 'file', path: '/srv/notes.txt' }
const person: Provenance = { kind: 'person', channel: 'telegram', user: 'eve' }

function question(part: Partial<ApprovalQuestion> & { risk: Risk }): ApprovalQuestion {
  const call = { id: 'c', name: 'system.run', arguments: {} }
  const sender = { kind: 'owner', channel: 'cli' } as const
  const base = { sessionId: 's', turnId: 't', channel: 'cli', call, summary: '', scope: 'x', sender, untrusted: [] }
  return { ...base, ...part }
}

const runs = (command: string, part: Partial<ApprovalQuestion> = {}) =>
  question({ risk: 'exec', call: { id: 'c', name: 'system.run', arguments: { command } }, ...part })
const judge = (one: ApprovalQuestion, ...rules: Row[]) =>
  judgeByRules(
    rules.map((rule, index) => Rule.parse({ name: `own ${index}`, ...rule })),
    one,
  )

const fetches = (url: string, untrusted: Provenance[], name = 'web.fetch') =>
  question({ risk: 'read', call: { id: 'c', name, arguments: { url } }, untrusted })

test.each<[string, ApprovalQuestion, string]>([
  ['reading', question({ risk: 'read' }), 'allow'],
  ['reading after a page', question({ risk: 'read', untrusted: [page] }), 'allow'],
  ['writing', question({ risk: 'write' }), 'ask once'],
  ['running', runs('ls'), 'ask once'],
  ['running after a page', runs('ls', { untrusted: [page] }), 'ask always'],
  ['paying', question({ risk: 'spend' }), 'allow'],
  ['paying after a page', question({ risk: 'spend', untrusted: [page] }), 'ask always'],
  [
    'paying after the output of a command',
    question({ risk: 'spend', untrusted: [{ kind: 'tool', tool: 'x' }] }),
    'ask always',
  ],
  ['paying for a stranger', question({ risk: 'spend', sender: person }), 'ask always'],
  ['writing for a stranger', question({ risk: 'write', sender: person }), 'ask always'],
  ['looking for a stranger', question({ risk: 'read', sender: person }), 'ask once'],
  ['sending', question({ risk: 'send' }), 'ask once'],
  ['sending after a page', question({ risk: 'send', untrusted: [page] }), 'ask always'],
  ['a first page', fetches('https://a.example/', []), 'allow'],
  ['another page of the same site', fetches('https://news.example/?q=1', [page]), 'allow'],
  ['another site after a page', fetches('https://evil.example/?q=secret', [page]), 'ask once'],
  ['the same site after a page and a file', fetches('https://news.example/?q=1', [page, note]), 'ask once'],
  [
    'another site in the browser after a page',
    fetches('https://evil.example/?q=secret', [page], 'browser.navigate'),
    'ask once',
  ],
  ['a command that cannot be read', runs('if a; then b; fi'), 'ask always'],
])('%s', (_what, one, expected) => {
  const { decision, remember } = judge(one)
  expect(decision === 'ask' ? `ask ${remember ? 'once' : 'always'}` : decision).toBe(expected)
})

test('an own allow holds against the default rows, but not once a stranger speaks', () => {
  const rule: Row = { decision: 'allow', command: ['git status', 'git log **'] }
  expect(judge(runs('git log --oneline | git status'), rule)).toMatchObject({ decision: 'allow', rule: 'own 0' })
  expect(judge(runs('git status', { untrusted: [page] }), rule)).toMatchObject({ decision: 'ask', remember: false })
  expect(judge(runs('git status', { untrusted: [page] }), { ...rule, untrusted: 'any' }).decision).toBe('allow')
})

test.each([
  ...[
    'git push',
    'git log; rm -rf /',
    'git log $(rm x)',
    'git log `rm x`',
    'git log > ~/.bashrc',
    'X=1 git log',
    'git log $X',
  ],
  ...['/tmp/git log', 'env git log', 'git log <(rm x)', 'git log\nrm x', 'if x; then git log; fi'],
])('an allow for git log does not cover %j', (command) => {
  const rule: Row = { decision: 'allow', command: ['git log', 'git log **'] }
  expect(judge(runs(command), rule).decision).toBe('ask')
})

test.each([
  'rm -rf /',
  '"rm" -rf /',
  'r\\m -rf /',
  'ls && rm -rf /',
  'echo $(rm -rf /)',
  '(rm -rf /)',
  'X=1 rm -rf / &',
])('a deny for rm catches %j', (command) => {
  const rule: Row = { decision: 'deny', command: ['rm **'] }
  expect(judge(runs(command), rule, { decision: 'allow' })).toMatchObject({ decision: 'deny' })
})

test.each([
  '/bin/rm x',
  'sudo rm x',
  'env rm x',
  'xargs rm',
  'bash -c "rm x"',
  'python3 -c 1',
  'for x in a; do rm $x; done',
])('where a deny may be meant, a person is asked: %j', (command) => {
  const rule: Row = { decision: 'deny', command: ['rm **'] }
  expect(judge(runs(command), rule, { decision: 'allow' })).toMatchObject({ decision: 'ask', remember: false })
})

test('an own ask does not weaken the default rows', () => {
  expect(judge(runs('ls', { untrusted: [page] }), { decision: 'ask', remember: true })).toMatchObject({
    remember: false,
  })
})

test('rows can name arguments, channels and senders', () => {
  const write = (path: string) =>
    question({ risk: 'write', call: { id: 'c', name: 'fs.write', arguments: { path } }, channel: 'telegram' })
  const rule: Row = {
    decision: 'allow',
    tool: 'fs.*',
    arguments: { path: 'notes/**' },
    channel: 'tele*',
    sender: ['owner'],
  }
  expect(judge(write('notes/a/b.md'), rule).decision).toBe('allow')
  expect(judge(write('notes/../.bashrc'), rule).decision).toBe('ask')
  expect(judge(write('other/b.md'), rule).decision).toBe('ask')
  expect(judge({ ...write('notes/a'), channel: 'web' }, rule).decision).toBe('ask')
  expect(judge({ ...write('notes/a'), sender: person }, rule).decision).toBe('ask')
})

test('the approver allows, denies, passes on, and remembers only where the table lets it', async () => {
  const memory = createApprovalMemory()
  const rules = [{ name: 'no docker', decision: 'deny', command: ['docker **'] }]
  const approver = createRuleApprover(ApprovalConfig.parse({ rules }), memory)
  const { signal } = new AbortController()
  const git = runs('git push', { scope: 'system.run: git push' })
  expect(await approver.ask(question({ risk: 'read' }), signal)).toEqual({ decision: 'allow', by: 'rule:look' })
  expect(await approver.ask(runs('docker ps'), signal)).toMatchObject({ decision: 'deny', by: 'rule:no docker' })
  expect(await approver.ask(git, signal)).toBeUndefined()
  await memory.remember('s', git.scope)
  expect(await approver.ask(git, signal)).toMatchObject({ decision: 'allow' })
  expect(await approver.ask({ ...git, sessionId: 'other' }, signal)).toBeUndefined()
  expect(await approver.ask({ ...git, untrusted: [page] }, signal)).toBeUndefined()
})

test('a typing error in a rule is refused', () => {
  expect(ApprovalConfig.safeParse({ rules: [{ name: 'x', decision: 'allow', tools: '*' }] }).success).toBe(false)
})

test('patterns: * stays within a part, ** does not, everything else is itself', () => {
  expect(matchText('a*c', 'abc')).toBe('yes')
  expect(matchText('a*c', 'ab/c')).toBe('no')
  expect(matchText('a**c', 'ab/c\nd/c')).toBe('yes')
  expect(matchText('a.c', 'abc')).toBe('no')
  fc.assert(
    fc.property(fc.string(), (text) => {
      const plain = text.replaceAll('*', '')
      return matchText(plain, plain) !== 'no' && matchText('**', text) === 'yes'
    }),
  )
})

const anyRule = fc
  .record({
    decision: fc.constantFrom<Rule['decision']>('allow', 'ask', 'deny'),
    risk: fc.option(fc.subarray<Risk>(['read', 'write', 'exec', 'spend', 'send']), { nil: undefined }),
    command: fc.option(fc.constantFrom(['ls **'], ['git **', 'rm x'], ['**']), { nil: undefined }),
    untrusted: fc.option(fc.constantFrom<'yes' | 'no' | 'any'>('yes', 'no', 'any'), { nil: undefined }),
    remember: fc.boolean(),
  })
  .map((rule) => Rule.parse({ name: 'r', ...rule }))
const anyQuestion = fc
  .record({
    risk: fc.constantFrom<Risk>('read', 'write', 'exec', 'spend', 'send'),
    command: fc.constantFrom('ls', 'ls -a', 'git x; ls', 'rm x', 'rm $X', 'for', 'sudo ls'),
    untrusted: fc.constantFrom<Provenance[]>([], [page]),
    sender: fc.constantFrom<Provenance>(person, { kind: 'owner', channel: 'cli' }),
  })
  .map(({ command, ...part }) => runs(command, part))
const rank = (one: ApprovalQuestion, rules: readonly Rule[]) => {
  const { decision, remember } = judgeByRules(rules, one)
  return decision === 'deny' ? 3 : decision === 'allow' ? 0 : remember ? 1 : 2
}

test('the order of rows does not matter, and another ask or deny never makes a judgement milder', () => {
  fc.assert(
    fc.property(fc.array(anyRule, { maxLength: 5 }), anyRule, anyQuestion, (rules, extra, one) => {
      expect(rank(one, [...rules].reverse())).toBe(rank(one, rules))
      if (extra.decision !== 'allow') expect(rank(one, [...rules, extra])).toBeGreaterThanOrEqual(rank(one, rules))
    }),
  )
})

test("a stranger's words never make a judgement milder, unless a row says so in as many words", () => {
  const rules = fc.array(
    anyRule.filter((rule) => rule.untrusted === undefined),
    { maxLength: 5 },
  )
  fc.assert(
    fc.property(rules, anyQuestion, (own, one) => {
      expect(rank({ ...one, untrusted: [page] }, own)).toBeGreaterThanOrEqual(rank({ ...one, untrusted: [] }, own))
    }),
  )
})

test('a way up the tree is covered by no pattern', () => {
  const rule: Row = { decision: 'allow', command: ['cat notes/**'] }
  expect(judge(runs('cat notes/a/b'), rule).decision).toBe('allow')
  expect(judge(runs('cat notes/../../b'), rule).decision).toBe('ask')
})
