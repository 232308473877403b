import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

const PROGRAMS = {
  waiaas: { source: 'wallet/cli/src/main.ts', installed: '@waiaas/cli/waiaas.js' },
  openpista: { source: 'agent/openpista/src/main.ts', installed: 'openpista/openpista.js' },
} as const

/**
 * The file that starts one of our programs: in `npm test` as people install it, which it has just done in a folder
 * outside the repository; otherwise its source.
 */
export function programEntry(name: keyof typeof PROGRAMS): string {
  const { source, installed } = PROGRAMS[name]
  const modules = installedModules()
  return modules === undefined ? join(root, source) : join(modules, installed)
}

/** The `node_modules` into which `npm test` has installed what is published; `undefined` in other runs. */
export function installedModules(): string | undefined {
  return process.env.INSTALLED_MODULES
}
