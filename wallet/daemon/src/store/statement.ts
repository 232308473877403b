import type { Compilable, CompiledQuery, Kysely } from 'kysely'
import type { Tables } from './tables.ts'

/** Runs a query that was compiled before, with these values. */
export type Statement<Parameters, Row> = (db: Kysely<Tables>, parameters: Parameters) => Promise<Row[]>

/**
 * A query for the way of a payment: built and compiled once per set of parameter names, not once per call. Which
 * names there are may shape the query, their values may not: `build` sees placeholders in their place, and hands
 * them to the query as they are.
 */
export function statement<Parameters extends object, Row>(
  build: (db: Kysely<Tables>, parameters: Parameters) => Compilable<Row>,
): Statement<Parameters, Row> {
  const compiled = new Map<string, CompiledQuery<Row>>()
  const compile = (db: Kysely<Tables>, names: readonly string[]) => {
    const placeholders = Object.fromEntries(names.map((name) => [name, new Placeholder(name)]))
    return build(db, placeholders as Parameters).compile()
  }
  return async (db, parameters) => {
    const names = Object.keys(parameters)
    const shape = names.join()
    const query = compiled.get(shape) ?? compile(db, names)
    compiled.set(shape, query)
    const values = query.parameters.map((value) =>
      value instanceof Placeholder ? parameters[value.name as keyof Parameters] : value,
    )
    const { rows } = await db.executeQuery<Row>({ ...query, parameters: values })
    return rows
  }
}

class Placeholder {
  readonly name: string
  constructor(name: string) {
    this.name = name
  }
}
