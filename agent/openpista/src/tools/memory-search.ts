import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Said } from '../domain/said.ts'
import { isoTime } from '../wallet/words.ts'
import { failed, succeeded } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

const Input = z.strictObject({
  query: z.string().min(1).max(500).meta({ description: 'Words' }),
  limit: z.number().int().min(1).max(50).default(10),
})

/** Finds what a session may know: see `searchSaid`. */
export type SearchSaid = (sessionId: string, words: readonly string[], limit: number) => Promise<Said[]>

const SPEAKERS = { owner: 'owner', person: 'somebody', agent: 'you' } as const

/** `memory.search`: what was said before, here and in the owner's other conversations. */
export function createMemorySearch(search: SearchSaid): Tool<typeof Input> {
  return defineTool({
    name: 'memory.search',
    description: 'Search earlier conversations.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ query }) => oneLine(`remember ${query}`),
    scope: () => 'memory.search',
    run: async ({ query, limit }, { sessionId }) => {
      const words = query.match(/[\p{L}\p{N}]+/gu) ?? []
      if (words.length === 0) return failed('The query holds no word to look for.')
      const found = await search(sessionId, words.slice(0, 20), limit)
      if (found.length === 0) return succeeded('Nothing was said with these words.')
      // What the agent said may repeat a stranger; the owner's own words are the owner's.
      const provenance = found.every(({ by }) => by === 'owner')
        ? ({ kind: 'system' } as const)
        : ({ kind: 'tool', tool: 'memory.search' } as const)
      return succeeded(found.map(line).join('\n'), provenance)
    },
  })
}

function line({ at, title, by, text }: Said): string {
  return `${isoTime(Math.floor(at / 1000))} [${oneLine(title)}] ${SPEAKERS[by]}: ${text.replace(/\s+/g, ' ')}`
}
