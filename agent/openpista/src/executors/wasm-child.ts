import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { callModule, type WasmToolCall } from './wasm-abi.ts'
import { createWasi } from './wasm-wasi.ts'

/**
 * A process for one call of one module: `wasm-child <folder> <workspace>`. The folder holds `main.wasm` and
 * `call.json`; an empty workspace is none. Prints a WasmReport.
 */
const [folder = '', workspace = ''] = process.argv.slice(2)
const call = JSON.parse(readFileSync(join(folder, 'call.json'), 'utf8')) as WasmToolCall
const wasi = createWasi(workspace === '' ? null : workspace)
const answer = callModule(new Uint8Array(readFileSync(join(folder, 'main.wasm'))), call, wasi)
const report = Buffer.from(JSON.stringify({ answer, stdout: wasi.printed(1), stderr: wasi.printed(2) }))
for (let sent = 0; sent < report.length; ) sent += writeSync(1, report, sent)
