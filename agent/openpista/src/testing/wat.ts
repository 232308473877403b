/**
 * Assembles the part of the WebAssembly text format that our examples and tests are written in: functions, imported
 * functions, memories, tables, globals, data and exports; names for functions, locals, globals and labels; folded and
 * plain instructions on integers. Other tools read the same text.
 *
 * @throws Error that names what it does not know.
 */
export function assemble(text: string): Uint8Array {
  const [module] = parse(text)
  if (!Array.isArray(module) || module[0] !== 'module') throw new Error('a text begins with (module')
  const fields = module.slice(1) as Node[][]
  const of = (kind: string) => fields.filter(([name]) => name === kind)
  const imports = of('import')
  const functions = of('func')
  const globals = of('global')
  const memories = of('memory')
  const tables = of('table')
  const types: string[] = []
  const scope: Scope = {
    functions: names([...imports.map((field) => field[3] as Node[]), ...functions]),
    globals: names(globals),
    locals: new Map(),
    labels: [],
  }
  const typeOf = (field: Node[]) => {
    const bytes = [0x60, ...vector(valueTypes(field, 'param')), ...vector(valueTypes(field, 'result'))]
    const key = bytes.join()
    if (!types.includes(key)) types.push(key)
    return types.indexOf(key)
  }
  const importPart = imports.map(([, from, name, field]) => [
    ...string(from),
    ...string(name),
    0,
    typeOf(field as Node[]),
  ])
  const functionPart = functions.map((field) => unsigned(typeOf(field)))
  const code = functions.map((field) => functionBody(field, scope))
  const exported = [
    ...functions.flatMap((field, index) => exportOf(field, 0, imports.length + index)),
    ...memories.flatMap((field, index) => exportOf(field, 2, index)),
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(
      1,
      types.map((key) => key.split(',').map(Number)),
    ),
    ...section(2, importPart),
    ...section(3, functionPart),
    ...section(
      4,
      tables.map((field) => [0x70, ...limits(field)]),
    ),
    ...section(5, memories.map(limits)),
    ...section(
      6,
      globals.map((field) => globalOf(field, scope)),
    ),
    ...section(7, exported),
    ...section(
      10,
      code.map((body) => [...unsigned(body.length), ...body]),
    ),
    ...section(
      11,
      of('data').map(([, offset, bytes]) => [0, ...expression(offset as Node[], scope), 0x0b, ...string(bytes)]),
    ),
  ])
}

/** Parts that are missing are told of by whoever needs them. */
type Node = string | Node[]

type Scope = {
  functions: Map<string, number>
  globals: Map<string, number>
  locals: Map<string, number>
  /** Innermost last. */
  labels: string[]
}

function parse(text: string): Node[] {
  const tokens = text.match(/\(;[\s\S]*?;\)|;;[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+/g) ?? []
  const root: Node[] = []
  const stack = [root]
  for (const token of tokens) {
    if (token.startsWith(';;') || token.startsWith('(;')) continue
    if (token === '(') {
      const list: Node[] = []
      stack.at(-1)!.push(list)
      stack.push(list)
    } else if (token === ')') stack.pop()
    else stack.at(-1)!.push(token)
    if (stack.length === 0) throw new Error('one ) too many')
  }
  if (stack.length !== 1) throw new Error('a ( is not closed')
  return root
}

const VALUES: Readonly<Record<string, number>> = { i32: 0x7f, i64: 0x7e }
const EMPTY = 0x40

function functionBody(field: Node[], outer: Scope): number[] {
  const parameters = declared(field, 'param')
  const locals = declared(field, 'local')
  const scope = { ...outer, labels: [], locals: new Map<string, number>() }
  for (const [index, { name }] of [...parameters, ...locals].entries()) if (name !== '') scope.locals.set(name, index)
  const body = field.slice(1).filter((node, index) => !isHead(node, index))
  return [...vector(locals.map(({ type }) => [1, type])), ...sequence(body, scope), 0x0b]
}

function isHead(node: Node, index: number): boolean {
  if (!Array.isArray(node)) return index === 0 && node.startsWith('$')
  return ['export', 'param', 'result', 'local'].includes(node[0] as string)
}

/** `(param $a i32)`, `(param i32 i32)`: one for each value. */
function declared(field: Node[], kind: string): { name: string; type: number }[] {
  return field.flatMap((node) => {
    if (!Array.isArray(node) || node[0] !== kind) return []
    const [, first, ...rest] = node as string[]
    const named = first?.startsWith('$') === true
    return (named ? rest : [first!, ...rest]).map((type) => ({ name: named ? first : '', type: valueType(type) }))
  })
}

function valueTypes(field: Node[], kind: string): number[][] {
  return declared(field, kind).map(({ type }) => [type])
}

function valueType(name: string): number {
  const type = VALUES[name]
  if (type === undefined) throw new Error(`the type ${name} is not known here`)
  return type
}

/** Instructions one after the other, folded ones in parentheses and plain ones with their operands behind them. */
function sequence(nodes: readonly Node[], scope: Scope): number[] {
  const bytes: number[] = []
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index]!
    if (Array.isArray(node)) bytes.push(...expression(node, scope))
    else {
      const { operands } = instruction(node)
      bytes.push(...encode(node, nodes.slice(index + 1, index + 1 + operands.length) as string[], scope))
      index += operands.length
    }
  }
  return bytes
}

function expression([head, ...rest]: Node[], scope: Scope): number[] {
  const name = head as string
  if (name === 'block' || name === 'loop') return block(name === 'block' ? 0x02 : 0x03, rest, scope)
  if (name === 'if') return branch(rest, scope)
  const { operands } = instruction(name)
  const own = rest.slice(0, operands.length) as string[]
  return [...sequence(rest.slice(operands.length), scope), ...encode(name, own, scope)]
}

function block(opcode: number, rest: Node[], scope: Scope): number[] {
  const [first] = rest
  const label = typeof first === 'string' && first.startsWith('$') ? first : ''
  const inner = { ...scope, labels: [...scope.labels, label] }
  const body = rest.slice(label === '' ? 0 : 1)
  const result = body.find((node) => Array.isArray(node) && node[0] === 'result') as string[] | undefined
  const type = result === undefined ? EMPTY : valueType(result[1]!)
  return [
    opcode,
    type,
    ...sequence(
      body.filter((node) => node !== result),
      inner,
    ),
    0x0b,
  ]
}

/** `(if (result i32)? condition (then …) (else …)?)` */
function branch(rest: Node[], scope: Scope): number[] {
  const named = (name: string) => rest.find((node) => Array.isArray(node) && node[0] === name) as Node[] | undefined
  const [result, then, otherwise] = [named('result'), named('then'), named('else')]
  const condition = rest.filter((node) => ![result, then, otherwise].includes(node as Node[]))
  const inner = { ...scope, labels: [...scope.labels, ''] }
  return [
    ...sequence(condition, scope),
    ...[0x04, result === undefined ? EMPTY : valueType(result[1] as string)],
    ...sequence(then!.slice(1), inner),
    ...(otherwise === undefined ? [] : [0x05, ...sequence(otherwise.slice(1), inner)]),
    0x0b,
  ]
}

type Operand = 'function' | 'local' | 'global' | 'label' | 'i32' | 'i64'
type Instruction = { bytes: readonly number[]; operands: readonly Operand[] }

function instruction(name: string): Instruction {
  const found = INSTRUCTIONS.get(name)
  if (found === undefined) throw new Error(`the instruction ${name} is not known here`)
  return found
}

function encode(name: string, operands: readonly string[], scope: Scope): number[] {
  const known = instruction(name)
  return [...known.bytes, ...known.operands.flatMap((kind, index) => operand(kind, operands[index]!, scope))]
}

function operand(kind: Operand, text: string, scope: Scope): number[] {
  if (kind === 'i32') return signed(BigInt.asIntN(32, number(text)))
  if (kind === 'i64') return signed(BigInt.asIntN(64, number(text)))
  if (!text.startsWith('$')) return unsigned(Number(text))
  const index =
    kind === 'label'
      ? scope.labels.toReversed().indexOf(text)
      : { function: scope.functions, local: scope.locals, global: scope.globals }[kind].get(text)
  if (index === undefined || index < 0) throw new Error(`${text} is not known here`)
  return unsigned(index)
}

function number(text: string): bigint {
  return text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
}

/** Numeric instructions without operands are numbered in the order of the specification, from these on. */
const I32 = 'eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ')
const ARITHMETIC = 'clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split(' ')

const INSTRUCTIONS = new Map<string, Instruction>([
  ...plain({ unreachable: [0x00], nop: [0x01], return: [0x0f], drop: [0x1a], select: [0x1b] }),
  ...plain({ 'memory.size': [0x3f, 0], 'memory.grow': [0x40, 0], 'table.size': [0xfc, 16, 0] }),
  ...plain({ 'i32.wrap_i64': [0xa7], 'i64.extend_i32_s': [0xac], 'i64.extend_i32_u': [0xad] }),
  ...plain({ 'i32.load': [0x28, 2, 0], 'i64.load': [0x29, 3, 0], 'i32.load8_u': [0x2d, 0, 0] }),
  ...plain({ 'i32.store': [0x36, 2, 0], 'i64.store': [0x37, 3, 0], 'i32.store8': [0x3a, 0, 0] }),
  ...plain({ 'memory.copy': [0xfc, 10, 0, 0], 'memory.fill': [0xfc, 11, 0] }),
  ...I32.map((name, index): [string, Instruction] => [`i32.${name}`, { bytes: [0x45 + index], operands: [] }]),
  ...I32.map((name, index): [string, Instruction] => [`i64.${name}`, { bytes: [0x50 + index], operands: [] }]),
  ...ARITHMETIC.map((name, index): [string, Instruction] => [`i32.${name}`, { bytes: [0x67 + index], operands: [] }]),
  ...ARITHMETIC.map((name, index): [string, Instruction] => [`i64.${name}`, { bytes: [0x79 + index], operands: [] }]),
  ['br', { bytes: [0x0c], operands: ['label'] }],
  ['br_if', { bytes: [0x0d], operands: ['label'] }],
  ['call', { bytes: [0x10], operands: ['function'] }],
  ['local.get', { bytes: [0x20], operands: ['local'] }],
  ['local.set', { bytes: [0x21], operands: ['local'] }],
  ['local.tee', { bytes: [0x22], operands: ['local'] }],
  ['global.get', { bytes: [0x23], operands: ['global'] }],
  ['global.set', { bytes: [0x24], operands: ['global'] }],
  ['i32.const', { bytes: [0x41], operands: ['i32'] }],
  ['i64.const', { bytes: [0x42], operands: ['i64'] }],
])

function plain(opcodes: Readonly<Record<string, readonly number[]>>): [string, Instruction][] {
  return Object.entries(opcodes).map(([name, bytes]) => [name, { bytes, operands: [] }])
}

function names(fields: readonly Node[][]): Map<string, number> {
  const pairs = fields.map((field, index): [string, number] => [String(field[1]), index])
  return new Map(pairs.filter(([name]) => name.startsWith('$')))
}

function exportOf(field: Node[], kind: number, index: number): number[][] {
  const found = field.find((node) => Array.isArray(node) && node[0] === 'export') as Node[] | undefined
  return found === undefined ? [] : [[...string(found[1]), kind, ...unsigned(index)]]
}

/** `(memory (export "m") 1 16)`, `(table 1 funcref)` */
function limits(field: Node[]): number[] {
  const [least, most] = field.filter((node) => typeof node === 'string' && /^\d+$/.test(node)).map(Number)
  return most === undefined ? [0, ...unsigned(least!)] : [1, ...unsigned(least!), ...unsigned(most)]
}

/** `(global $next (mut i32) (i32.const 4096))` */
function globalOf([, , type, value]: Node[], scope: Scope): number[] {
  const mutable = Array.isArray(type)
  const of = valueType((mutable ? type[1] : type) as string)
  return [of, mutable ? 1 : 0, ...expression(value as Node[], scope), 0x0b]
}

function section(id: number, entries: readonly number[][]): number[] {
  if (entries.length === 0) return []
  const body = vector(entries)
  return [id, ...unsigned(body.length), ...body]
}

function vector(entries: readonly number[][]): number[] {
  return [...unsigned(entries.length), ...entries.flat()]
}

/** A quoted text: `\n`, `\"`, `\\` and two hexadecimal digits for any byte. */
function string(node: Node | undefined): number[] {
  const text = String(node).slice(1, -1)
  const pieces = text.match(/\\[0-9a-fA-F]{2}|\\.|[^\\]+/g) ?? []
  const bytes = pieces.flatMap((piece) => {
    if (/^\\[0-9a-fA-F]{2}$/.test(piece)) return [Number.parseInt(piece.slice(1), 16)]
    if (piece === '\\n') return [10]
    return [...Buffer.from(piece.startsWith('\\') ? piece.slice(1) : piece)]
  })
  return [...unsigned(bytes.length), ...bytes]
}

/** LEB128. */
function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)]
}

function signed(value: bigint): number[] {
  const low = Number(value & 0x7fn)
  const rest = value >> 7n
  const isLast = (rest === 0n && (low & 0x40) === 0) || (rest === -1n && (low & 0x40) !== 0)
  return isLast ? [low] : [low | 0x80, ...signed(rest)]
}
