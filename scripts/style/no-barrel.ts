import ts from 'typescript'
import { type Finding, findingAt, type SourceFile } from '../repository.ts'
import { defineRule } from './rule.ts'

/** Only a package's entry gathers and re-exports; everywhere else a name is imported from the file that declares it. */
export const noBarrel = defineRule({
  name: 'no-barrel',
  severity: 'error',
  check: (file, repository) => (repository.packageEntries.has(file.path) ? [] : reExports(file)),
  bad: [
    { path: 'common/src/things.ts', text: "export * from './a.ts'\n" },
    { path: 'common/src/things/index.ts', text: "export { a } from './a.ts'\nexport type { B } from './b.ts'\n" },
    { path: 'common/src/again.ts', text: "import { a } from './a.ts'\nexport { a }\n" },
  ],
  good: [
    { path: 'common/src/index.ts', text: "export { a } from './a.ts'\n" },
    { path: 'common/src/rules/index.ts', text: "import { a } from './a.ts'\nexport const rules = [a]\n" },
    { path: 'common/src/logger.ts', text: "export type { Logger } from 'pino'\n" },
    { path: 'common/src/again.ts', text: "import type { Logger } from 'pino'\nexport type { Logger }\n" },
    { path: 'common/src/own.ts', text: 'const a = 1\nexport { a }\n' },
  ],
})

function reExports(file: SourceFile): Finding[] {
  const imported = new Set<string>()
  for (const statement of file.tree.statements) {
    if (!ts.isImportDeclaration(statement) || !isOurs(statement.moduleSpecifier)) continue
    const clause = statement.importClause
    if (clause?.name) imported.add(clause.name.text)
    const bindings = clause?.namedBindings
    if (bindings && ts.isNamespaceImport(bindings)) imported.add(bindings.name.text)
    if (bindings && ts.isNamedImports(bindings)) for (const item of bindings.elements) imported.add(item.name.text)
  }
  return file.tree.statements
    .filter((statement) => ts.isExportDeclaration(statement))
    .filter((statement) => isOurs(statement.moduleSpecifier) || exportsImported(statement, imported))
    .map((statement) => findingAt(file, statement, 're-export outside a package entry; import from the declaring file'))
}

/** Passing on a name of an outside package hides that package, which may be the point. */
function isOurs(specifier: ts.Expression | undefined): boolean {
  return specifier !== undefined && ts.isStringLiteral(specifier) && specifier.text.startsWith('.')
}

function exportsImported(statement: ts.ExportDeclaration, imported: ReadonlySet<string>): boolean {
  const clause = statement.exportClause
  if (clause === undefined || !ts.isNamedExports(clause)) return false
  return clause.elements.some((item) => imported.has((item.propertyName ?? item.name).text))
}
