#!/usr/bin/env node
import { reportFault } from './fault.ts'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync(process.argv)
} catch (error) {
  process.exitCode = reportFault(error)
}
