import { spawn } from 'node:child_process'
import { join } from 'node:path'

export type ProgramResult = { code: number; output: string }

/** Runs a program to its end and collects what it says on both streams. */
export function runProgram(program: string, args: readonly string[], cwd: string): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, output }))
  })
}

/** Runs a tool that npm installed, under the Node that runs this. */
export function runTool(root: string, file: string, args: readonly string[]): Promise<ProgramResult> {
  return runProgram(process.execPath, [join(root, 'node_modules', file), ...args], root)
}
