import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { AppError, loadConfig, writeFileAtomic } from '@openpista/common'
import { Config } from '../config.ts'

export type ConfigValue = string | number | boolean | readonly string[]

/** A key to be set: `agent.model`. */
export type ConfigChange = { path: string; value: ConfigValue }

/**
 * Writes keys into a configuration file and leaves every other line, comments too, as it is. What comes out is read
 * before it takes the file's place: it must differ from what was there in these keys only.
 *
 * @throws AppError `CONFIG_NOT_WRITTEN` when the file is written in a way that this cannot change; it stays as it was.
 * `CONFIG_INVALID` when it was not valid before.
 */
export function changeConfig(file: string, changes: readonly ConfigChange[]): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const before = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const wanted = changes.reduce<unknown>((config, change) => withValue(config, change), read(file))
  const after = changes.reduce((text, change) => setKey(text, change), before)
  if (!yields(after, wanted, `${file}.new`)) {
    const lines = changes.map(({ path, value }) => `[${tableOf(path)}] ${nameOf(path)} = ${toml(value)}`)
    throw new AppError('CONFIG_NOT_WRITTEN', `${file} could not be changed.`, {
      hint: `Write into it yourself: ${lines.join('; ')}`,
    })
  }
  // A link to a file that lies elsewhere stays one.
  writeFileAtomic(existsSync(file) ? realpathSync(file) : file, after)
}

/** What the text says when it is read as a configuration is what was wanted. */
function yields(text: string, wanted: unknown, trial: string): boolean {
  try {
    writeFileAtomic(trial, text)
    return isDeepStrictEqual(read(trial), wanted)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    return false
  } finally {
    rmSync(trial, { force: true })
  }
}

/** The file alone, without the environment. */
function read(file: string): Config {
  return loadConfig(Config, { file, env: {}, envKeys: {} })
}

/** A copy in which the key has the value. */
function withValue(config: unknown, { path, value }: ConfigChange): unknown {
  const [head = '', ...rest] = path.split('.')
  const table = config as Record<string, unknown>
  return { ...table, [head]: rest.length === 0 ? value : withValue(table[head], { path: rest.join('.'), value }) }
}

function setKey(text: string, { path, value }: ConfigChange): string {
  const name = nameOf(path)
  const setting = `${name} = ${toml(value)}`
  const header = new RegExp(`^([ \\t]*\\[[ \\t]*${tableOf(path).replaceAll('.', '\\.')}[ \\t]*\\][^\\n]*\\n?)`, 'm')
  const [head = '', section, rest = ''] = text.split(header)
  if (section === undefined) {
    return `${head}${head === '' || head.endsWith('\n') ? '' : '\n'}[${tableOf(path)}]\n${setting}\n`
  }
  const end = rest.search(/^[ \t]*\[/m)
  const table = end === -1 ? rest : rest.slice(0, end)
  const tail = end === -1 ? '' : rest.slice(end)
  const line = new RegExp(`^([ \\t]*)${name}[ \\t]*=[^\\n]*$`, 'm')
  const changed = line.test(table)
    ? table.replace(line, (old, gap: string) => `${gap}${setting}${commentOf(old)}`)
    : `${setting}\n${table}`
  return `${head}${section.trimEnd()}\n${changed}${tail}`
}

/** The comment behind a value that holds no `#` itself. */
function commentOf(line: string): string {
  return /^[^#"']*(?:"[^"#\\]*"|'[^'#]*')?[^#"']*(\s#.*)$/.exec(line)?.[1] ?? ''
}

function tableOf(path: string): string {
  return path.slice(0, path.lastIndexOf('.'))
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1)
}

/** JSON's strings are TOML's basic strings, but for DEL, which JSON leaves as it is. */
function toml(value: ConfigValue): string {
  return JSON.stringify(value).replaceAll('\u007f', '\\u007f')
}
