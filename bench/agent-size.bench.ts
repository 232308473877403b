import { readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installedAgent } from './agent/forms.ts'
import { diskUse, installedPackages } from './agent/installed-size.ts'
import type { Bench, Row } from './bench.ts'
import type { InstalledProgram } from './program.ts'

const WEB_ASSETS = join(import.meta.dirname, '../agent/web/dist/assets')

/** What an installation takes on the disk, and what a browser loads: the build of the package includes the page. */
export const agentSize: Bench = {
  name: 'agent-size',
  run: async (): Promise<Row[]> => {
    const agent = await installedAgent()
    try {
      return [...installedRows(agent), ...webRows()]
    } finally {
      agent.remove()
    }
  },
}

function installedRows({ modules, entry }: InstalledProgram): Row[] {
  const megabytes = (folder: string) => diskUse(folder) / 1e6
  return [
    {
      what: 'agent: installed, with production dependencies',
      unit: 'MB',
      value: megabytes(modules),
      target: { atMost: 80 },
      beside: { what: 'its own package', value: megabytes(dirname(entry)) },
    },
    {
      what: 'agent: installed packages',
      unit: 'packages',
      value: installedPackages(modules).length,
      target: { atMost: 120 },
    },
  ]
}

function webRows(): Row[] {
  const kilobytes = (suffix: RegExp) =>
    readdirSync(WEB_ASSETS)
      .filter((name) => suffix.test(name))
      .reduce((total, name) => total + statSync(join(WEB_ASSETS, name)).size, 0) / 1000
  return [
    {
      what: 'web client: script and style, brotli',
      unit: 'KB',
      value: kilobytes(/\.(js|css)\.br$/),
      target: { atMost: 80 },
      beside: { what: 'as it is', value: kilobytes(/\.(js|css)$/) },
    },
  ]
}
