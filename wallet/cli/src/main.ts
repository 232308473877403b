#!/usr/bin/env -S node --disable-sigusr1
// Where Node was started without that flag: with a listener SIGUSR1 opens no debugger. The rest loads after it.
process.on('SIGUSR1', () => {})

const [{ reportFault }, { createProgram }] = await Promise.all([import('./fault.ts'), import('./program.ts')])
try {
  await createProgram().parseAsync(process.argv)
} catch (error) {
  process.exitCode = reportFault(error)
}
