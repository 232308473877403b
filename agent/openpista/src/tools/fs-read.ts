import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { partOf } from './part.ts'
import { openForReading, readText } from './text-file.ts'
import { defineTool, type Tool } from './tool.ts'
import { withPlace } from './with-place.ts'

const MAX_CHARS = 40_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  offset: z.number().int().min(0).default(0).meta({ description: 'First character' }),
  limit: z.number().int().min(1).max(MAX_CHARS).default(MAX_CHARS),
})

/** `fs.read`: a text file, or a part of it. */
export function createFsRead(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.read',
    description: 'Read a text file in the workspace or a configured folder.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ path }) => oneLine(`read ${path}`),
    scope: () => 'fs.read',
    run: (input, context) =>
      withPlace(roots, context, { path: input.path, access: 'read' }, async (place) => {
        const file = await openForReading(place.entry)
        try {
          const read = await readText(file)
          if (!read.ok) return failed(`${input.path}: ${read.problem}`)
          return succeeded(partOf(read.text, input), { kind: 'file', path: place.path })
        } finally {
          await file.close()
        }
      }),
  })
}
