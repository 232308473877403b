import { chmodSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { CompiledQuery, Generated, Kysely, SqliteDatabase, SqliteStatement } from 'kysely'
import { AppError } from './app-error.ts'

/** One step of a schema's history. Steps are append-only; the number of steps is the schema version. */
export type Migration = { name: string; up: string }

export type OpenOptions = {
  /** File path, or `:memory:`. */
  path: string
  migrations: readonly Migration[]
  /** `FULL` survives power loss after every commit; `NORMAL` may lose the last commits, never consistency. */
  synchronous: 'FULL' | 'NORMAL'
}

/** A database whose schema is at the newest migration. */
export type Database<Tables> = {
  kysely: Kysely<Tables & SchemaTable>
  close: () => Promise<void>
}

type SchemaTable = { schema_migrations: { version: Generated<number>; name: string; applied_at: number } }

/**
 * Opens (or creates, mode 0600) a SQLite file in WAL mode and brings its schema up to date.
 * A file that exists and needs a migration is first copied to `<path>.v<old version>.bak`.
 *
 * @throws AppError `DATABASE_TOO_NEW` when the file was written by a newer program.
 */
export async function openDatabase<Tables>(options: OpenOptions): Promise<Database<Tables>> {
  const inMemory = options.path === ':memory:'
  const existed = !inMemory && existsSync(options.path)
  if (!inMemory && !existed) writeFileSync(options.path, '', { mode: 0o600 })
  const connection = new DatabaseSync(options.path)
  if (!inMemory) chmodSync(options.path, 0o600)
  connection.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = ${options.synchronous}; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000; PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 4000`,
  )
  try {
    migrate(connection, options, existed)
  } catch (error) {
    connection.close()
    throw error
  }
  // Loaded here, so that programs which share this package and open no database do not pay for it.
  const { Kysely, SqliteDialect } = await import('kysely')
  const kysely = new Kysely<Tables & SchemaTable>({ dialect: new SqliteDialect({ database: adapt(connection) }) })
  return { kysely, close: () => kysely.destroy() }
}

/**
 * Runs `work` in one write transaction (BEGIN IMMEDIATE): no other writer, here or in another process,
 * gets between its reads and its writes. An exception rolls everything back.
 */
export async function immediate<Tables, Result>(
  db: Kysely<Tables>,
  work: (transaction: Kysely<Tables>) => Promise<Result>,
): Promise<Result> {
  return await db.connection().execute(async (connection) => {
    await connection.executeQuery(command('BEGIN IMMEDIATE'))
    try {
      const result = await work(connection)
      await connection.executeQuery(command('COMMIT'))
      return result
    } catch (error) {
      await connection.executeQuery(command('ROLLBACK'))
      throw error
    }
  })
}

function command(sql: string): CompiledQuery {
  return {
    sql,
    parameters: [],
    query: { kind: 'RawNode', sqlFragments: [sql], parameters: [] },
    queryId: { queryId: sql },
  }
}

function migrate(connection: DatabaseSync, options: OpenOptions, existed: boolean): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  )
  const row = connection.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_migrations').get()
  const version = Number(row?.version ?? 0)
  if (version > options.migrations.length) {
    throw new AppError('DATABASE_TOO_NEW', `${options.path} was written by a newer version (schema ${version}).`, {
      hint: 'Install the newer version again, or restore the backup that it made before its migration.',
    })
  }
  if (version === options.migrations.length) return
  if (existed && version > 0) backUp(connection, `${options.path}.v${version}.bak`)
  for (const [index, migration] of options.migrations.entries()) {
    if (index < version) continue
    connection.exec('BEGIN IMMEDIATE')
    try {
      connection.exec(migration.up)
      connection
        .prepare('INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, unixepoch())')
        .run(index + 1, migration.name)
      connection.exec('COMMIT')
    } catch (error) {
      connection.exec('ROLLBACK')
      throw error
    }
  }
}

/** A consistent copy of the whole database, private, complete or absent. */
function backUp(connection: DatabaseSync, path: string): void {
  const temporary = `${path}.tmp`
  rmSync(temporary, { force: true })
  writeFileSync(temporary, '', { mode: 0o600 })
  connection.prepare('VACUUM INTO ?').run(temporary)
  renameSync(temporary, path)
}

const CACHED_STATEMENTS = 256

/** The face that kysely's SQLite dialect asks for, over node:sqlite, with prepared statements kept. */
function adapt(connection: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, SqliteStatement>()
  return {
    close: () => connection.close(),
    prepare: (text) => {
      const known = statements.get(text)
      if (known !== undefined) return known
      if (statements.size >= CACHED_STATEMENTS) statements.delete(statements.keys().next().value!)
      const statement = adaptStatement(connection.prepare(text))
      statements.set(text, statement)
      return statement
    },
  }
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}
