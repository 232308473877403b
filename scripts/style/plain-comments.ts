import ts from 'typescript'
import { findingAtPosition, type SourceFile } from '../repository.ts'
import { defineRule } from './rule.ts'

/** Comments give contracts and reasons in the present tense, nothing that only its writer's desk explains. */
export const plainComments = defineRule({
  name: 'plain-comments',
  severity: 'error',
  check: (file) =>
    comments(file).flatMap((comment) => {
      const fault = FAULTS.find(({ pattern }) => pattern.test(comment.text))
      return fault === undefined ? [] : [findingAtPosition(file, comment.position, fault.message)]
    }),
  bad: [
    { path: 'common/src/a.ts', text: '// fixes #123\n' },
    { path: 'common/src/b.ts', text: 'const a = 1 // see issue 4\n' },
    { path: 'common/src/c.ts', text: '/** Added in phase 2. */\nexport const a = 1\n' },
    { path: 'common/src/d.ts', text: '// ---------- helpers ----------\n' },
    { path: 'common/src/e.ts', text: '/* ====== */\n' },
    { path: 'common/src/f.ts', text: 'function f() {\n  // TODO: later\n}\n' },
    { path: 'common/src/g.ts', text: '// since v1.4 this is a list\n' },
    { path: 'common/src/h.ts', text: '//////// helpers\n' },
  ],
  good: [
    {
      path: 'common/src/a.ts',
      text: '/** EIP-712 typed data; RFC 8785 order; the colour #123456. */\nexport const a = 1\n',
    },
    { path: 'common/src/b.ts', text: "const a = 'issue 4 ---------- #12' // a dash - or two -- is fine\n" },
    { path: 'common/src/c.ts', text: '// TLS 1.3 or newer; PHASES is a list\n' },
    { path: 'common/src/d.ts', text: 'const url = `http://localhost/#12` // link\n' },
  ],
})

const FAULTS = [
  { pattern: /(^|[\s(])#\d{1,5}\b/, message: 'a comment with a ticket number' },
  { pattern: /\b(issue|ticket|phase|milestone|sprint)s?\s+#?\d+/i, message: 'a comment that names a ticket or phase' },
  { pattern: /\bv\d+\.\d+/, message: 'a comment that names a version of ours; say what is, not since when' },
  { pattern: /\b(TODO|FIXME|XXX|HACK)\b/, message: 'a comment that puts work off; do it or write it down elsewhere' },
  { pattern: /[-=#~_─━═]{5,}|^\/{4,}|^\/\*{3,}|\*{5,}/, message: 'a divider; split the file or let blank lines do it' },
]

type Comment = { position: number; text: string }

function comments(file: SourceFile): Comment[] {
  const found = new Map<number, Comment>()
  const add = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) found.set(pos, { position: pos, text: file.text.slice(pos, end) })
  }
  const visit = (node: ts.Node): void => {
    if (node.kind === ts.SyntaxKind.JsxText) return
    const children = node.getChildren(file.tree)
    if (children.length === 0 && !ts.isJSDoc(node)) {
      add(ts.getLeadingCommentRanges(file.text, node.pos))
      add(ts.getTrailingCommentRanges(file.text, node.end))
    }
    for (const child of children) visit(child)
  }
  visit(file.tree)
  return [...found.values()]
}
