import type { Provenance } from './provenance.ts'

export type ToolCall = { id: string; name: string; arguments: Record<string, unknown> }

export type TextPart = { type: 'text'; text: string; provenance: Provenance }
export type ImagePart = { type: 'image'; mime: string; base64: string; provenance: Provenance }
/** A provider's own reasoning block, replayed to that provider as it came. */
export type ThinkingPart = { type: 'thinking'; provider: string; text: string; opaque: unknown }

/** One entry of a conversation, in the form every provider adapter translates from. */
export type Message =
  | { role: 'user'; parts: (TextPart | ImagePart)[] }
  | { role: 'assistant'; text: string; thinking: ThinkingPart[]; calls: ToolCall[] }
  | {
      role: 'tool'
      callId: string
      name: string
      output: string
      /** What people see in place of `output`, where that holds words that are for the model alone. */
      shown?: string
      isError: boolean
      images: ImagePart[]
      provenance: Provenance
      /** Everybody else whose words are in `output`. */
      alsoFrom?: readonly Provenance[]
    }
