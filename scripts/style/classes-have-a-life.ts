import ts from 'typescript'
import { type Finding, findingAt, type SourceFile, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/** Classes are for errors and for things with a life cycle, which a script knows by their end. The rest is functions. */
export const classesHaveALife = defineRule({
  name: 'classes-have-a-life',
  severity: 'warning',
  check: (file) => {
    const findings: Finding[] = []
    walk(file.tree, (node) => {
      if (!ts.isClassLike(node) || extendsSomething(node) || hasEnd(file, node)) return
      findings.push(findingAt(file, node, 'a class that is neither an error nor ever closed; use functions and data'))
    })
    return findings
  },
  bad: [{ path: 'common/src/a.ts', text: 'export class Helper { help() {} }\n' }],
  good: [
    { path: 'common/src/a.ts', text: 'export class Broken extends Error {}\n' },
    { path: 'common/src/b.ts', text: 'export class Server { async close() {} }\n' },
    { path: 'common/src/c.ts', text: 'export class Lock { [Symbol.asyncDispose]() {} }\n' },
  ],
})

const ENDS = /^(close|stop|end|dispose|destroy|shutdown|\[Symbol\.(asyncDispose|dispose)\])$/

function extendsSomething(node: ts.ClassLikeDeclaration): boolean {
  return node.heritageClauses?.some((clause) => clause.token === ts.SyntaxKind.ExtendsKeyword) ?? false
}

function hasEnd(file: SourceFile, node: ts.ClassLikeDeclaration): boolean {
  return node.members.some((member) => member.name !== undefined && ENDS.test(member.name.getText(file.tree)))
}
