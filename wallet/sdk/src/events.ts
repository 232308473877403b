import type { EventView } from '@waiaas/core'
import { WAIaaSError } from './error.ts'
import type { Transport } from './transport.ts'

const FIRST_PAUSE_MILLIS = 250
const MAX_PAUSE_MILLIS = 10_000

/**
 * Server-sent events as an async iterator that connects again where it left off. Ends when the signal
 * aborts or the loop is left; throws WAIaaSError when the daemon refuses the caller.
 */
export async function* followEvents(
  transport: Transport,
  options: { after?: number; signal?: AbortSignal },
): AsyncGenerator<EventView, void> {
  const left = new AbortController()
  const signal = options.signal === undefined ? left.signal : AbortSignal.any([options.signal, left.signal])
  let last = options.after
  let pause = FIRST_PAUSE_MILLIS
  try {
    while (!signal.aborted) {
      try {
        const response = await transport.open(`/v1/events${last === undefined ? '' : `?after=${last}`}`, {}, signal)
        for await (const event of readEvents(response)) {
          last = event.seq
          pause = FIRST_PAUSE_MILLIS
          yield event
        }
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof WAIaaSError && error.status >= 400 && error.status < 500 && error.status !== 429)
          throw error
      }
      await sleep(pause * (0.5 + Math.random()), signal)
      pause = Math.min(MAX_PAUSE_MILLIS, pause * 2)
    }
  } finally {
    left.abort()
  }
}

/** The data lines of a stream; each event here is one line of JSON. */
async function* readEvents(response: Response): AsyncGenerator<EventView> {
  if (response.body === null) return
  let rest = ''
  for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop()!
    for (const line of lines) {
      if (line.startsWith('data:')) yield JSON.parse(line.slice(5)) as EventView
    }
  }
}

function sleep(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, millis)
    signal.addEventListener('abort', done)
  })
}
