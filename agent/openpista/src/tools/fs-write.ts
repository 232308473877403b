import { randomUUID } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { lstat, open, rename, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Roots } from '../executors/roots.ts'
import { failed, succeeded } from './answer.ts'
import { findPlace, type Place } from './place.ts'
import { defineTool, type Tool } from './tool.ts'

const MAX_CHARS = 1_000_000

const Input = z.strictObject({
  path: z.string().min(1).max(4096),
  content: z.string().max(MAX_CHARS).meta({ description: 'The whole new content' }),
})

/** `fs.write`: makes or replaces a text file; readers see the old content or the new, never a part. */
export function createFsWrite(roots: Roots): Tool<typeof Input> {
  return defineTool({
    name: 'fs.write',
    description: 'Create or replace a text file in the workspace or a configured folder. Missing folders are made.',
    input: Input,
    risk: 'write',
    repeatable: true,
    summary: ({ path, content }) => oneLine(`write ${content.length} characters to ${path}`),
    scope: () => 'fs.write',
    run: async ({ path, content }, context) => {
      const found = await findPlace(roots, context.workspace, path, 'write')
      if (!found.ok) return failed(found.message)
      try {
        const problem = await replace(found.place, content)
        if (problem !== undefined) return failed(`${path}: ${problem}`)
        return succeeded(`Wrote ${Buffer.byteLength(content)} bytes to ${found.place.path}`)
      } catch (error) {
        return failed(`${path}: ${(error as NodeJS.ErrnoException).code ?? 'cannot be written'}`)
      } finally {
        await found.place.folder.close()
      }
    },
  })
}

/** Writes beside the file and renames. Answers what stands in the way. */
async function replace({ entry, folder }: Place, content: string): Promise<string | undefined> {
  const old = await statOf(entry)
  if (old?.isSymbolicLink()) return 'a link; write to the file that it leads to.'
  if (old !== undefined && !old.isFile()) return 'there is something that is no file.'
  const temporary = join(dirname(entry), `.${basename(entry).slice(0, 100)}.${randomUUID()}.tmp`)
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
  const file = await open(temporary, flags, 0o644)
  try {
    if (old !== undefined) await file.chmod(old.mode & 0o777)
    await file.writeFile(content)
    await file.sync()
    await rename(temporary, entry)
  } catch (error) {
    await unlink(temporary)
    throw error
  } finally {
    await file.close()
  }
  await folder.sync()
  return undefined
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
