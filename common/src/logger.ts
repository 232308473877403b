import { type Level, type Logger, pino } from 'pino'

export type { Logger } from 'pino'

/** Field names whose values never reach a log line, at any depth up to three. */
const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'token',
  'secret',
  'apiKey',
  'api_key',
  'privateKey',
  'signature',
]

/**
 * A JSON logger on standard error, with secrets cut out by field name.
 *
 * @param level `debug`, `info`, `warn`, `error` or `silent`.
 */
export function createLogger(name: string, level: string): Logger {
  return pino({ name, level, redact }, standardError())
}

/** The same, and every line from `debug` up goes to `sink` too. */
export function createDebugLogger(name: string, level: string, sink: { write: (line: string) => void }): Logger {
  const shown = level === 'silent' ? [] : [{ level: level as Level, stream: standardError() }]
  return pino({ name, level: 'debug', redact }, pino.multistream([{ level: 'debug', stream: sink }, ...shown]))
}

const redact = {
  paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
  censor: '[secret]',
}

function standardError() {
  return pino.destination({ dest: 2, sync: true })
}
