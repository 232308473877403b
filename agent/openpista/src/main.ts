#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join } from 'node:path'
import { homeFolder } from './home.ts'

/**
 * Compiled code is kept for the next start, in the agent's own folder: elsewhere others, or a tool, could put code
 * there that this program would run.
 */
const home = homeFolder(process.env)
if (existsSync(home)) enableCompileCache(join(home, 'code-cache'))

const { program } = await import('./cli/program.ts')
await program.parseAsync()
