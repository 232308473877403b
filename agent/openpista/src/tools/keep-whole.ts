import type { KeepOutput } from '../domain/kept-output.ts'
import type { Tool } from './tool.ts'

/** The tool, whose whole output is kept wherever it answers with a part of it. */
export function keepWhole(tool: Tool, keep: KeepOutput): Tool {
  return {
    ...tool,
    run: async (input, context) => {
      const { whole, ...result } = await tool.run(input, context)
      if (whole === undefined) return result
      const { sessionId, callId } = context
      await keep({ sessionId, callId, tool: tool.name }, whole, [result.provenance, ...(result.alsoFrom ?? [])])
      return result
    },
  }
}
