import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { replaceText } from './text-file.ts'
import { defineTool, type Tool } from './tool.ts'
import { withWrittenPlace, writeScope } from './written-place.ts'

const MAX_CHARS = 1_000_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  content: z.string().max(MAX_CHARS).meta({ description: 'The whole new content' }),
})

/** `fs.write`: makes or replaces a text file; readers see the old content or the new, never a part. */
export function createFsWrite(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.write',
    description: 'Create or replace a text file. Missing folders are made.',
    input: Input,
    risk: 'write',
    repeatable: true,
    summary: ({ path, content }) => oneLine(`write ${content.length} characters to ${path}`),
    scope: ({ path }) => writeScope('fs.write', path),
    run: ({ path, content }, context) =>
      withWrittenPlace(roots, context, path, async (place) => {
        const problem = await replaceText(place, content)
        if (problem !== undefined) return failed(`${path}: ${problem}`)
        return succeeded(`Wrote ${Buffer.byteLength(content)} bytes to ${place.path}`)
      }),
  })
}
