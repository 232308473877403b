import { wasmEngine } from './wasm-engine.ts'
import { moduleFault } from './wasm-module.ts'
import { ModuleExit, type Wasi } from './wasm-wasi.ts'

/** What a module is asked, as JSON in this order of keys. */
export type WasmToolCall = { id: string; name: string; arguments: Record<string, unknown> }

/** What a module answers, as JSON. */
export type WasmToolResult = { call_id: string; tool_name: string; output: string; is_error: boolean }

export type WasmAnswer = { ok: true; result: WasmToolResult } | { ok: false; message: string }

const MAX_RESULT_BYTES = 1024 * 1024

type Exports = {
  memory: WebAssembly.Memory
  alloc: (length: number) => number
  run: (pointer: number, length: number) => bigint
  dealloc?: (pointer: number, length: number) => void
  _initialize?: () => void
}

/**
 * One call of a module: the call as JSON goes to where `alloc` says, `run` answers where the result's JSON is (the
 * pointer in the high 32 bits, the length in the low), and the input is given back to `dealloc`, if there is one.
 * The result is copied before, and the instance is not used again.
 */
export function callModule(bytes: Uint8Array, call: WasmToolCall, wasi: Wasi): WasmAnswer {
  const fault = moduleFault(bytes)
  if (fault !== undefined) return failed(`Failed to load WASM module: ${fault}`)
  try {
    const module = new wasmEngine.Module(bytes)
    const missing = importFault(module) ?? exportFault(module)
    if (missing !== undefined) return failed(missing)
    const instance = new wasmEngine.Instance(module, { wasi_snapshot_preview1: wasi.imports })
    const exports = instance.exports as unknown as Exports
    wasi.useMemory(exports.memory)
    exports._initialize?.()
    return exchange(exports, call)
  } catch (error) {
    return failed(thrownWords(error))
  }
}

function exchange({ memory, alloc, run, dealloc }: Exports, call: WasmToolCall): WasmAnswer {
  const input = Buffer.from(JSON.stringify({ id: call.id, name: call.name, arguments: call.arguments }))
  const pointer = alloc(input.length) >>> 0
  if (pointer === 0) return failed('WASM alloc returned 0')
  const room = window(memory, pointer, input.length)
  if (room === undefined) return failed('WASM alloc gave a place outside the memory')
  room.set(input)
  const packed = BigInt.asUintN(64, run(pointer, input.length))
  const length = Number(packed & 0xffff_ffffn)
  if (length === 0) return failed('WASM ABI returned empty ToolResult buffer')
  if (length > MAX_RESULT_BYTES) return failed(`The ToolResult of the WASM module is above ${MAX_RESULT_BYTES} bytes`)
  const found = window(memory, Number(packed >> 32n), length)
  if (found === undefined) return failed('The ToolResult of the WASM module lies outside its memory')
  const answer = readResult(Buffer.from(found))
  dealloc?.(pointer, input.length)
  return answer
}

function window(memory: WebAssembly.Memory, pointer: number, length: number): Uint8Array | undefined {
  return pointer + length > memory.buffer.byteLength ? undefined : new Uint8Array(memory.buffer, pointer, length)
}

function readResult(bytes: Uint8Array): WasmAnswer {
  let value: Partial<WasmToolResult> | null
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Partial<WasmToolResult> | null
  } catch (error) {
    return failed(`Invalid ToolResult JSON returned from WASM skill: ${(error as Error).message}`)
  }
  const { call_id, tool_name, output, is_error } = value ?? {}
  if (typeof call_id !== 'string' || typeof tool_name !== 'string') return failed(NOT_A_RESULT)
  if (typeof output !== 'string' || typeof is_error !== 'boolean') return failed(NOT_A_RESULT)
  return { ok: true, result: { call_id, tool_name, output, is_error } }
}

const NOT_A_RESULT =
  'Invalid ToolResult JSON returned from WASM skill: it needs call_id, tool_name, output and is_error'

function importFault(module: object): string | undefined {
  const strange = wasmEngine.Module.imports(module).find(
    ({ module: from, kind }) => from !== 'wasi_snapshot_preview1' || kind !== 'function',
  )
  if (strange === undefined) return undefined
  return `The WASM module wants ${strange.module}.${strange.name}; there are functions of wasi_snapshot_preview1 only`
}

function exportFault(module: object): string | undefined {
  const has = wasmEngine.Module.exports(module)
  const wanted = { memory: 'memory', alloc: 'function', run: 'function' }
  const missing = Object.entries(wanted).find(
    ([name, kind]) => !has.some((one) => one.name === name && one.kind === kind),
  )
  return missing === undefined ? undefined : `WASM export '${missing[0]}' not found`
}

/** Everything that a module can make the engine throw: it does not compile or link, it traps, its types differ. */
function thrownWords(error: unknown): string {
  if (error instanceof ModuleExit) return `WASM execution failed: the module ended itself with code ${error.code}`
  if (error instanceof wasmEngine.CompileError || error instanceof wasmEngine.LinkError)
    return `Failed to load WASM module: ${error.message}`
  if (error instanceof wasmEngine.RuntimeError || error instanceof RangeError || error instanceof TypeError)
    return `WASM execution failed: ${error.message}`
  // What a module throws by the exception instructions is no Error.
  if (error instanceof Error) throw error
  return 'WASM execution failed: the module threw something'
}

function failed(message: string): WasmAnswer {
  return { ok: false, message }
}
