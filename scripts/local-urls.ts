import { basename, dirname, join, relative } from 'node:path'
import type { Rolldown } from 'tsdown'

/**
 * A bundler plugin for `new URL('<relative path>', import.meta.url)`, by which programs name files of their own:
 * a TypeScript file, which another process is started with, becomes an entry of the bundle; a folder of built web
 * pages becomes the folder that it is published as. Any other path would not exist in the bundle: that is an error.
 *
 * @param pages folder in the published package -> folder in the repository.
 */
export function localUrls(root: string, pages: Readonly<Record<string, string>>): Rolldown.Plugin {
  return {
    name: 'local-urls',
    transform(code, id) {
      if (!id.startsWith(root) || id.includes('node_modules') || !PATTERN.test(code)) return null
      const rewritten = code.replaceAll(PATTERN, (_all, _quote, path: string) => {
        const target = join(dirname(id), path)
        const page = Object.entries(pages).find(([, source]) => source === relative(root, target))
        if (page !== undefined) return urlOf(page[0])
        if (!path.endsWith('.ts'))
          throw new Error(`${relative(root, id)} names ${path}, which the bundle will not have`)
        const fileName = entryName(relative(root, target))
        this.emitFile({ type: 'chunk', id: target, fileName })
        return urlOf(fileName)
      })
      return { code: rewritten }
    },
  }
}

const PATTERN = /new URL\(\s*(['"])(\.[^'"]+)\1\s*,\s*import\.meta\.url\s*\)/g

/** Every file of a bundle lies in its top folder, so that a name is enough. */
function urlOf(path: string): string {
  return `new URL('./${path}', import.meta.url)`
}

/** `wallet/daemon/src/main.ts` -> `daemon-main.js`. */
function entryName(path: string): string {
  const folders = dirname(path)
    .split('/')
    .filter((folder) => folder !== 'src')
  return `${folders.at(-1)}-${basename(path, '.ts')}.js`
}
