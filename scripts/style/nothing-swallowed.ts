import ts from 'typescript'
import { type Finding, findingAt, type SourceFile, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/** A catch handles, converts or rethrows; a promise is awaited or given to somebody who awaits it. */
export const nothingSwallowed = defineRule({
  name: 'nothing-swallowed',
  severity: 'error',
  check: (file) => {
    const findings: Finding[] = []
    walk(file.tree, (node) => {
      if (isEmptyCatch(file, node)) findings.push(findingAt(file, node, 'an empty catch without a reason'))
      if (isCatchAway(file, node)) findings.push(findingAt(file, node, '.catch that drops the error without a reason'))
      if (isFireAndForget(node)) findings.push(findingAt(file, node, 'a promise that nobody awaits'))
    })
    return findings
  },
  bad: [
    { path: 'common/src/a.ts', text: 'try { f() } catch {}\n' },
    { path: 'common/src/b.ts', text: 'await f().catch(() => {})\n' },
    { path: 'common/src/c.ts', text: 'export function g() { void f() }\n' },
    { path: 'common/src/d.ts', text: 'await f().catch(() => undefined)\n' },
  ],
  good: [
    { path: 'common/src/a.ts', text: 'try { f() } catch (error) { report(error) }\n' },
    { path: 'common/src/b.ts', text: 'try { f() } catch {\n  // Gone already: that is what we want.\n}\n' },
    { path: 'common/src/c.ts', text: 'await f().catch(() => {\n  // Gone already.\n})\n' },
    { path: 'common/src/e.ts', text: 'void ended.then((code) => { resolve(code) })\n' },
    { path: 'common/src/d.ts', text: 'const a = void 0\nawait f().catch(() => "default")\n' },
  ],
})

function isEmptyCatch(file: SourceFile, node: ts.Node): boolean {
  return ts.isCatchClause(node) && isEmptyBlock(file, node.block)
}

function isCatchAway(file: SourceFile, node: ts.Node): boolean {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
  if (node.expression.name.text !== 'catch') return false
  const handler = node.arguments[0]
  if (handler === undefined || !ts.isArrowFunction(handler)) return false
  if (ts.isBlock(handler.body)) return isEmptyBlock(file, handler.body)
  return ts.isIdentifier(handler.body) && handler.body.text === 'undefined'
}

/** `void f()`; what follows a promise by `.then` is how its end is passed on. */
function isFireAndForget(node: ts.Node): boolean {
  if (!ts.isExpressionStatement(node) || !ts.isVoidExpression(node.expression)) return false
  const call = node.expression.expression
  if (!ts.isCallExpression(call)) return false
  return !(ts.isPropertyAccessExpression(call.expression) && call.expression.name.text === 'then')
}

function isEmptyBlock(file: SourceFile, block: ts.Block): boolean {
  return block.statements.length === 0 && !/\/[/*]/.test(block.getText(file.tree))
}
