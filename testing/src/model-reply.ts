/** What the fake model answers to one request. */
export type FakeReply = {
  text?: string
  /** What the model thinks first; each wire format has its own place for it. */
  reasoning?: string
  /** `arguments` as text is sent as it is, valid JSON or not. */
  calls?: { id?: string; name: string; arguments: Record<string, unknown> | string }[]
  usage?: { prompt: number; completion: number }
  fault?: FakeFault
}

export type FakeFault =
  /** Answers this status instead, with the service's error body. */
  | { kind: 'status'; status: number; message?: string; code?: string; retryAfterSeconds?: number }
  /** Breaks the connection after so many frames; 0 breaks it before any answer. */
  | { kind: 'cut'; afterFrames: number }
  /** Ends the body properly after so many frames, without finish reason and [DONE]. */
  | { kind: 'unfinished'; afterFrames: number }
  /** Sends an error frame in the middle of the stream. */
  | { kind: 'errorFrame'; afterFrames: number; message: string }
  | { kind: 'slow'; millisPerFrame: number }
  /** Writes the body so many bytes at a time, which cuts characters and frames in their middle. */
  | { kind: 'split'; bytes: number }
  /** Never answers. */
  | { kind: 'hang' }

/** Text in the pieces in which a model says it. */
export const words = (text: string): string[] => text.match(/\s*\S+\s*$|\s*\S+|\s+$/g) ?? []

/** Tool arguments as the text that is streamed. */
export const argumentText = (args: Record<string, unknown> | string): string =>
  typeof args === 'string' ? args : JSON.stringify(args)
