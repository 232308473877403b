import type { Writable } from 'node:stream'

/** Holds what is written to a stream until the running step of the program ends, so that it leaves in one piece. */
export function corkForNow(stream: Writable): void {
  if (stream.writableCorked > 0) return
  stream.cork()
  process.nextTick(() => stream.uncork())
}
