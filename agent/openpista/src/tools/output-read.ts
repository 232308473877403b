import { z } from 'zod'
import type { ReadOutput } from '../domain/kept-output.ts'
import { oneLine } from '../domain/one-line.ts'
import { failed } from './answer.ts'
import { defineTool, type Tool } from './tool.ts'

/** A result of this many characters stays whole in the conversation. */
const MAX_CHARS = 15_000

const Input = z.strictObject({
  call: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .meta({ description: 'As the mark of the cut names it. Default: the newest' }),
  offset: z.number().int().default(0).meta({ description: 'First character; below 0 from the end' }),
  limit: z.number().int().min(1).max(MAX_CHARS).default(10_000),
})

/** `output.read`: a part of what an earlier call of this session gave back. Its words stay those of whoever wrote them. */
export function createOutputRead(read: ReadOutput, offeredAfter: readonly string[]): Tool<typeof Input> {
  return defineTool({
    name: 'output.read',
    description: 'Read on in a tool output that was cut.',
    input: Input,
    offeredAfter,
    risk: 'read',
    repeatable: true,
    summary: ({ call, offset }) => oneLine(`read on in ${call ?? 'the newest output'} from ${offset}`),
    scope: () => 'output.read',
    run: async ({ call, ...range }, { sessionId }) => {
      const found = await read(sessionId, call, range)
      if (found === undefined) {
        return failed(
          call === undefined
            ? 'No output of this session is kept beside the conversation.'
            : `No output of a call ${oneLine(call)} is kept in this session.`,
        )
      }
      const { callId, tool, text, offset, total, sources } = found
      const [provenance = { kind: 'tool', tool } as const, ...alsoFrom] = sources
      const end = offset + text.length
      const next = end < total ? `; go on with offset ${end}` : ''
      const mark = `[${tool}, call ${oneLine(callId)}: characters ${offset} to ${end} of ${total}${next}]`
      return { output: `${text.toWellFormed()}\n${mark}`, isError: false, provenance, alsoFrom }
    },
  })
}
