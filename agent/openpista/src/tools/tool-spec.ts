import { z } from 'zod'
import type { ToolSpec } from '../providers/provider.ts'
import type { Tool } from './tool.ts'

/** What a schema says for the parser and a model need not read: it is told when it breaks one of these. */
const UNSPOKEN = new Set(['$schema', 'additionalProperties', 'minLength', 'maxLength', 'pattern', 'minimum', 'default'])

/** A tool as a model sees it: small, because it goes along with every request. */
export function toolSpec({ name, description, input }: Tool): ToolSpec {
  return { name, description, parameters: speak(z.toJSONSchema(input, { io: 'input' })) }
}

type Schema = Record<string, unknown>

function speak(schema: Schema): Schema {
  const kept = Object.entries(schema).filter(([key, value]) => !UNSPOKEN.has(key) && value !== Number.MAX_SAFE_INTEGER)
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (key === 'properties') return [key, speakEach(value as Record<string, Schema>)]
      return [key, key === 'items' ? speak(value as Schema) : value]
    }),
  )
}

function speakEach(properties: Record<string, Schema>): Record<string, Schema> {
  return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, speak(schema)]))
}
