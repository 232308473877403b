import { createContext, Script } from 'node:vm'

/** How long one file may take: a pattern can be made to take for ever, and nothing else runs meanwhile. */
const FILE_MS = 150
const MAX_LINE_CHARS = 300

export type MatchingLine = { number: number; line: string }

/** The first `limit` lines of a text that match, or `too slow`. */
export type LineMatcher = (text: string, limit: number) => MatchingLine[] | 'too slow'

/** Runs in a context of its own, because only there a matching can be stopped on its way. */
const SCRIPT = new Script(`(() => {
  const found = []
  let number = 0
  for (const line of text.split(/\\r?\\n/)) {
    number += 1
    if (!pattern.test(line)) continue
    found.push([number, line.slice(0, longest + 1)])
    if (found.length >= limit) break
  }
  return JSON.stringify(found)
})()`)

/** A regular expression that gives up instead of running for ever. */
export function createLineMatcher(
  source: string,
  ignoreCase: boolean,
): { ok: true; match: LineMatcher } | { ok: false; message: string } {
  const pattern = compile(source, ignoreCase)
  if (typeof pattern === 'string') return { ok: false, message: pattern }
  const context = createContext({ pattern, longest: MAX_LINE_CHARS })
  const match: LineMatcher = (text, limit) => {
    Object.assign(context, { text, limit })
    try {
      const found = JSON.parse(SCRIPT.runInContext(context, { timeout: FILE_MS })) as [number, string][]
      return found.map(([number, line]) => ({ number, line: shorten(line) }))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return 'too slow'
      throw error
    }
  }
  return { ok: true, match }
}

function compile(source: string, ignoreCase: boolean): RegExp | string {
  try {
    return new RegExp(source, ignoreCase ? 'i' : '')
  } catch (error) {
    return `${(error as Error).message}.`
  }
}

function shorten(line: string): string {
  return line.length <= MAX_LINE_CHARS ? line : `${line.slice(0, MAX_LINE_CHARS).toWellFormed()}…`
}
