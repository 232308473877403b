import { matchesGlob } from 'node:path'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { createLineMatcher, type LineMatcher } from './line-matcher.ts'
import type { Place } from './place.ts'
import { openForReading, readText } from './text-file.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'
import { type Found, walk } from './walk.ts'
import { withPlace } from './with-place.ts'

const MAX_SECONDS = 10
const MAX_FILE_BYTES = 2 * 1024 * 1024
const MAX_HITS = 200
const MAX_DEPTH = 30
/** Folders of tools, in which people do not look for their own words; one can be named as the path. */
const CLOSED = new Set(['.git', '.hg', '.svn', 'node_modules', '__pycache__', '.venv'])

const Input = z.strictObject({
  pattern: z.string().min(1).max(1000).meta({ description: 'Regular expression, for each line' }),
  path: z.string().min(1).max(4096).default('.').meta({ description: 'File or folder' }),
  files: z.string().min(1).max(200).optional().meta({ description: 'Glob: *.ts' }),
  ignore_case: z.boolean().default(false),
})
type Input = z.output<typeof Input>

/** `fs.search`: lines of text files that match a regular expression. */
export function createFsSearch(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.search',
    description: 'Search files for lines.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ pattern, path }) => oneLine(`search ${path} for ${pattern}`),
    scope: () => 'fs.search',
    run: async (input, context) => {
      const matcher = createLineMatcher(input.pattern, input.ignore_case)
      if (!matcher.ok) return failed(matcher.message)
      const signal = AbortSignal.any([context.signal, AbortSignal.timeout(MAX_SECONDS * 1000)])
      return await withPlace(roots, context, { path: input.path, access: 'read' }, (place) =>
        search(place, input, { roots, match: matcher.match, signal }),
      )
    },
  })
}

type Means = { roots: Roots; match: LineMatcher; signal: AbortSignal }
type Outcome = { hits: string[]; searched: number; skipped: number; stopped?: string }

async function search(place: Place, input: Input, means: Means): Promise<ToolResult> {
  const outcome: Outcome = { hits: [], searched: 0, skipped: 0 }
  const opened = await openForReading(place.entry)
  try {
    if ((await opened.stat()).isDirectory()) {
      const options = { roots: means.roots, depth: MAX_DEPTH, closed: CLOSED }
      for await (const found of walk(opened, place.path, options)) {
        if (means.signal.aborted) outcome.stopped = `stopped after ${MAX_SECONDS}s`
        if (outcome.stopped !== undefined) break
        if (isWanted(found, input.files)) await look(found, outcome, means)
      }
    } else await look({ name: input.path, entry: place.entry, kind: 'file' }, outcome, means)
  } finally {
    await opened.close()
  }
  return answer(outcome, place)
}

function isWanted({ name, kind }: Found, glob: string | undefined): boolean {
  if (kind !== 'file') return false
  return glob === undefined || matchesGlob(name, glob.includes('/') ? glob : `**/${glob}`)
}

async function look(found: Found, outcome: Outcome, { match }: Means): Promise<void> {
  const text = await textOf(found)
  if (text === undefined) {
    outcome.skipped += 1
    return
  }
  outcome.searched += 1
  const room = MAX_HITS - outcome.hits.length
  const lines = match(text, room + 1)
  if (lines === 'too slow') {
    outcome.stopped = `stopped: the pattern takes too long on ${oneLine(found.name)}; use a simpler one`
    return
  }
  outcome.hits.push(...lines.slice(0, room).map(({ number, line }) => `${oneLine(found.name)}:${number}: ${line}`))
  if (lines.length > room) outcome.stopped = `stopped after ${MAX_HITS} lines; search more closely`
}

/** `undefined` for what is not text, too big, gone, or closed to this user. */
async function textOf({ entry }: Found): Promise<string | undefined> {
  const file = await openForReading(entry).catch((error: NodeJS.ErrnoException) => {
    if (error.syscall === undefined) throw error
    return undefined
  })
  if (file === undefined) return undefined
  try {
    const read = await readText(file, MAX_FILE_BYTES)
    return read.ok ? read.text : undefined
  } finally {
    await file.close()
  }
}

function answer({ hits, searched, skipped, stopped }: Outcome, place: Place): ToolResult {
  const passed = skipped === 0 ? '' : `, ${skipped} passed over (not text, too big or closed)`
  const ending = `[${hits.length} lines in ${searched} files${passed}${stopped === undefined ? '' : `; ${stopped}`}]`
  // What stopped it names a file, in the words of whoever named that.
  const plain = hits.length === 0 && stopped === undefined
  const provenance = plain ? ({ kind: 'system' } as const) : ({ kind: 'file', path: place.path } as const)
  const result = succeeded([...hits, ending].join('\n'), provenance)
  return { ...result, isError: hits.length === 0 && stopped !== undefined }
}
