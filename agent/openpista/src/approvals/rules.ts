import { z } from 'zod'
import { type ParsedShell, parseShell, type SimpleCommand } from '../domain/shell.ts'
import type { Risk } from '../tools/tool.ts'
import type { ApprovalQuestion, Approver } from './approver.ts'
import { all, type Match, matchCommand, matchText } from './pattern.ts'

const risks = ['read', 'write', 'exec', 'spend', 'send'] as const satisfies readonly Risk[]
const senders = ['owner', 'person', 'web', 'tool', 'file', 'schedule', 'system'] as const

/** One row of the table. A row matches when all that it names matches; what it does not name does not matter. */
export const Rule = z.strictObject({
  name: z
    .string()
    .min(1)
    .max(60)
    .meta({ description: 'shown in answers and logs', examples: ['look at git'] }),
  decision: z.enum(['allow', 'ask', 'deny']).meta({ description: 'allow, ask or deny', examples: ['allow'] }),
  /** `*` and `**` as in `matchText`. */
  tool: z.string().default('**').describe('tool name; * stands for anything but a slash, ** for anything'),
  risk: z
    .array(z.enum(risks))
    .optional()
    .meta({ description: 'any of read, write, exec, spend, send', examples: [['exec']] }),
  command: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .meta({
      description: 'patterns on the programs that a command line starts; allow needs all of them covered',
      examples: [['git status **', 'git log **']],
    }),
  arguments: z
    .record(z.string(), z.string())
    .optional()
    .meta({ description: 'argument name -> pattern on its text', examples: [{ working_dir: '**' }] }),
  channel: z.string().default('**').describe('name of the channel, a pattern too'),
  sender: z
    .array(z.enum(senders))
    .optional()
    .meta({
      description: 'who asks: owner, person, web, tool, file, schedule, system',
      examples: [['owner']],
    }),
  untrusted: z
    .enum(['yes', 'no', 'any'])
    .optional()
    .meta({
      description: "whether somebody else's words stand in the session; allow means no unless it says otherwise",
      examples: ['no'],
    }),
  new_host: z
    .literal(true)
    .optional()
    .meta({
      description: 'only calls whose url names another host than the one all foreign text of this session came from',
      examples: [true],
    }),
  remember: z.boolean().default(true).describe('of ask: whether "allow for this session" is remembered'),
})
export type Rule = z.infer<typeof Rule>

/** The section `[approvals]` of the configuration. */
export const ApprovalConfig = z.strictObject({
  rules: z.array(Rule).default([]).describe('Your rules; the strictest that matches wins. See docs/approvals.md.'),
})
export type ApprovalConfig = z.infer<typeof ApprovalConfig>

/** What was allowed for a session, by scope. */
export type ApprovalMemory = {
  has: (sessionId: string, scope: string) => boolean | Promise<boolean>
  remember: (sessionId: string, scope: string) => void | Promise<void>
}

/** What the table says. `remember`: an answer may hold for the session. `reason`: in words for a card. */
export type Judgement = { decision: Rule['decision']; remember: boolean; rule: string; reason: string }

/**
 * The rows that hold when configuration says nothing else: looking is free, changing asks once per session and
 * scope, money is the wallet's to judge. Once a stranger's words are in the session, whatever runs, sends or
 * spends asks every time, and so does a visit to another site than the one that all of those words came from: a page
 * may be an order in disguise, and an address can carry away what stands in the session.
 */
export const defaultRules: readonly Rule[] = [
  Rule.parse({ name: 'look', decision: 'allow', risk: ['read'], untrusted: 'any' }),
  Rule.parse({ name: 'change', decision: 'ask', risk: ['write', 'exec', 'send'] }),
  Rule.parse({ name: 'wallet judges', decision: 'allow', risk: ['spend'], untrusted: 'any' }),
  Rule.parse({
    name: 'untrusted text',
    decision: 'ask',
    risk: ['exec', 'send', 'spend'],
    untrusted: 'yes',
    remember: false,
  }),
  ...['web.fetch', 'browser.navigate'].map((tool) =>
    Rule.parse({ name: 'another site', decision: 'ask', tool, untrusted: 'yes', new_host: true }),
  ),
  // What is the owner's to read is his to show.
  Rule.parse({ name: 'somebody looks', decision: 'ask', risk: ['read'], sender: ['person'] }),
  Rule.parse({
    name: 'not the owner',
    decision: 'ask',
    risk: ['write', 'exec', 'send', 'spend'],
    sender: ['person', 'web', 'tool', 'file'],
    remember: false,
  }),
]

/**
 * The first link of the chain: allows or denies by the table, and passes on to the person what asks, unless this
 * session has allowed the same scope before.
 */
export function createRuleApprover(config: ApprovalConfig, memory: ApprovalMemory): Approver {
  return {
    ask: async (question) => {
      const judgement = judgeByRules(config.rules, question)
      const by = `rule:${judgement.rule}`
      if (judgement.decision === 'allow') return { decision: 'allow', by }
      if (judgement.decision === 'deny') return { decision: 'deny', by, reason: judgement.reason }
      const known = judgement.remember && (await memory.has(question.sessionId, question.scope))
      return known ? { decision: 'allow', by: 'allowed for this session' } : undefined
    },
  }
}

/**
 * The strictest of the configured rows that match. Where that is `allow`, it stands against the default rows;
 * else the strictest of both holds. Where no row matches, and for a command that cannot be read, a person is asked.
 */
export function judgeByRules(rules: readonly Rule[], question: ApprovalQuestion): Judgement {
  const shell = shellOf(question)
  const own = strictest(rules.map((rule) => opinion(rule, question, shell)))
  const standard = strictest(defaultRules.map((rule) => opinion(rule, question, shell)))
  const decided = own?.decision === 'allow' ? own : strictest([own, standard])
  const unread =
    shell !== undefined && !shell.ok ? askAlways('unread', `The command cannot be read: ${shell.why}.`) : undefined
  return strictest([decided, unread]) ?? askAlways('no rule', 'No rule speaks about this.')
}

/** Said once by everybody who needs to know what a command line starts. */
function shellOf({ risk, call }: ApprovalQuestion): ParsedShell | undefined {
  const { command } = call.arguments
  return risk === 'exec' && typeof command === 'string' ? parseShell(command) : undefined
}

function opinion(rule: Rule, question: ApprovalQuestion, shell: ParsedShell | undefined): Judgement | undefined {
  const match = all([
    matchText(rule.tool, question.call.name),
    matchText(rule.channel, question.channel),
    yes(rule.risk === undefined || rule.risk.includes(question.risk)),
    yes(rule.sender === undefined || rule.sender.includes(question.sender.kind)),
    matchTrust(rule, question),
    yes(rule.new_host === undefined || isNewHost(question)),
    matchArguments(rule, question),
    matchShell(rule, shell),
  ])
  if (match === 'no') return undefined
  const reason = reasonOf(rule, question)
  if (match === 'yes') return { decision: rule.decision, remember: rule.remember, rule: rule.name, reason }
  // Perhaps allowed is not allowed; perhaps forbidden is a person's to decide.
  return rule.decision === 'allow' ? undefined : askAlways(rule.name, reason)
}

function matchTrust(rule: Rule, question: ApprovalQuestion): Match {
  const wanted = rule.untrusted ?? (rule.decision === 'allow' ? 'no' : 'any')
  return yes(wanted === 'any' || (wanted === 'yes') === question.untrusted.length > 0)
}

/** What another place said in this session could be carried away in an address of this one. */
function isNewHost({ call, untrusted }: ApprovalQuestion): boolean {
  const host = hostOf(call.arguments.url)
  return host === undefined || untrusted.some((source) => source.kind !== 'web' || hostOf(source.url) !== host)
}

function hostOf(url: unknown): string | undefined {
  return typeof url === 'string' ? URL.parse(url)?.host : undefined
}

function matchArguments(rule: Rule, { call }: ApprovalQuestion): Match {
  return all(
    Object.entries(rule.arguments ?? {}).map(([name, pattern]) => {
      const value = call.arguments[name]
      if (value === undefined) return 'no'
      return matchText(pattern, typeof value === 'string' ? value : JSON.stringify(value))
    }),
  )
}

function matchShell(rule: Rule, shell: ParsedShell | undefined): Match {
  if (rule.command === undefined) return 'yes'
  if (shell === undefined) return 'no'
  if (!shell.ok) return 'perhaps'
  const patterns = rule.command
  const each = shell.commands.map((command) => any(patterns.map((pattern) => matchCommand(pattern, command))))
  if (rule.decision !== 'allow') return any(each)
  return shell.commands.every(isPlain) ? all(each) : 'no'
}

/** Without variables set for the program and without files behind its back. */
function isPlain({ assignments, redirections }: SimpleCommand): boolean {
  return assignments.length === 0 && redirections.every(({ target }) => target.fixed && target.text === '/dev/null')
}

function any(matches: readonly Match[]): Match {
  if (matches.includes('yes')) return 'yes'
  return matches.includes('perhaps') ? 'perhaps' : 'no'
}

function yes(condition: boolean): Match {
  return condition ? 'yes' : 'no'
}

function reasonOf(rule: Rule, question: ApprovalQuestion): string {
  if (rule.decision === 'deny') return `Tool call rejected by the rule '${rule.name}'.`
  return question.untrusted.length > 0 && rule.untrusted === 'yes'
    ? "Somebody else's words are in this session; they may be behind this."
    : `The rule '${rule.name}' asks.`
}

function askAlways(rule: string, reason: string): Judgement {
  return { decision: 'ask', remember: false, rule, reason }
}

/** allow < ask with memory < ask every time < deny. */
function strictest(judgements: readonly (Judgement | undefined)[]): Judgement | undefined {
  const rank = ({ decision, remember }: Judgement) =>
    decision === 'deny' ? 3 : decision === 'allow' ? 0 : remember ? 1 : 2
  return judgements.reduce<Judgement | undefined>((best, one) => {
    if (one === undefined) return best
    return best === undefined || rank(one) > rank(best) ? one : best
  }, undefined)
}
