import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FakeFault } from './model-reply.ts'

/** Frames of server-sent events as text, and the frame in which the service reports an error. */
export type EventStream = { frames: readonly string[]; errorFrame: (message: string) => string }

/** One server-sent event. Without a name only its data is sent. */
export function eventFrame(data: unknown, name?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data)
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`
}

/** Writes the stream, with the fault on its way. */
export async function sendEvents(
  response: ServerResponse,
  { frames, errorFrame }: EventStream,
  fault: FakeFault | undefined,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' })
  if (fault?.kind === 'split') return await sendSplit(response, Buffer.from(frames.join('')), fault.bytes)
  for (const [index, text] of frames.entries()) {
    if (fault !== undefined && 'afterFrames' in fault && index === fault.afterFrames) {
      if (fault.kind === 'cut') {
        response.socket?.destroy()
        return
      }
      if (fault.kind === 'errorFrame') response.write(errorFrame(fault.message))
      response.end()
      return
    }
    if (response.destroyed) return
    await new Promise((resolve) => response.write(text, resolve))
    if (fault?.kind === 'slow') await sleep(fault.millisPerFrame)
  }
  response.end()
}

async function sendSplit(response: ServerResponse, bytes: Buffer, size: number): Promise<void> {
  response.socket?.setNoDelay(true)
  for (let at = 0; at < bytes.length; at += size) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + size), resolve))
  }
  response.end()
}
