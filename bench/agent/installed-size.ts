import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What a folder takes on the disk, in bytes: its blocks, as `du` counts them, hard links once. */
export function diskUse(folder: string): number {
  const seen = new Set<number>()
  const walk = (path: string): number => {
    const stats = lstatSync(path)
    if (seen.has(stats.ino)) return 0
    seen.add(stats.ino)
    const inside = stats.isDirectory() ? readdirSync(path).map((name) => walk(join(path, name))) : []
    return inside.reduce((total, bytes) => total + bytes, stats.blocks * 512)
  }
  return walk(folder)
}

/** The packages that npm put into a `node_modules`, by the path of each. */
export function installedPackages(modules: string): string[] {
  const record = JSON.parse(readFileSync(join(modules, '.package-lock.json'), 'utf8')) as { packages: object }
  return Object.keys(record.packages).filter((path) => path.includes('node_modules/'))
}
