import ts from 'typescript'
import { type Finding, findingAt, isTest, type SourceFile, walk } from '../repository.ts'
import { defineRule, type StyleRule } from './rule.ts'

/** The limits and what people should aim at. */
const FILE = { error: 600, warning: 400 }
const FUNCTION = { error: 100, warning: 60 }

export const fileLength = fileLengthRule('error', (lines) => lines > FILE.error)
export const fileLengthSoft = fileLengthRule('warning', (lines) => lines > FILE.warning && lines <= FILE.error)
export const functionLength = functionLengthRule('error', (lines) => lines > FUNCTION.error)
export const functionLengthSoft = functionLengthRule(
  'warning',
  (lines) => lines > FUNCTION.warning && lines <= FUNCTION.error,
)

function fileLengthRule(severity: StyleRule['severity'], tooLong: (lines: number) => boolean): StyleRule {
  const limit = FILE[severity]
  return defineRule({
    name: `file-length-${severity}`,
    severity,
    check: (file) => {
      const lines = file.text.replace(/\n$/, '').split('\n').length
      return tooLong(lines) ? [{ path: file.path, line: 1, message: `${lines} lines; split it (over ${limit})` }] : []
    },
    bad: [{ path: 'common/src/long.ts', text: '// line\n'.repeat(limit + 1) }],
    good: [{ path: 'common/src/short.ts', text: '// line\n'.repeat(FILE.warning) }],
  })
}

function functionLengthRule(severity: StyleRule['severity'], tooLong: (lines: number) => boolean): StyleRule {
  const limit = FUNCTION[severity]
  return defineRule({
    name: `function-length-${severity}`,
    severity,
    check: (file) => (isTest(file.path) ? [] : longFunctions(file, tooLong, limit)),
    bad: [
      { path: 'common/src/long.ts', text: functionOf(limit + 1) },
      { path: 'common/src/arrow.ts', text: `export const f = () => {\n${'  g()\n'.repeat(limit - 1)}}\n` },
    ],
    good: [
      { path: 'common/src/short.ts', text: functionOf(FUNCTION.warning) },
      { path: 'common/src/two.ts', text: functionOf(FUNCTION.warning).repeat(2) },
    ],
  })
}

function longFunctions(file: SourceFile, tooLong: (lines: number) => boolean, limit: number): Finding[] {
  const findings: Finding[] = []
  walk(file.tree, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || node.body === undefined) return
    const lineOf = (position: number) => file.tree.getLineAndCharacterOfPosition(position).line
    const lines = lineOf(node.end) - lineOf(node.getStart(file.tree)) + 1
    if (tooLong(lines)) findings.push(findingAt(file, node, `function of ${lines} lines; split it (over ${limit})`))
  })
  return findings
}

function functionOf(lines: number): string {
  return `function f() {\n${'  g()\n'.repeat(lines - 2)}}\n`
}
