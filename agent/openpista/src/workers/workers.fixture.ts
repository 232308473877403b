import type { AgentParts } from '../app.ts'
import { worker as command } from '../commands/worker.ts'
import type { ModelRequest } from '../providers/provider.ts'
import { openStore } from '../store/store.ts'
import { startAgent } from '../testing/agent-fixture.ts'
import { withoutBudget } from '../testing/limits.ts'
import { callTool, lastUserText, type Script, sayText } from '../testing/script.ts'
import type { Tool } from '../tools/tool.ts'
import { createWorkerTools } from '../tools/workers.ts'
import { createWorkers, type WorkersParts } from './workers.ts'

type Call = { name: string; arguments: Record<string, unknown> }
type Changes = Partial<AgentParts> & { config?: Partial<WorkersParts['config']> }

/** What one agent does in answer to a message: its calls one after the other, then words. */
export type Plan = { calls: readonly Call[]; words?: string | ((request: ModelRequest) => string) }

export const START = (task: string, more: Record<string, unknown> = {}): Call => ({
  name: 'worker.start',
  arguments: { task, ...more },
})
export const RESULT = (worker: string, wait_secs = 30): Call => ({
  name: 'worker.result',
  arguments: { worker, wait_secs },
})

/** A whole agent with workers. The model does what `plans` has for the last line of the newest message. */
export async function startWithWorkers(plans: Record<string, Plan>, base: readonly Tool[], changes: Changes = {}) {
  const { config, ...others } = changes
  const store = others.store ?? (await openStore(':memory:'))
  const limits = others.limits ?? { maxRounds: 10, ...withoutBudget }
  const parts = { store, now: Date.now, limits, config: { at_once: 3, depth: 1, ...config }, tools: base }
  const workers = createWorkers(parts)
  const tools: Tool[] = [...base, ...createWorkerTools(workers)]
  const requests: ModelRequest[] = []
  const script: Script = (request) => {
    requests.push(structuredClone(request))
    return follow(plans, request)
  }
  const approvals = { rules: [allow('worker.*')] }
  const fixture = await startAgent(script, { store, workers, tools, limits, approvals, commands: [command], ...others })
  return { fixture, workers, store, requests }
}

/** A rule that asks nobody about these tools, whoever's words are in the session. */
export function allow(tool: string): AgentParts['approvals']['rules'][number] {
  return { name: `allow ${tool}`, decision: 'allow', tool, channel: '**', untrusted: 'any', remember: true }
}

function follow(plans: Record<string, Plan>, request: ModelRequest): ReturnType<Script> {
  const { messages } = request
  const asked = messages.findLastIndex(
    (message) => message.role === 'user' && planOf(plans, textOf(message)) !== undefined,
  )
  const plan = planOf(plans, textOf(messages[asked]))
  if (plan === undefined) return sayText(`no plan for: ${lastUserText(request)}`)
  const done = messages.slice(asked).filter(({ role }) => role === 'tool').length
  const call = plan.calls[done]
  if (call !== undefined) return callTool(call.name, call.arguments, `call_${asked}_${done}`)
  const { words = 'Done.' } = plan
  return sayText(typeof words === 'string' ? words : words(request))
}

function planOf(plans: Record<string, Plan>, text: string): Plan | undefined {
  return plans[text.slice(text.lastIndexOf('\n') + 1)]
}

function textOf(message: ModelRequest['messages'][number] | undefined): string {
  const part = message?.role === 'user' ? message.parts[0] : undefined
  return part?.type === 'text' ? part.text : ''
}

/** The output of the tool that was called last. */
export function lastOutput({ messages }: ModelRequest): string {
  const last = messages.findLast(({ role }) => role === 'tool')
  return last?.role === 'tool' ? last.output : ''
}
