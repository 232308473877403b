import { lstat } from 'node:fs/promises'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { openForReading } from './text-file.ts'
import { defineTool, type Tool } from './tool.ts'
import { type Found, walk } from './walk.ts'
import { withPlace } from './with-place.ts'

const MAX_ENTRIES = 500
const MAX_DEPTH = 5

const Input = z.strictObject({
  path: z.string().min(1).max(4096).default('.'),
  depth: z.number().int().min(1).max(MAX_DEPTH).default(1),
})

/** `fs.list`: what is in a folder, with the sizes of files. */
export function createFsList(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.list',
    description: 'List a folder.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ path }) => oneLine(`list ${path}`),
    scope: () => 'fs.list',
    run: ({ path, depth }, context) =>
      withPlace(roots, context, { path, access: 'read' }, async (place) => {
        const folder = await openForReading(place.entry)
        try {
          if (!(await folder.stat()).isDirectory()) return failed(`${path}: no folder; fs.read shows a file.`)
          const lines: string[] = []
          let more = false
          for await (const found of walk(folder, place.path, { roots, depth, closed: new Set() })) {
            more = lines.length === MAX_ENTRIES
            if (more || context.signal.aborted) break
            lines.push(await line(found))
          }
          if (more) lines.push(`[cut after ${MAX_ENTRIES} entries; list a folder below, or less deep]`)
          return succeeded(lines.join('\n') || '(empty folder)', { kind: 'file', path: place.path })
        } finally {
          await folder.close()
        }
      }),
  })
}

async function line({ name, entry, kind }: Found): Promise<string> {
  if (kind === 'folder') return `${oneLine(name)}/`
  if (kind !== 'file') return `${oneLine(name)}  (${kind === 'link' ? 'link' : 'no file'})`
  const size = await lstat(entry).then(
    (stats) => String(stats.size),
    () => 'gone',
  )
  return `${oneLine(name)}  ${size}`
}
