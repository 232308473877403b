import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { type Bench, type Row, reachesTarget } from './bench.ts'
import { benches } from './index.ts'
import { formatTable } from './table.ts'

/** `npm run bench -- <filter> …`: the benchmarks whose names contain one of the words, or all of them. */
async function main(filters: readonly string[]): Promise<number> {
  const chosen = benches.filter(({ name }) => filters.length === 0 || filters.some((word) => name.includes(word)))
  if (chosen.length === 0) {
    process.stderr.write(`No benchmark is named so. There are: ${benches.map(({ name }) => name).join(', ')}\n`)
    return 1
  }
  const results: { name: string; rows: Row[]; error?: string }[] = []
  for (const bench of chosen) results.push(await runOne(bench))
  const rows = results.flatMap((result) => result.rows)
  process.stdout.write(`${formatTable(rows)}\n`)
  const file = writeResults(results)
  const short = rows.filter((row) => reachesTarget(row) === false).length
  process.stdout.write(`\n${rows.length} rows, ${short} short of their target. Written to ${file}\n`)
  for (const { name, error } of results) if (error !== undefined) process.stdout.write(`FAIL ${name}: ${error}\n`)
  return results.some(({ error }) => error !== undefined) ? 1 : 0
}

/** One that breaks does not keep the others from being measured. */
async function runOne(bench: Bench): Promise<{ name: string; rows: Row[]; error?: string }> {
  process.stderr.write(`${bench.name} ...\n`)
  try {
    return { name: bench.name, rows: await bench.run() }
  } catch (error) {
    return {
      name: bench.name,
      rows: [],
      error: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }
  }
}

function writeResults(results: readonly { name: string; rows: Row[]; error?: string }[]): string {
  const folder = join(import.meta.dirname, 'results')
  const at = new Date().toISOString()
  const file = join(folder, `${at.replaceAll(':', '-').slice(0, 19)}.json`)
  const machine = { cores: cpus().length, cpu: cpus()[0]?.model, node: process.version, platform: process.platform }
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, `${JSON.stringify({ at, machine, results }, null, 2)}\n`)
  return file
}

process.exitCode = await main(process.argv.slice(2))
