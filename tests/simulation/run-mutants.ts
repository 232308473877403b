import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Mutant, mutants } from './mutants.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const SOURCES = ['wallet/daemon/src', 'tests/simulation']

/** The file of a mutant as it is in the mutant. @throws Error where its text is not there exactly once. */
export function mutated({ name, file, text, replacement }: Mutant): string {
  const content = readFileSync(join(ROOT, 'wallet/daemon/src', file), 'utf8')
  if (content.split(text).length !== 2) throw new Error(`${name}: ${file} does not have its text once`)
  return content.replace(text, () => replacement)
}

/** Runs the simulation with each mutant in a copy of the sources. Returns whether all were found. */
export async function runMutants(seeds: number, wanted: string | undefined): Promise<boolean> {
  const chosen = mutants.filter(({ name }) => wanted === undefined || name.includes(wanted))
  let missed = 0
  for (const mutant of chosen) {
    const started = performance.now()
    const found = await isFound(mutant, seeds)
    const seconds = Math.round((performance.now() - started) / 1000)
    console.log(
      `${found === undefined ? 'NOT FOUND' : 'found'}  ${mutant.name} (${seconds} s)${found === undefined ? '' : `: ${found}`}`,
    )
    if (found === undefined) missed += 1
  }
  console.log(`${chosen.length - missed} of ${chosen.length} mutants found.`)
  return missed === 0
}

/** What the simulation says of it; undefined where it says nothing. */
async function isFound(mutant: Mutant, seeds: number): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'mutant-'))
  try {
    for (const source of SOURCES) cpSync(join(ROOT, source), join(folder, source), { recursive: true })
    cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    writeFileSync(join(folder, 'wallet/daemon/src', mutant.file), mutated(mutant))
    const only = mutant.only === undefined ? [] : ['--only', mutant.only]
    const output = await run(join(folder, 'tests/simulation/main.ts'), ['--seeds', String(seeds), ...only])
    return output.code === 0
      ? undefined
      : (output.text
          .split('\n')
          .find((line) => line.startsWith('seed '))
          ?.slice(0, 160) ?? output.text.slice(0, 160))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Again where something else on the machine ended it. */
async function run(file: string, args: readonly string[]): Promise<{ code: number; text: string }> {
  for (;;) {
    const { code, text } = await runOnce(file, args)
    if (code !== null) return { code, text }
  }
}

function runOnce(file: string, args: readonly string[]): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let text = ''
    const take = (chunk: Buffer) => {
      text += chunk.toString()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, text }))
  })
}
