import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
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

/** A copy of a database as it was at an older schema version, beside it. */
export type Backup = { path: string; version: number; bytes: number }

/**
 * Opens (or creates, mode 0600) a SQLite file in WAL mode and brings its schema up to date: all the way, or not at all.
 * A file that exists and needs a migration is first copied to `<path>.v<old version>.bak`; these copies are kept.
 *
 * @throws AppError `DATABASE_TOO_NEW` when the file was written by a newer program, `DATABASE_BACKUP_FAILED` and
 * `DATABASE_MIGRATION_FAILED` when it could not be brought up to date: it is as it was then.
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
  return await databaseOver<Tables>(connection)
}

/** A connection of node:sqlite, or what stands in front of one. */
export type Connection = {
  prepare: (text: string) => Pick<StatementSync, 'columns' | 'all' | 'run' | 'iterate'>
  close: () => void
}

/** A database over a connection whose schema is at the newest migration. */
export async function databaseOver<Tables>(connection: Connection): Promise<Database<Tables>> {
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

/** The copies that migrations of the database at `path` have left, the newest version first. */
export function backupsOf(path: string): Backup[] {
  const folder = dirname(path)
  if (!existsSync(folder)) return []
  const start = `${basename(path)}.v`
  const found = readdirSync(folder).flatMap((name) => {
    const version = name.startsWith(start) ? /^(\d+)\.bak$/.exec(name.slice(start.length))?.[1] : undefined
    const file = join(folder, name)
    return version === undefined ? [] : [{ path: file, version: Number(version), bytes: statSync(file).size }]
  })
  return found.sort((a, b) => b.version - a.version)
}

function migrate(connection: DatabaseSync, { path, migrations }: OpenOptions, existed: boolean): void {
  connection.exec(
    'CREATE TABLE IF NOT EXISTS schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT',
  )
  const version = versionOf(connection)
  if (version > migrations.length) throw tooNew(path, version, migrations.length)
  if (version === migrations.length) return
  const backup = existed && version > 0 ? backUp(connection, path, version) : undefined
  connection.exec('BEGIN IMMEDIATE')
  try {
    // Asked again: another process may have migrated by now.
    const applied = versionOf(connection)
    for (const [index, { name, up }] of migrations.entries())
      if (index >= applied) apply(connection, index + 1, name, up)
    connection.exec('COMMIT')
  } catch (cause) {
    if (connection.isTransaction) connection.exec('ROLLBACK')
    throw migrationFailed(path, version, backup, cause)
  }
}

function versionOf(connection: DatabaseSync): number {
  return Number(connection.prepare('SELECT coalesce(max(version), 0) AS version FROM schema_migrations').get()!.version)
}

function apply(connection: DatabaseSync, version: number, name: string, up: string): void {
  try {
    connection.exec(up)
  } catch (cause) {
    throw new Error(`step ${version} (${name}): ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
  connection
    .prepare('INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, unixepoch())')
    .run(version, name)
}

/** A consistent copy of the whole database, private, on disk, complete or absent. Answers where it is. */
function backUp(connection: DatabaseSync, path: string, version: number): string {
  const backup = `${path}.v${version}.bak`
  const temporary = `${backup}.${process.pid}.tmp`
  try {
    rmSync(temporary, { force: true })
    writeFileSync(temporary, '', { mode: 0o600 })
    connection.prepare('VACUUM INTO ?').run(temporary)
    sync(temporary)
    renameSync(temporary, backup)
    sync(dirname(backup))
    return backup
  } catch (cause) {
    rmSync(temporary, { force: true })
    const words = cause instanceof Error ? cause.message : String(cause)
    throw new AppError('DATABASE_BACKUP_FAILED', `${path} was not migrated, for it cannot be copied first: ${words}`, {
      hint: `Make room for a second copy in ${dirname(path)}, and start again. The database is as it was.`,
      cause,
    })
  }
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function tooNew(path: string, version: number, supported: number): AppError {
  const usable = backupsOf(path).find((backup) => backup.version <= supported)
  const restore =
    usable === undefined
      ? 'restore the backup that it made before its migration'
      : `put ${usable.path} in its place: it is the copy from before, of schema ${usable.version}`
  return new AppError('DATABASE_TOO_NEW', `${path} was written by a newer version (schema ${version}).`, {
    hint: `Install the newer version again, or ${restore}.`,
  })
}

function migrationFailed(path: string, version: number, backup: string | undefined, cause: unknown): AppError {
  const words = cause instanceof Error ? cause.message : String(cause)
  const copy = backup === undefined ? '' : ` A copy of it is ${backup}.`
  return new AppError('DATABASE_MIGRATION_FAILED', `${path} cannot be brought up to date: ${words}`, {
    hint: `Nothing in it was changed (schema ${version}).${copy} Install the version that last ran with it, and report this.`,
    cause,
  })
}

const CACHED_STATEMENTS = 256

/** The face that kysely's SQLite dialect asks for, over node:sqlite, with prepared statements kept. */
function adapt(connection: Connection): SqliteDatabase {
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

function adaptStatement(statement: ReturnType<Connection['prepare']>): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => statement.all(...(parameters as SQLInputValue[])),
    run: (parameters) => statement.run(...(parameters as SQLInputValue[])),
    iterate: (parameters) => statement.iterate(...(parameters as SQLInputValue[])),
  }
}
