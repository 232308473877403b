import type { ImagePart, Message, TextPart } from './message.ts'

/** So many messages with images go to a model; those that it has not answered yet go in any case. */
const KEPT = 2

/**
 * The conversation with its newest images only: in the place of an older one stands a line that says so.
 *
 * An image costs as much as a page of text in every request. Leaving one out changes an earlier message, so that what
 * a provider has cached holds up to there only; that happens once for each new image, and keeping all of them costs
 * more from the third request on.
 */
export function newestImages(messages: readonly Message[]): readonly Message[] {
  const answered = messages.findLastIndex(({ role }) => role === 'assistant')
  const older = new Set(
    messages
      .flatMap((message, index) => (imagesOf(message).length > 0 ? [index] : []))
      .slice(0, -KEPT)
      .filter((index) => index < answered),
  )
  return older.size === 0 ? messages : messages.map((each, index) => (older.has(index) ? withoutImages(each) : each))
}

function imagesOf(message: Message): readonly ImagePart[] {
  if (message.role === 'tool') return message.images
  return message.role === 'user' ? message.parts.filter((part) => part.type === 'image') : []
}

function withoutImages(message: Message): Message {
  if (message.role === 'tool') {
    const lines = message.images.map(() => LEFT_OUT)
    return { ...message, output: [message.output, ...lines].join('\n'), images: [] }
  }
  if (message.role !== 'user') return message
  const parts = message.parts.map((part): TextPart => (part.type === 'text' ? part : inWords(part)))
  return { ...message, parts }
}

function inWords({ provenance }: ImagePart): TextPart {
  return { type: 'text', text: LEFT_OUT, provenance }
}

const LEFT_OUT = '[An older image is left out here; only the newest are shown. Take it again to see it.]'
