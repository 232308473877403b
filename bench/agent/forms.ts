import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../../scripts/demo/process.ts'
import type { Row } from '../bench.ts'
import { medianOf } from '../load.ts'
import { percentile } from '../measure.ts'
import { memoryOf } from '../process-usage.ts'
import { type InstalledProgram, installedProgram, type Program } from '../program.ts'
import { agentFromSource } from './gateway.ts'

/** The agent as people install it. */
export function installedAgent(): Promise<InstalledProgram> {
  return installedProgram('agent/openpista', 'openpista', 'openpista.js')
}

/** Measures the agent as a developer runs it and as people install it. */
export async function everyForm(measure: (program: Program) => Promise<Row[]>): Promise<Row[]> {
  const rows: Row[] = []
  for (const program of [agentFromSource(), await installedAgent()]) {
    rows.push(...(await measure(program).finally(program.remove)))
  }
  return rows
}

/** What Node takes by itself, started in the same way. */
export type BareNode = {
  /** Milliseconds from start to end. */
  millis: () => Promise<number>
  /** Resident memory of one that waits, in MiB. */
  memory: () => Promise<number>
}

export async function withBareNode<Result>(work: (node: BareNode) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-node-'))
  const file = (name: string, code: string) => {
    writeFileSync(join(folder, name), code)
    return { entry: join(folder, name), args: [], env: {}, echo: () => {} }
  }
  try {
    const empty = file('empty.mjs', '')
    const waiting = file('waiting.mjs', 'console.log("ready"); setInterval(() => {}, 1e6)')
    return await work({
      millis: () => millisOf(() => run(empty).ended),
      memory: async () => {
        const node = run(waiting)
        await node.until(/ready/)
        await sleep(1000)
        const { rss } = memoryOf(node.pid)
        await node.kill()
        return rss
      },
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Medians of a program and of bare Node, by turns, so that what else the machine does falls on both. */
export async function mediansBeside(rounds: number, node: BareNode, measure: () => Promise<number>) {
  const bare: number[] = []
  const value = await medianOf(rounds, async () => {
    bare.push(await node.millis())
    return await measure()
  })
  return { value, beside: { what: 'node with an empty file', value: percentile(bare, 0.5) } }
}

/** Milliseconds that something takes. */
export async function millisOf(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
