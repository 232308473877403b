import type { Provenance } from '../domain/provenance.ts'
import type { ToolResult } from './tool.ts'

/** A result. Without `provenance` its words are the program's own. */
export function succeeded(output: string, provenance: Provenance = { kind: 'system' }): ToolResult {
  return { output, isError: false, provenance }
}

/** An error as a result: the model reads it and goes on. */
export function failed(output: string, provenance: Provenance = { kind: 'system' }): ToolResult {
  return { output, isError: true, provenance }
}
