import { relative, resolve } from 'node:path'
import { isInside, type Roots } from '../executors/roots.ts'
import { failed } from './answer.ts'
import type { Place } from './place.ts'
import type { ToolContext, ToolResult } from './tool.ts'
import { withPlace } from './with-place.ts'

/**
 * What "allow for this session" covers when a file is written: every plain file. Hidden ones are what shells, git and
 * editors start from, so each of them is asked about by itself.
 */
export function writeScope(tool: string, path: string): string {
  return isHidden(path) ? `${tool} exactly ${path}` : tool
}

/** Writes at the place that a tool names. A link does not lead from a plain name to a hidden file. */
export async function withWrittenPlace(
  roots: Roots,
  context: ToolContext,
  path: string,
  work: (place: Place) => Promise<ToolResult>,
): Promise<ToolResult> {
  return await withPlace(roots, context, { path, access: 'write' }, async (place) => {
    const root = [roots.workspace, ...roots.writable].find((folder) => isInside(folder, place.path))
    if (root !== undefined && isHidden(relative(root, place.path)) && !isHidden(path)) {
      return failed(`${path}: a link to a hidden file or folder; name that one itself.`)
    }
    const result = await work(place)
    // Where a link leads is in the words of whoever made it.
    const named = resolve(context.workspace, path) === place.path
    return named ? result : { ...result, provenance: { kind: 'file', path: place.path } }
  })
}

/** True when a part of the path is a name that begins with a dot. */
function isHidden(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') && part !== '.' && part !== '..')
}
