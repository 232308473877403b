import type { Roots } from '../executors/roots.ts'
import { failed } from './answer.ts'
import { findPlace, type Place } from './place.ts'
import type { ToolContext, ToolResult } from './tool.ts'

/** Works at the place that a tool names; a place that may not be used and what the system refuses are results. */
export async function withPlace(
  roots: Roots,
  { workspace }: ToolContext,
  { path, access }: { path: string; access: 'read' | 'write' },
  work: (place: Place) => Promise<ToolResult>,
): Promise<ToolResult> {
  const found = await findPlace(roots, workspace, path, access)
  if (!found.ok) return failed(found.message)
  try {
    return await work(found.place)
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    return failed(`${path}: ${code}`)
  } finally {
    await found.place.folder.close()
  }
}
