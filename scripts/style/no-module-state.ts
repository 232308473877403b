import ts from 'typescript'
import { type Finding, findingAt, isTest, type SourceFile, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/** State belongs to a value that somebody creates and closes. A module's top level holds constants only. */
export const noModuleState = defineRule({
  name: 'no-module-state',
  severity: 'error',
  check: (file) => (isTest(file.path) ? [] : [...reassignable(file), ...mutatedConstants(file)]),
  bad: [
    { path: 'common/src/a.ts', text: 'let counter = 0\n' },
    { path: 'common/src/b.ts', text: 'const cache = new Map()\nexport const f = () => cache.set(1, 2)\n' },
    { path: 'common/src/c.ts', text: 'const list: string[] = []\nexport function f() { list.push("a") }\n' },
    { path: 'common/src/d.ts', text: 'const state = { on: false }\nexport function f() { state.on = true }\n' },
    {
      path: 'common/src/e.ts',
      text: 'const table: Record<string, number> = {}\nexport const f = () => { table["a"] = 1 }\n',
    },
    { path: 'common/src/f.ts', text: 'const count = { n: 0 }\nexport const f = () => count.n++\n' },
    { path: 'common/src/g.ts', text: 'const table = { a: 1 }\nexport const f = () => { delete table.a }\n' },
  ],
  good: [
    { path: 'common/src/a.ts', text: 'const names = new Set(["a"])\nexport const has = (n: string) => names.has(n)\n' },
    { path: 'common/src/b.ts', text: 'export function f() { let n = 0; const m = new Map(); m.set(1, n); n++ }\n' },
    {
      path: 'common/src/c.ts',
      text: 'const m = new Map()\nexport function f() { const m = new Map(); m.set(1, 2) }\n',
    },
    { path: 'common/src/e.ts', text: 'const m = new Map()\nfor (const n of [1]) m.set(n, n)\n' },
    { path: 'common/src/d.test.ts', text: 'let server: unknown\n' },
  ],
})

const MUTATORS = new Set('set add delete clear push pop shift unshift splice sort reverse fill copyWithin'.split(' '))

function reassignable(file: SourceFile): Finding[] {
  return topLevelVariables(file)
    .filter((list) => (list.declarationList.flags & ts.NodeFlags.Const) === 0 && !isAmbient(list))
    .map((list) =>
      findingAt(file, list, 'a variable at the top level of a module; give it to a value with a life cycle'),
    )
}

function mutatedConstants(file: SourceFile): Finding[] {
  const names = new Set<string>()
  for (const list of topLevelVariables(file)) {
    for (const declaration of list.declarationList.declarations) {
      if (ts.isIdentifier(declaration.name) && isContainer(declaration.initializer)) names.add(declaration.name.text)
    }
  }
  const findings: Finding[] = []
  if (names.size === 0) return findings
  walk(file.tree, (node) => {
    const target = mutatedTarget(node)
    if (target === undefined || !names.has(target.text) || !isInFunction(target) || isShadowed(target)) return
    findings.push(findingAt(file, node, `'${target.text}' is module state: it is changed after the module was loaded`))
  })
  return findings
}

function topLevelVariables(file: SourceFile): ts.VariableStatement[] {
  return file.tree.statements.filter((statement) => ts.isVariableStatement(statement))
}

function isAmbient(list: ts.VariableStatement): boolean {
  return list.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.DeclareKeyword) ?? false
}

function isContainer(initializer: ts.Expression | undefined): boolean {
  if (initializer === undefined) return false
  return (
    ts.isNewExpression(initializer) ||
    ts.isArrayLiteralExpression(initializer) ||
    ts.isObjectLiteralExpression(initializer)
  )
}

/** The identifier whose value a node changes: `x.set(…)`, `x.y = …`, `x[y] = …`, `x.y++`, `delete x.y`. */
function mutatedTarget(node: ts.Node): ts.Identifier | undefined {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    if (MUTATORS.has(node.expression.name.text)) return asIdentifier(node.expression.expression)
  }
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return rootOfAccess(node.left)
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const changes = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken
    return changes ? rootOfAccess(node.operand) : undefined
  }
  return ts.isDeleteExpression(node) ? rootOfAccess(node.expression) : undefined
}

function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment
}

function rootOfAccess(expression: ts.Expression): ts.Identifier | undefined {
  if (!ts.isPropertyAccessExpression(expression) && !ts.isElementAccessExpression(expression)) return undefined
  return asIdentifier(expression.expression)
}

function asIdentifier(expression: ts.Expression): ts.Identifier | undefined {
  return ts.isIdentifier(expression) ? expression : undefined
}

/** What the top level does to its own constants while the module loads is how they are built. */
function isInFunction(identifier: ts.Identifier): boolean {
  return ts.findAncestor(identifier, ts.isFunctionLike) !== undefined
}

/** Whether a function around the identifier declares the same name again. */
function isShadowed(identifier: ts.Identifier): boolean {
  for (let node: ts.Node = identifier.parent; !ts.isSourceFile(node); node = node.parent) {
    if (ts.isFunctionLike(node) && declares(node, identifier.text)) return true
  }
  return false
}

function declares(scope: ts.Node, name: string): boolean {
  let found = false
  walk(scope, (node) => {
    if (!ts.isVariableDeclaration(node) && !ts.isParameter(node) && !ts.isBindingElement(node)) return
    if (ts.isIdentifier(node.name) && node.name.text === name) found = true
  })
  return found
}
