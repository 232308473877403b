import { createHash } from 'node:crypto'
import { diffLines } from './diff.ts'
import type { Skill, SkillFile } from './skill.ts'

const PAGE_CHARS = 8000
const CODE_CHARS = 12
/** Unchanged lines that stay around a change. */
const AROUND = 2

/** What stands for exactly this state of a skill when the owner types it. */
export function codeOf(hash: string): string {
  return hash.slice(0, CODE_CHARS)
}

/**
 * Everything that a skill may do and every line that changed since it was approved, in pages. What approves it
 * stands at the end of the last one. `before`: the files that were approved, if any were. `confined`: whether scripts
 * are held to their permissions.
 */
export function reviewPages(skill: Skill, before: readonly SkillFile[] | undefined, confined: boolean): string[] {
  const paths = [...new Set([...(before ?? []), ...skill.files].map(({ path }) => path))].sort()
  const changes = paths.flatMap((path) => fileLines(path, fileOf(before ?? [], path), fileOf(skill.files, path)))
  const end = ['', `To use exactly this: /skill approve ${skill.name} ${codeOf(skill.hash)}`]
  const pages: string[] = []
  let page: string[] = headLines(skill, stateWords(before, changes), confined)
  for (const line of [...changes, ...end]) {
    if (page.join('\n').length + line.length > PAGE_CHARS) {
      pages.push(page.join('\n'))
      page = []
    }
    page.push(line)
  }
  return [...pages, page.join('\n')].map((text, index, all) => {
    if (index === all.length - 1) return text
    return `${text}\n[page ${index + 1} of ${all.length}; go on with /skill show ${skill.name} ${index + 2}]`
  })
}

function headLines(skill: Skill, state: string, confined: boolean): string[] {
  const { name, description, mode, entry, image, permissions } = skill
  const where = image === undefined ? '' : `, in a container of ${visible(image)}`
  const runs =
    entry === undefined ? 'nothing: it only tells the agent how to do something' : `${entry} (${mode})${where}`
  const isHeld = confined || entry === undefined || mode === 'wasm' || image !== undefined
  return [
    `${name}: ${visible(description)}`,
    `State: ${state}`,
    `Runs: ${runs}`,
    `Network: ${permissions.network ? 'YES' : 'no'}`,
    `Workspace: ${{ none: 'not at all', read: 'may read it', write: 'may READ AND WRITE it' }[permissions.workspace]}`,
    ...(isHeld ? [] : [NOT_HELD]),
  ]
}

function stateWords(before: readonly SkillFile[] | undefined, changes: readonly string[]): string {
  if (before === undefined) return 'new'
  return changes.length === 0 ? 'approved as it is' : 'changed since it was approved'
}

const NOT_HELD =
  'NO SANDBOX: commands run on this machine itself, and this program could do everything that you can do.'

function fileOf(files: readonly SkillFile[], path: string): Buffer | undefined {
  return files.find((file) => file.path === path)?.content
}

function fileLines(path: string, before: Buffer | undefined, after: Buffer | undefined): string[] {
  if (before !== undefined && after?.equals(before) === true) return []
  const word = before === undefined ? 'new' : after === undefined ? 'gone' : 'changed'
  const head = ['', `=== ${path} (${word})`]
  const [old, fresh] = [linesOf(before), linesOf(after)]
  if (old === undefined || fresh === undefined) return [...head, `  ${binaryWords(after ?? before!)}`]
  return [...head, ...withoutUnchanged(diffLines(old, fresh)).flatMap(folded)]
}

/** `undefined` for what is no text. */
function linesOf(content: Buffer | undefined): string[] | undefined {
  if (content === undefined || content.length === 0) return []
  if (content.includes(0)) return undefined
  const text = content.toString('utf8')
  return Buffer.from(text).equals(content) ? text.replace(/\n$/, '').split('\n').map(visible) : undefined
}

function binaryWords(content: Buffer): string {
  return `no text: ${content.length} bytes, SHA-256 ${createHash('sha256').update(content).digest('hex')}`
}

function withoutUnchanged(lines: readonly string[]): string[] {
  const near = (index: number) =>
    lines.slice(Math.max(0, index - AROUND), index + AROUND + 1).some((line) => !line.startsWith('  '))
  return lines.flatMap((line, index) => {
    if (near(index)) return [line]
    return index > 0 && !near(index - 1) ? [] : ['  …']
  })
}

/** A line that is longer than a page would hide what stands behind it. */
function folded(line: string): string[] {
  return line.match(/[\s\S]{1,1000}/gu) ?? ['']
}

/** Characters that change how others look, or none see, are written out. */
function visible(text: string): string {
  return text
    .replaceAll('\t', '    ')
    .replace(
      /[\p{Cc}\p{Cf}\p{Co}\u2028\u2029\u3164\uFFA0\u115F\u1160]/gu,
      (char) => `\\u{${char.codePointAt(0)!.toString(16)}}`,
    )
}
