import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assemble } from '../agent/openpista/src/testing/wat.ts'
import { repositoryRoot } from './repository.ts'

/** Assembles every `skills/<name>/main.wat` into the `main.wasm` beside it. */
const folder = join(repositoryRoot, 'skills')
for (const name of readdirSync(folder).sort()) {
  if (!readdirSync(join(folder, name)).includes('main.wat')) continue
  const module = assemble(readFileSync(join(folder, name, 'main.wat'), 'utf8'))
  writeFileSync(join(folder, name, 'main.wasm'), module)
  process.stdout.write(`skills/${name}/main.wasm: ${module.length} bytes\n`)
}
