import ts from 'typescript'
import { type Finding, findingAt, isTest, type SourceFile, walk } from '../repository.ts'
import { defineRule } from './rule.ts'

/**
 * Shared code never asks which chain, channel or provider it deals with: it asks a property or calls a method that
 * each member defines. The members' own folders (`chains/evm/…`, `channels/telegram.ts`) know who they are.
 */
export const noMemberName = defineRule({
  name: 'no-member-name',
  severity: 'error',
  check: (file) => (isTest(file.path) || isOwnFile(file.path) ? [] : comparisons(file)),
  bad: [
    { path: 'wallet/daemon/src/engine/a.ts', text: "if (tx.chain === 'solana') go()\n" },
    { path: 'wallet/daemon/src/engine/b.ts', text: "const isEvm = 'evm' !== kind\n" },
    { path: 'wallet/daemon/src/engine/c.ts', text: "switch (wallet.chain) { case 'x': break }\n" },
    { path: 'wallet/core/src/d.ts', text: "if (adapter.chain.name == 'evm') go()\n" },
    { path: 'agent/openpista/src/e.ts', text: "if (session.channel.startsWith('telegram:')) go()\n" },
    { path: 'agent/openpista/src/f.ts', text: "if (['openai', 'x'].includes(provider)) go()\n" },
    { path: 'wallet/daemon/src/chains/chain-adapter.ts', text: "if (chain === 'evm') go()\n" },
  ],
  good: [
    { path: 'wallet/daemon/src/chains/solana/a.ts', text: "if (network.chain === 'solana') go()\n" },
    { path: 'wallet/daemon/src/engine/b.ts', text: "if (adapter.hasNonces && tx.status === 'PENDING') go()\n" },
    { path: 'wallet/daemon/src/engine/c.ts', text: "if (chain === undefined || typeof chain === 'string') go()\n" },
    { path: 'wallet/core/src/d.test.ts', text: "if (tx.chain === 'solana') go()\n" },
    { path: 'wallet/core/src/e.ts', text: 'if (a.chain === b.chain) go()\n' },
  ],
})

/** Variables and properties that hold a member's name. */
const HOLDERS = /^(chain|network|channel|provider)(Name|Id)?$/
/** Names that mean a chain family wherever they are compared. */
const NAMES = /^(solana|evm)$/
const OWN_FOLDER = /\/(chains|channels|providers|networks)\/([^/]+)/
const SHARED_FILE = /^(index|chain-adapter|channel|provider|conformance)\.ts$/

function isOwnFile(path: string): boolean {
  const match = OWN_FOLDER.exec(path)
  return match !== null && !SHARED_FILE.test(match[2] ?? '')
}

function comparisons(file: SourceFile): Finding[] {
  const findings: Finding[] = []
  walk(file.tree, (node) => {
    if (asksWho(node)) findings.push(findingAt(file, node, 'compares a member by name; ask a property or a method'))
  })
  return findings
}

function asksWho(node: ts.Node): boolean {
  if (ts.isBinaryExpression(node) && EQUALITY.has(node.operatorToken.kind)) {
    return isNameTest(node.left, node.right) || isNameTest(node.right, node.left)
  }
  if (ts.isSwitchStatement(node)) {
    return node.caseBlock.clauses.some(
      (clause) => ts.isCaseClause(clause) && isNameTest(node.expression, clause.expression),
    )
  }
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return false
  const { name, expression: target } = node.expression
  const argument = node.arguments[0]
  if (argument === undefined) return false
  if (name.text === 'startsWith' || name.text === 'endsWith') return isNameTest(target, argument)
  if (name.text !== 'includes' || !ts.isArrayLiteralExpression(target)) return false
  return target.elements.some((element) => isNameTest(argument, element))
}

const EQUALITY = new Set([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken,
])

function isNameTest(value: ts.Expression, literal: ts.Expression): boolean {
  if (!ts.isStringLiteralLike(literal) || literal.text === '') return false
  return !ts.isTypeOfExpression(value) && (NAMES.test(literal.text) || holdsName(value))
}

/** `chain`, `tx.chain`, `tx.chain.name`, `tx?.chain`. */
function holdsName(value: ts.Expression): boolean {
  if (ts.isIdentifier(value)) return HOLDERS.test(value.text)
  if (!ts.isPropertyAccessExpression(value)) return false
  if (HOLDERS.test(value.name.text)) return true
  return (value.name.text === 'name' || value.name.text === 'id') && holdsName(value.expression)
}
