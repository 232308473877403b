import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

const PROGRAMS = {
  waiaas: { source: 'wallet/cli/src/main.ts', published: 'wallet/cli/dist/waiaas.js' },
  openpista: { source: 'agent/openpista/src/main.ts', published: 'agent/openpista/dist/openpista.js' },
} as const

/**
 * The file that starts one of our programs: in `npm test` as it is published, which it has just built, so that what
 * people install is what is tested; otherwise its source.
 */
export function programEntry(name: keyof typeof PROGRAMS): string {
  const { source, published } = PROGRAMS[name]
  return join(root, process.env.TESTED_PROGRAMS === 'published' ? published : source)
}
