import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { type Database, databaseOver } from '@openpista/common'
import { migrations, type Tables } from '../../wallet/daemon/src/store/tables.ts'

/** A SQLite database in memory that outlives the process that works on it, in a simulation. */
export type Disk = {
  /** What a process sees of it. From `isAlive` false on every statement fails, and what was not committed is undone. */
  open: (process: DiskProcess) => Promise<Database<Tables>>
  /** Undoes what was not committed, as a start does after a crash. */
  rollBack: () => void
  copy: () => Uint8Array
  restore: (copy: Uint8Array) => void
  /** For an oracle: rows as they are. */
  read: <Row>(text: string, ...parameters: SQLInputValue[]) => Row[]
  close: () => void
}

export type DiskProcess = {
  isAlive: () => boolean
  /** Before each statement; the process may end here. */
  onStatement: () => void
  /** Right after a commit. */
  onCommit: () => void
}

/** Thrown at whatever still runs of a process that has ended. */
class ProcessEnded extends Error {}

/** The newest schema, made once. */
const EMPTY = emptyDatabase()

function emptyDatabase(): Uint8Array {
  const connection = new DatabaseSync(':memory:')
  for (const { up } of migrations) connection.exec(up)
  const content = connection.serialize()
  connection.close()
  return content
}

export function createDisk(): Disk {
  let connection: DatabaseSync
  // Always into a new connection: a content that is exchanged under prepared statements ends Node 24.
  const load = (content: Uint8Array) => {
    connection = new DatabaseSync(':memory:')
    connection.deserialize(content)
    connection.exec('PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY')
  }
  let readers = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  const rollBack = () => {
    if (connection.isTransaction) connection.exec('ROLLBACK')
  }
  load(EMPTY)
  return {
    open: async ({ isAlive, onStatement, onCommit }) => {
      const check = () => {
        if (isAlive()) onStatement()
        if (!isAlive()) throw new ProcessEnded('the process has ended')
      }
      const opened = connection
      return await databaseOver<Tables>({
        close: () => undefined,
        prepare: (text) => {
          check()
          const statement = opened.prepare(text)
          return {
            columns: () => statement.columns(),
            all: (...parameters: SQLInputValue[]) => {
              check()
              return statement.all(...parameters)
            },
            run: (...parameters: SQLInputValue[]) => {
              check()
              const result = statement.run(...parameters)
              if (text === 'COMMIT') onCommit()
              return result
            },
            iterate: (...parameters: SQLInputValue[]) => {
              check()
              return statement.iterate(...parameters)
            },
          } as never
        },
      })
    },
    rollBack,
    copy: () => connection.serialize(),
    restore: (copy) => {
      rollBack()
      readers = new Map()
      load(copy)
    },
    read: (text, ...parameters) => {
      const statement = readers.get(text) ?? connection.prepare(text)
      readers.set(text, statement)
      return statement.all(...parameters) as never
    },
    close: () => connection.close(),
  }
}
