#!/usr/bin/env -S node --disable-sigusr1
// Where Node was started without that flag: with a listener SIGUSR1 opens no debugger. The rest loads after it.
process.on('SIGUSR1', () => {})

const { runProgram } = await import('./program.ts')
const failed = await runProgram(process.argv)
if (failed !== undefined) process.exitCode = failed
