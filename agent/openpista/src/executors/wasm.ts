import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { runProcess } from './process.ts'
import type { WasmToolCall } from './wasm-abi.ts'

/** The most that a module's memory may hold, in pages of 64 KiB: 64 MB. */
const MAX_PAGES = 1024
const HEAP_MB = 128
const TABLE_ELEMENTS = 100_000
/** Above everything that the child can say: a result of 1 MiB and 256 KiB of each stream, escaped. */
const MAX_REPORT_CHARS = 12 * 1024 * 1024
/** What a shell says of a program that the limit of processor time ended: 128 + SIGXCPU. */
const CPU_EXHAUSTED = 152

export type WasmRequest = {
  module: Uint8Array
  call: WasmToolCall
  /** What the module sees as `/workspace`, read-only; `null`: no files at all. */
  workspace: string | null
  timeoutSeconds: number
  /** Processor seconds, start of the process included. */
  cpuSeconds: number
}

export type WasmOutcome = { ok: true; output: string; isError: boolean } | { ok: false; message: string }

const Report = z.object({
  answer: z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), result: z.object({ output: z.string(), is_error: z.boolean() }) }),
    z.object({ ok: z.literal(false), message: z.string() }),
  ]),
  stdout: z.string(),
  stderr: z.string(),
})

/**
 * Runs a module once, in a process of its own that ends with it. The module reaches nothing but the functions that
 * it is given; the process may read only the workspace and its own program, may write nothing, start nothing, and is
 * killed at either limit by the system.
 */
export async function runWasm(request: WasmRequest, signal: AbortSignal): Promise<WasmOutcome> {
  const folder = await mkdtemp(join(tmpdir(), 'openpista-wasm-'))
  try {
    await writeFile(join(folder, 'main.wasm'), request.module)
    await writeFile(join(folder, 'call.json'), JSON.stringify(request.call))
    const limits = { timeoutSeconds: request.timeoutSeconds, maxOutput: MAX_REPORT_CHARS, onOutput: () => {} }
    const result = await runProcess(commandOf(folder, request), {}, { ...limits, command: '', cwd: folder }, signal)
    if (result.killed === 'timeout')
      return { ok: false, message: `WASM execution timed out after ${request.timeoutSeconds}s` }
    if (result.killed === 'cancelled') return { ok: false, message: 'WASM execution cancelled' }
    if (result.exitCode === CPU_EXHAUSTED) return { ok: false, message: 'WASM execution aborted: fuel exhausted' }
    if (result.exitCode !== 0) return { ok: false, message: diedWords(result.exitCode, result.stderr) }
    return outcomeOf(Report.parse(JSON.parse(result.stdout)))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function commandOf(folder: string, { workspace, cpuSeconds }: WasmRequest): [string, ...string[]] {
  const program = fileURLToPath(new URL('./wasm-child.ts', import.meta.url))
  // The folder /proc/self/fd leads only to what is open already.
  const readable = [dirname(program), folder, '/proc/self/fd', ...(workspace === null ? [] : [workspace])]
  const node = [
    process.execPath,
    '--permission',
    // Node forgets a folder that is named after one inside it.
    ...readable.sort((a, b) => a.length - b.length).map((path) => `--allow-fs-read=${path}`),
    `--wasm-max-mem-pages=${MAX_PAGES}`,
    `--wasm-max-table-size=${TABLE_ELEMENTS}`,
    `--max-old-space-size=${HEAP_MB}`,
    program,
  ]
  const limited = 'ulimit -c 0; ulimit -f 0; ulimit -St "$1"; ulimit -Ht "$(($1 + 2))"; shift; exec "$@"'
  return ['bash', '-c', limited, 'wasm', String(cpuSeconds), ...node, folder, workspace ?? '']
}

/** The streams stand behind the output, as they were printed. */
function outcomeOf({ answer, stdout, stderr }: z.output<typeof Report>): WasmOutcome {
  const printed = [block('stdout', stdout), block('stderr', stderr)].join('')
  if (!answer.ok) return { ok: false, message: `${answer.message}${printed}` }
  return { ok: true, output: `${answer.result.output}${printed}`, isError: answer.result.is_error }
}

function block(name: string, text: string): string {
  const trimmed = text.trim()
  return trimmed === '' ? '' : `\n\n${name}:\n${trimmed}`
}

function diedWords(exitCode: number | null, stderr: string): string {
  const outOfMemory = /out of memory/i.test(stderr)
  const why = outOfMemory ? 'it needed more memory than it may have' : `its process ended with code ${exitCode}`
  return `WASM execution failed: ${why}`
}
