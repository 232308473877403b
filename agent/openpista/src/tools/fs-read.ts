import { constants, type Stats } from 'node:fs'
import { open, readdir } from 'node:fs/promises'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { findPlace, type Place, pathOfOpen } from './place.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'

const MAX_BYTES = 10 * 1024 * 1024
const MAX_CHARS = 40_000
const MAX_ENTRIES = 500

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  offset: z.number().int().min(0).default(0).meta({ description: 'First character' }),
  limit: z.number().int().min(1).max(MAX_CHARS).default(MAX_CHARS),
})

/** `fs.read`: a text file, or the entries of a folder. */
export function createFsRead(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.read',
    description: 'Read a text file, or list a folder, in the workspace or a configured folder.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ path }) => oneLine(`read ${path}`),
    scope: () => 'fs.read',
    run: async (input, context) => {
      const found = await findPlace(roots, context.workspace, input.path, 'read')
      if (!found.ok) return failed(found.message)
      try {
        return await read(found.place, input)
      } catch (error) {
        return failed(`${input.path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be read'}`)
      } finally {
        await found.place.folder.close()
      }
    },
  })
}

async function read(place: Place, input: z.output<typeof Input>): Promise<ToolResult> {
  // O_NONBLOCK: opening a pipe or a device must not wait for its other end.
  const file = await open(place.entry, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    if (stats.isDirectory()) return await list(place.path, pathOfOpen(file, place.entry))
    const problem = unreadable(stats)
    if (problem !== undefined) return failed(`${input.path}: ${problem}`)
    const bytes = Buffer.alloc(Math.min(stats.size, MAX_BYTES))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, 0)
    const text = decode(bytes.subarray(0, bytesRead))
    if (text === undefined) return failed(`${input.path}: a binary file of ${stats.size} bytes, not text.`)
    return succeeded(part(text, input), { kind: 'file', path: place.path })
  } finally {
    await file.close()
  }
}

function unreadable(stats: Stats): string | undefined {
  if (!stats.isFile()) return 'neither a file nor a folder.'
  return stats.size > MAX_BYTES ? `${stats.size} bytes; at most ${MAX_BYTES} can be read.` : undefined
}

function decode(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function part(text: string, { offset, limit }: z.output<typeof Input>): string {
  const end = offset + limit
  const marker =
    end < text.length ? `\n[cut: characters ${offset} to ${end} of ${text.length}; go on with offset ${end}]` : ''
  return `${text.slice(offset, end)}${marker}`
}

async function list(path: string, folder: string): Promise<ToolResult> {
  const entries = await readdir(folder, { withFileTypes: true })
  const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name)).sort()
  const more = names.length > MAX_ENTRIES ? `\n[${names.length - MAX_ENTRIES} more]` : ''
  const output = names.length === 0 ? '(empty folder)' : `${names.slice(0, MAX_ENTRIES).join('\n')}${more}`
  return succeeded(output, { kind: 'file', path })
}
