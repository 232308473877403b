import ts from 'typescript'
import { findingAt, isTest, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/**
 * The engine and the chain adapters take the time, the timers and the ids that they use as arguments, so that a
 * simulation can run them on a clock of its own and repeat a run exactly.
 */
export const noOwnClock = defineRule({
  name: 'no-own-clock',
  severity: 'error',
  check: (file) => {
    if (!FOLDERS.test(file.path) || isTest(file.path)) return []
    const nodes: ts.Node[] = []
    walk(file.tree, (node) => {
      if (readsTheClock(node)) nodes.push(node)
    })
    return nodes.map((node) => findingAt(file, node, 'takes time or ids from the machine; make them an argument'))
  },
  bad: [
    { path: 'wallet/daemon/src/chains/a.ts', text: 'const now = performance.now()\n' },
    { path: 'wallet/daemon/src/engine/b.ts', text: 'const now = Date.now()\n' },
    { path: 'wallet/daemon/src/engine/c.ts', text: 'const now = new Date()\n' },
    { path: 'wallet/daemon/src/chains/d.ts', text: 'setTimeout(look, 5)\n' },
    { path: 'wallet/daemon/src/chains/e.ts', text: 'every(setImmediate)\n' },
    { path: 'wallet/daemon/src/engine/f.ts', text: 'const row = { id: newId() }\n' },
    { path: 'wallet/daemon/src/engine/g.ts', text: 'await sleep(5, signal)\n' },
    { path: 'wallet/daemon/src/engine/h.ts', text: 'run(systemClock)\n' },
  ],
  good: [
    { path: 'wallet/daemon/src/chains/a.ts', text: 'const now = timers.monotonic()\n' },
    { path: 'wallet/daemon/src/engine/b.ts', text: 'const now = clock.millis()\n' },
    { path: 'wallet/daemon/src/engine/c.ts', text: 'const day = new Date(clock.millis())\n' },
    { path: 'wallet/daemon/src/engine/d.ts', text: 'const row = { id: context.newId() }\n' },
    { path: 'wallet/daemon/src/engine/d.test.ts', text: 'setTimeout(look, 5)\n' },
    { path: 'wallet/daemon/src/engine/testing/e.ts', text: 'const now = Date.now()\n' },
    { path: 'wallet/daemon/src/jobs/f.ts', text: 'setTimeout(look, 5)\n' },
  ],
})

const FOLDERS = /^wallet\/daemon\/src\/(chains|engine)\//
const NAMES = /^(setTimeout|setInterval|setImmediate|newId|sleep|systemClock|systemTimers)$/
const CALLS = /^(performance|Date)\.now$/

function readsTheClock(node: ts.Node): boolean {
  if (ts.isIdentifier(node)) return NAMES.test(node.text) && !isMember(node)
  if (ts.isPropertyAccessExpression(node)) return CALLS.test(node.getText())
  return ts.isNewExpression(node) && node.expression.getText() === 'Date' && !node.arguments?.length
}

/** The name of something that was handed in, or an import: it is its use that counts. */
function isMember(node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node
  return ts.isPropertySignature(parent) || ts.isImportSpecifier(parent)
}
