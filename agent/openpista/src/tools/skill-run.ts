import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { SkillOutcome, SkillRunner } from '../skills/runner.ts'
import type { Skills } from '../skills/skills.ts'
import { failed, succeeded } from './answer.ts'
import { beginning, commandAnswer, cutAt, MAX_CHARS, MAX_OUTPUT } from './command-answer.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'

/** What a skill prints can come from anywhere. */
const FOREIGN = { kind: 'tool', tool: 'skill.run' } as const
const SECONDS = 30

const Input = z.strictObject({
  name: z.string().min(1).max(64),
  args: z
    .array(
      z
        .string()
        .max(4096)
        .refine((text) => !text.includes('\0'), 'no NUL'),
    )
    .max(64)
    .default([]),
  input: z
    .record(z.string().max(200), z.unknown())
    .refine((input) => JSON.stringify(input).length <= 100_000, 'at most 100,000 characters of JSON')
    .optional(),
})

/** `skill.run`: the program of an approved skill. Whatever is no success of it is an error. */
export function createSkillRun(skills: Skills, runner: SkillRunner): Tool<typeof Input> {
  return defineTool({
    name: 'skill.run',
    description: "Run a skill's program as its text says.",
    input: Input,
    offeredAfter: 'skill.read',
    risk: 'exec',
    repeatable: false,
    summary: ({ name, args }) => oneLine(`skill ${name} ${args.join(' ')}`),
    scope: ({ name }) => `skill.run ${name}`,
    run: async ({ name, args, input }, { callId, signal, emit }) => {
      const found = await skills.open(name)
      if (!found.ok) return failed(found.why, FOREIGN)
      const watch = { maxOutput: MAX_OUTPUT, onOutput: beginning(emit), signal }
      return answer(callId, await runner(found.value, { id: callId, args, input }, watch))
    },
  })
}

function answer(callId: string, outcome: SkillOutcome): ToolResult {
  if (outcome.kind === 'refused') return failed(oneLine(outcome.why), FOREIGN)
  if (outcome.kind === 'script') {
    const said = commandAnswer(FOREIGN, { timeout_secs: SECONDS, callId }, outcome.result)
    const isError = said.isError || outcome.result.exitCode !== 0
    return { ...said, isError, output: `${outcome.note}${said.output}` }
  }
  const { outcome: ended } = outcome
  const whole = ended.ok ? ended.output : ended.message
  const text = cutAt(2 * MAX_CHARS, whole, { what: '', callId, before: 0 })
  const result = ended.ok && !ended.isError ? succeeded(text, FOREIGN) : failed(text, FOREIGN)
  return text === whole ? result : { ...result, whole }
}
