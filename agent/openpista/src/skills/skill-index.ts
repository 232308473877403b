import { oneLine } from '../domain/one-line.ts'
import type { Skill } from './skill.ts'

/** Room for the whole index in the system prompt. */
const MAX_CHARS = 4000
const LONGEST_DESCRIPTION = 160
const SHORTEST_DESCRIPTION = 30

/** What the system prompt says about skills: a line for each, shorter ones when there are many. Empty without skills. */
export function skillIndex(skills: readonly Pick<Skill, 'name' | 'description'>[]): string {
  if (skills.length === 0) return ''
  const named = skills.reduce((sum, { name }) => sum + name.length + '- : \n'.length, 0)
  const each = Math.min(LONGEST_DESCRIPTION, Math.floor((MAX_CHARS - named) / skills.length))
  const lines = skills.map(({ name, description }) =>
    each < SHORTEST_DESCRIPTION ? `- ${name}` : `- ${name}: ${cut(oneLine(description), each)}`,
  )
  const kept: string[] = []
  for (const line of lines) {
    if (kept.join('\n').length + line.length > MAX_CHARS) break
    kept.push(line)
  }
  const left = lines.length - kept.length
  const more = left === 0 ? [] : [`- and ${left} more: skill.read without a name lists them all`]
  return [HEAD, ...kept, ...more].join('\n')
}

const HEAD = 'Skills (what the owner approved; read one with skill.read before you follow or run it):'

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1).toWellFormed()}…`
}
