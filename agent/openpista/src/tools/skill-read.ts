import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { SKILL_FILE } from '../skills/skill.ts'
import type { SkillOverview, Skills } from '../skills/skills.ts'
import { failed, succeeded } from './answer.ts'
import { partOf } from './part.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'

const MAX_CHARS = 40_000
/** What is not approved is the words of whoever wrote it. */
const FOREIGN = { kind: 'tool', tool: 'skill.read' } as const

const Input = z.strictObject({
  name: z.string().min(1).max(64).optional().meta({ description: 'Default: a list' }),
  file: z.string().min(1).max(1000).optional(),
  offset: z.number().int().min(0).default(0),
  review: z.number().int().min(1).max(10_000).optional(),
})

/**
 * `skill.read`: how a skill is done, or another file of it. What it gives is the owner's word, for the owner approved
 * these bytes. `review` gives a page of what the owner has not approved yet, as a stranger's words.
 */
export function createSkillRead(skills: Skills): Tool<typeof Input> {
  return defineTool({
    name: 'skill.read',
    description: 'Read a skill.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ name = 'list' }) => oneLine(`skill ${name}`),
    scope: () => 'skill.read',
    run: async ({ name, file, offset, review }) => {
      if (name === undefined) return listed(await skills.overview())
      if (review !== undefined) return await reviewed(skills, name, review)
      const found = await skills.open(name)
      if (!found.ok) return failed(found.why, FOREIGN)
      const { files, body } = found.value
      const part = { offset, limit: MAX_CHARS }
      if (file === undefined || file === SKILL_FILE) {
        const others = files.map(({ path }) => path).filter((path) => path !== SKILL_FILE)
        const more = others.length === 0 ? '' : `\n\nFiles: ${others.join(', ')}`
        return succeeded(partOf(`${body}${more}`, part))
      }
      const content = files.find(({ path }) => path === file)?.content
      if (content === undefined) return failed(`The skill '${name}' has no file ${oneLine(file)}.`)
      if (content.includes(0)) return failed(`${oneLine(file)} is no text: ${content.length} bytes.`)
      return succeeded(partOf(content.toString('utf8'), part))
    },
  })
}

async function reviewed(skills: Skills, name: string, page: number): Promise<ToolResult> {
  const found = await skills.review(name)
  if (!found.ok) return failed(found.why, FOREIGN)
  const text = found.value.pages[page - 1]
  return text === undefined ? failed(`There are ${found.value.pages.length} pages.`) : succeeded(text, FOREIGN)
}

function listed({ active, inactive, faults }: SkillOverview): ToolResult {
  const lines = [
    ...active.map(({ name, description }) => `${name}: ${oneLine(description)}`),
    ...inactive.map(
      ({ name, state }) => `${name}: NOT IN USE, ${state}; the owner can look at it: /skill show ${name}`,
    ),
    ...faults.map(({ where, why }) => `${where}: left out, ${why}`),
  ]
  const text =
    lines.length === 0 ? 'There are no skills. They lie in the folder skills of the workspace.' : lines.join('\n')
  return inactive.length + faults.length === 0 ? succeeded(text) : succeeded(text, FOREIGN)
}
