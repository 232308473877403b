import { existsSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { isTest, type SourceFile } from './repository.ts'

/**
 * Writes the types that a client needs of `@waiaas/core` as plain declarations without any import: every schema is
 * replaced by the shape it describes. So the published client carries neither the schemas nor their library.
 *
 * @param names the types that the client's sources import from core.
 * @throws Error when a type cannot be written without naming something outside.
 */
export function writeWireTypes(root: string, names: readonly string[]): string {
  const probe = join(root, 'wallet', 'core', 'src', 'wire-types.probe.ts')
  const shapes = names.map((name) => `export type ${name}_ = ${name === 'Routes' ? 'RouteShapes' : `Shape<${name}>`}`)
  const { checker, source } = typeCheck(root, probe, `${PROBE(names)}\n${shapes.join('\n')}\n`)
  const printer = ts.createPrinter()
  const module = checker.getSymbolAtLocation(source)
  const exported = module === undefined ? [] : checker.getExportsOfModule(module)
  const declarations = names.map((name) => {
    const symbol = exported.find((found) => found.name === `${name}_`)
    if (symbol === undefined) throw new Error(`@waiaas/core has no type ${name}`)
    const shape = checker.typeToTypeNode(checker.getDeclaredTypeOfSymbol(symbol), undefined, FORMAT)
    if (shape === undefined) throw new Error(`the type ${name} cannot be written`)
    return `export type ${name} = ${printer.printNode(ts.EmitHint.Unspecified, shape, source)}`
  })
  const text = `${declarations.join('\n')}\n`
  refuseLooseNames(text)
  return text
}

/**
 * The names that sources import from a package.
 *
 * @throws Error at an import of a value: it would need the package at run time.
 */
export function typesImportedFrom(name: string, files: readonly SourceFile[]): string[] {
  const names = new Set<string>()
  for (const file of files.filter(({ path }) => !isTest(path))) {
    for (const statement of file.tree.statements) {
      if (!ts.isImportDeclaration(statement) || (statement.moduleSpecifier as ts.StringLiteral).text !== name) continue
      const clause = statement.importClause
      const bindings = clause?.namedBindings
      const isTypeOnly = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      if (!isTypeOnly || bindings === undefined || !ts.isNamedImports(bindings)) {
        throw new Error(`${file.path} imports a value from ${name}; it may import types only, by name`)
      }
      for (const element of bindings.elements) names.add((element.propertyName ?? element.name).text)
    }
  }
  return [...names].sort()
}

const FORMAT =
  ts.NodeBuilderFlags.NoTruncation |
  ts.NodeBuilderFlags.InTypeAlias |
  ts.NodeBuilderFlags.MultilineObjectLiterals |
  ts.NodeBuilderFlags.UseSingleQuotesForStringLiteralType

/** `RouteShapes` keeps of each route what clients are typed by, in the places where the route table has it. */
const PROBE = (names: readonly string[]): string => `
import type { ${[...new Set([...names, 'Routes'])].join(', ')} } from './index.ts'
type Shape<T> = T extends readonly (infer Item)[] ? Shape<Item>[] : T extends object ? { [K in keyof T]: Shape<T[K]> } : T
type In<S> = S extends { _zod: { input: infer V } } ? { _zod: { input: Shape<V> } } : never
type Out<S> = S extends { _zod: { output: infer V } } ? { _zod: { output: Shape<V> } } : never
type Responses<R> = { [Status in keyof R]: R[Status] extends { schema: infer S } ? { schema: Out<S> } : object }
type Part<R, Key extends string> = R extends { [K in Key]: infer S } ? { [K in Key]: In<S> } : object
type RouteShapes = {
  [Name in keyof Routes]: Shape<
    Pick<Routes[Name], 'method' | 'path'> & { responses: Responses<Routes[Name]['responses']> } & Part<Routes[Name], 'body'> & Part<Routes[Name], 'query'>
  >
}`

function typeCheck(root: string, path: string, text: string): { checker: ts.TypeChecker; source: ts.SourceFile } {
  const config = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root)
  const host = ts.createCompilerHost(options)
  const { fileExists, getSourceFile } = host
  host.fileExists = (file) => file === path || fileExists(file)
  host.getSourceFile = (file, ...rest) =>
    file === path ? ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true) : getSourceFile(file, ...rest)
  const program = ts.createProgram([path], options, host)
  const source = program.getSourceFile(path)
  if (source === undefined || existsSync(path)) throw new Error(`${path} must not exist`)
  const faults = program.getSemanticDiagnostics(source)
  if (faults.length > 0)
    throw new Error(ts.formatDiagnostics(faults, { ...host, getCanonicalFileName: (name) => name }))
  return { checker: program.getTypeChecker(), source }
}

/** Names of the language itself may stay; everything else would have to be imported. */
const KNOWN = new Set(['Array', 'Record', 'Readonly', 'ReadonlyArray', 'Partial', 'Uint8Array', 'Promise'])

function refuseLooseNames(text: string): void {
  const source = ts.createSourceFile('wire.d.ts', text, ts.ScriptTarget.Latest, true)
  const declared = new Set(source.statements.map((statement) => (statement as ts.TypeAliasDeclaration).name.text))
  const visit = (node: ts.Node): void => {
    if (ts.isTypeReferenceNode(node)) {
      const name = node.typeName.getText(source)
      if (!KNOWN.has(name) && !declared.has(name))
        throw new Error(`a wire type names ${name}, which the client has not`)
    }
    if (ts.isImportTypeNode(node)) throw new Error(`a wire type imports ${node.getText(source)}`)
    node.forEachChild(visit)
  }
  visit(source)
}
