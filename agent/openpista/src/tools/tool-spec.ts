import { z } from 'zod'
import type { ToolSpec } from '../providers/provider.ts'
import type { Tool } from './tool.ts'

/** A tool as a model sees it. */
export function toolSpec({ name, description, input }: Tool): ToolSpec {
  const { $schema: _, ...parameters } = z.toJSONSchema(input, { io: 'input' })
  return { name, description, parameters }
}
