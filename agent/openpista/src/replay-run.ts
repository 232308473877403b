import { canonicalJson } from '@openpista/common'
import type { Approver } from './approvals/approver.ts'
import { type LoopConfig, type LoopEvent, run } from './loop.ts'
import type { Provider, ProviderEvent } from './providers/provider.ts'
import { type Recorded, type RecordedStart, requestHash } from './recording.ts'
import type { Tool } from './tools/tool.ts'

/** Whether a recorded run happens again as it did. `line` counts from 1. */
export type Replayed =
  | { same: true; requests: number; calls: number }
  | { same: false; line: number; recorded: string; found: string }

/** The run went another way than its recording. */
class Difference extends Error {
  override readonly name = 'Difference'
  readonly line: number
  readonly recorded: string
  readonly found: string

  constructor(line: number, recorded: string, found: string) {
    super(`line ${line} differs`)
    this.line = line
    this.recorded = recorded
    this.found = found
  }
}

/**
 * Runs a recorded turn again, offline: models, people and tools say what the recording has, and everything that the
 * loop sends and shows is compared with it, byte for byte. `tools` are this program's; only their schemas and
 * summaries are used, none is run.
 *
 * @throws SyntaxError when `text` is not a recording
 */
export async function replayRun(text: string, tools: readonly Tool[]): Promise<Replayed> {
  const lines = text.trimEnd().split('\n')
  const [first, ...rest] = lines.map((line) => JSON.parse(line) as Recorded)
  if (first?.kind !== 'start' || first.version !== 1) throw new SyntaxError('not a recording of a turn')
  const abort = new AbortController()
  const tape = createTape(rest, abort)
  const config = configOf(first, tools, tape)
  const shown = (event: LoopEvent) => tape.expect({ kind: 'shown', event })
  try {
    const end = await run(first.messages, config, shown, abort.signal)
    tape.expect({ kind: 'end', end })
    const count = (kind: Recorded['kind']) => rest.filter((entry) => entry.kind === kind).length
    return { same: true, requests: count('request'), calls: count('result') }
  } catch (error) {
    if (!(error instanceof Difference)) throw error
    return { same: false, line: error.line, recorded: error.recorded, found: error.found }
  }
}

/** The recording as it is played: each line is either said to the loop or expected from it. */
type Tape = {
  /** What comes into the run next. */
  take: <Kind extends Recorded['kind']>(kind: Kind) => Extract<Recorded, { kind: Kind }>
  /** What the run did, which must be the next line. */
  expect: (found: Recorded) => void
  /** The kind of the next line, after an abort that stands there has been done. */
  next: () => Recorded['kind'] | undefined
}

function createTape(entries: readonly Recorded[], abort: AbortController): Tape {
  let position = 0
  const skipAborts = () => {
    while (entries[position]?.kind === 'abort') {
      position += 1
      abort.abort()
    }
  }
  const differ = (found: string): never => {
    const recorded = entries[position]
    // The start is line 1.
    throw new Difference(position + 2, recorded === undefined ? 'the end' : canonicalJson(recorded), found)
  }
  return {
    next: () => {
      skipAborts()
      return entries[position]?.kind
    },
    take: <Kind extends Recorded['kind']>(kind: Kind) => {
      skipAborts()
      const entry = entries[position]
      if (entry?.kind !== kind) return differ(`the loop waits for: ${kind}`)
      position += 1
      return entry as Extract<Recorded, { kind: Kind }>
    },
    expect: (found) => {
      skipAborts()
      const text = canonicalJson(JSON.parse(JSON.stringify(found)))
      const entry = entries[position]
      if (entry === undefined || canonicalJson(entry) !== text) differ(text)
      position += 1
    },
  }
}

function configOf(start: RecordedStart, tools: readonly Tool[], tape: Tape): LoopConfig {
  const person: Approver = { ask: async () => tape.take('answer').answer ?? undefined }
  const nothing = async () => {}
  return {
    candidates: start.candidates.map(({ provider, model }) => ({ provider: playedProvider(provider, tape), model })),
    system: start.system,
    tools: tools.map((tool) => playedTool(tool, tape)),
    specs: start.specs,
    context: start.context,
    retry: { max: RECORDED_RETRIES, delay: () => 0 },
    approver: person,
    person,
    limit: async () => tape.take('limit').words ?? undefined,
    steer: async () => tape.take('steer').messages,
    journal: { append: nothing, used: nothing, decided: nothing, starting: nothing, finished: nothing },
    about: start.about,
    place: { workspace: start.workspace, exec: NO_EXECUTOR },
    begun: new Set(start.begun),
  }
}

/** How often a recorded run tried again is in its requests; the loop must only be allowed to. */
const RECORDED_RETRIES = 3

const NO_EXECUTOR = { name: 'recording', run: () => Promise.reject(new Error('a replay runs nothing')) }

function playedProvider(id: string, tape: Tape): Provider {
  return {
    id,
    async *stream(request): AsyncIterable<ProviderEvent> {
      tape.expect({ kind: 'request', sha256: requestHash(request) })
      while (tape.next() === 'event') yield tape.take('event').event
    },
  }
}

function playedTool(tool: Tool, tape: Tape): Tool {
  return {
    ...tool,
    run: async (_input, context) => {
      while (tape.next() === 'output') context.emit(tape.take('output').text)
      // A call that was cancelled has no result: the loop gives it one.
      return context.signal.aborted ? await new Promise(() => {}) : tape.take('result').result
    },
  }
}
