import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listFiles, repositoryRoot } from './repository.ts'
import { runTool } from './run-program.ts'

/** A web page that vite builds into `dist/` of its folder, and whose sources it is made from. */
export type WebPage = { folder: string; madeFrom: readonly string[] }

/** The pages of this repository. */
export const webPages: readonly WebPage[] = [
  { folder: 'agent/web', madeFrom: ['agent/web/', 'agent/openpista/src/protocol/'] },
  { folder: 'wallet/admin', madeFrom: ['wallet/admin/', 'wallet/core/src/'] },
]

/** A page that had to be built, and how it went. */
export type WebBuild = { folder: string; ok: boolean; output: string }

/** Builds every page whose sources differ from what its `dist/` was built from. */
export async function ensureWebBuilt(root: string = repositoryRoot): Promise<WebBuild[]> {
  const paths = listFiles(root)
  const builds: WebBuild[] = []
  for (const page of webPages) {
    if (!existsSync(join(root, page.folder, 'index.html'))) continue
    const hash = sourceHash(root, paths, page)
    const stamp = join(root, page.folder, 'dist', '.built-from')
    if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) continue
    process.stderr.write(`Building ${page.folder} ...\n`)
    const { code, output } = await runTool(root, 'vite/bin/vite.js', ['build', page.folder, '--logLevel=warn'])
    if (code === 0) writeFileSync(stamp, hash)
    builds.push({ folder: page.folder, ok: code === 0, output })
  }
  return builds
}

/** Changes with every file that goes into the page and with the versions of what is installed. */
function sourceHash(root: string, paths: readonly string[], page: WebPage): string {
  const hash = createHash('sha256')
  const sources = paths.filter((path) => page.madeFrom.some((folder) => path.startsWith(folder)))
  for (const path of ['package-lock.json', ...sources]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

if (import.meta.main) {
  const builds = await ensureWebBuilt()
  if (builds.length === 0) process.stdout.write('The web pages are up to date.\n')
  for (const { folder, ok, output } of builds) process.stdout.write(`${ok ? 'ok  ' : 'FAIL'} ${folder}\n${output}`)
  process.exitCode = builds.every(({ ok }) => ok) ? 0 : 1
}
