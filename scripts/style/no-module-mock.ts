import ts from 'typescript'
import { type Finding, findingAt, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/** Tests use real parts through the public door. A replaced module proves nothing about the one that ships. */
export const noModuleMock = defineRule({
  name: 'no-module-mock',
  severity: 'error',
  check: (file) => {
    const findings: Finding[] = []
    walk(file.tree, (node) => {
      if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return
      const { expression: target, name } = node.expression
      if (!ts.isIdentifier(target) || !/^(vi|vitest|jest)$/.test(target.text) || !MOCKERS.test(name.text)) return
      findings.push(findingAt(file, node, `${target.text}.${name.text} replaces a module; pass a real part instead`))
    })
    return findings
  },
  bad: [
    { path: 'common/src/a.test.ts', text: "vi.mock('./a.ts')\n" },
    { path: 'common/src/b.test.ts', text: "jest.doMock('./a.ts')\n" },
  ],
  good: [{ path: 'common/src/a.test.ts', text: 'const f = vi.fn()\nmock(f)\n' }],
})

const MOCKERS = /^(mock|doMock|unstable_mockModule|importMock|hoisted)$/
