import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The repository's top folder. */
export const repositoryRoot = dirname(dirname(fileURLToPath(import.meta.url)))

/** A source file as the checks see it: its path from the repository's top, with forward slashes, and its syntax tree. */
export type SourceFile = { path: string; text: string; tree: ts.SourceFile }

/** A fault that a check found. Lines count from 1. */
export type Finding = { path: string; line: number; message: string }

/** Everything that somebody wrote, found without git: generated and installed folders are left out. */
export function listFiles(root: string): string[] {
  const found: string[] = []
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) {
        if (!GENERATED.has(entry.name)) visit(path)
      } else if (entry.isFile()) {
        found.push(relative(root, path).split(sep).join('/'))
      }
    }
  }
  visit(root)
  return found.filter((path) => !path.startsWith('bench/results/')).sort()
}

/** Reads and parses every TypeScript file among the paths. */
export function readSources(root: string, paths: readonly string[]): SourceFile[] {
  return paths
    .filter((path) => /\.[cm]?tsx?$/.test(path) && !path.endsWith('.d.ts'))
    .map((path) => parseSource(path, readFileSync(join(root, path), 'utf8')))
}

export function parseSource(path: string, text: string): SourceFile {
  const kind = path.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS
  return { path, text, tree: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true, kind) }
}

/** A finding at a node. */
export function findingAt(file: SourceFile, node: ts.Node, message: string): Finding {
  return findingAtPosition(file, node.getStart(file.tree), message)
}

export function findingAtPosition(file: SourceFile, position: number, message: string): Finding {
  return { path: file.path, line: file.tree.getLineAndCharacterOfPosition(position).line + 1, message }
}

/** Calls `visitor` for the node and everything below it. */
export function walk(node: ts.Node, visitor: (node: ts.Node) => void): void {
  visitor(node)
  node.forEachChild((child) => walk(child, visitor))
}

/** Test files, and what only they use: conformance suites, fixtures, and a package's `testing/` folders. */
export function isTest(path: string): boolean {
  return /\.(test|conformance|fixture)\.tsx?$/.test(path) || /\/src\/(.*\/)?testing\//.test(path)
}

const GENERATED = new Set(['node_modules', 'dist', 'coverage', '.git', '.node', '.demo', '.cache', '__pycache__'])
