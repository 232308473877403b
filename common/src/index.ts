export { AppError } from './app-error.ts'
export { canonicalHash, canonicalJson } from './canonical-json.ts'
export { type Clock, systemClock, systemTimers, type Timers } from './clock.ts'
export { type ConfigSource, loadConfig } from './config.ts'
export {
  type Backup,
  backupsOf,
  type Connection,
  type Database,
  databaseOver,
  immediate,
  type Migration,
  type OpenOptions,
  openDatabase,
} from './database.ts'
export { assertPrivate, ensurePrivateDir, writeFileAtomic } from './files.ts'
export { limitHeapGrowth } from './heap.ts'
export { newId, newSecret } from './id.ts'
export { createDebugLogger, createLogger, type Logger } from './logger.ts'
export { sleep } from './sleep.ts'
