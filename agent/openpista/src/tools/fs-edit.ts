import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import type { Place } from './place.ts'
import { openForReading, readText, replaceText, type TextFile } from './text-file.ts'
import { defineTool, type Tool } from './tool.ts'
import { withWrittenPlace, writeScope } from './written-place.ts'

const MAX_CHARS = 200_000
const MAX_LINES_NAMED = 10

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  old: z.string().min(1).max(MAX_CHARS).meta({ description: 'Exact text that stands there once' }),
  new: z.string().max(MAX_CHARS),
  all: z.boolean().default(false).meta({ description: 'Replace every occurrence' }),
})
type Input = z.output<typeof Input>

/** `fs.edit`: exchanges a text that stands in a file exactly once. Nothing changes unless that is so. */
export function createFsEdit(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.edit',
    description: 'Replace a text in a file.',
    input: Input,
    risk: 'write',
    repeatable: false,
    summary: ({ path, old, new: replacement }) =>
      oneLine(`edit ${path}: ${old.length} characters become ${replacement.length}`),
    scope: ({ path }) => writeScope('fs.edit', path),
    run: (input, context) =>
      withWrittenPlace(roots, context, input.path, async (place) => {
        const read = await readPlace(place)
        if (!read.ok) return failed(`${input.path}: ${read.problem}`)
        const found = positions(read.text, input.old)
        const refusal = refuse(read.text, found, input)
        if (refusal !== undefined) return failed(`${input.path}: ${refusal} Nothing was changed.`)
        const problem = await replaceText(
          place,
          read.text.replaceAll(input.old, () => input.new),
        )
        if (problem !== undefined) return failed(`${input.path}: ${problem}`)
        return succeeded(`Edited ${place.path} at ${linesOf(read.text, found)}.`)
      }),
  })
}

async function readPlace(place: Place): Promise<TextFile> {
  const opened = await openForReading(place.entry).catch((error: NodeJS.ErrnoException) => error)
  if ('syscall' in opened) {
    if (opened.code === 'ELOOP') return { ok: false, problem: 'a link; edit the file that it leads to.' }
    if (opened.code === 'ENOENT') return { ok: false, problem: 'no such file; fs.write makes one.' }
    throw opened
  }
  const file = opened as Exclude<typeof opened, Error>
  try {
    return await readText(file)
  } finally {
    await file.close()
  }
}

function positions(text: string, wanted: string): number[] {
  const found: number[] = []
  for (let at = text.indexOf(wanted); at !== -1; at = text.indexOf(wanted, at + wanted.length)) found.push(at)
  return found
}

function refuse(text: string, found: readonly number[], input: Input): string | undefined {
  if (input.old === input.new) return 'the old and the new text are the same.'
  if (found.length === 0) return notFound(text, input.old)
  if (found.length === 1 || input.all) return undefined
  return `the old text stands there ${found.length} times (${linesOf(text, found)}). Give more of the text around the right one, or all: true.`
}

/** The most frequent mistake is white space: then the line is named where it would match without. */
function notFound(text: string, wanted: string): string {
  const lines = text.split('\n').map(bare)
  const sought = wanted.trim().split('\n').map(bare)
  const at = lines.findIndex((_line, index) => sought.every((line, offset) => lines[index + offset] === line))
  return at === -1
    ? 'the old text does not stand there. Read the file again and copy the text exactly.'
    : `the old text does not stand there, but line ${at + 1} differs from it only in white space. Copy it exactly.`
}

function bare(line: string): string {
  return line.replace(/\s+/g, '')
}

function linesOf(text: string, found: readonly number[]): string {
  const numbers = found.slice(0, MAX_LINES_NAMED).map((at) => text.slice(0, at).split('\n').length)
  const more = found.length > MAX_LINES_NAMED ? ` and ${found.length - MAX_LINES_NAMED} more` : ''
  return `line${found.length === 1 ? '' : 's'} ${numbers.join(', ')}${more}`
}
