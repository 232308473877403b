import type { TextPart } from './message.ts'
import type { Provenance } from './provenance.ts'
import { sourceView } from './source-view.ts'

/**
 * A text that a model wrote after reading words of others, as parts of a message: all of them are named, and none of
 * the text counts as `author`'s own, for their words may have shaped every sentence of it.
 */
export function mixedText(text: string, author: Provenance, sources: readonly Provenance[]): TextPart[] {
  const told = sources.map((source) => ({
    type: 'text' as const,
    text: `[In it are words from ${sourceView(source).label}.]`,
    provenance: source,
  }))
  return [{ type: 'text', text, provenance: sources[0] ?? author }, ...told]
}
