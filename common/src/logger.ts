import { type Logger, pino } from 'pino'

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
  const paths = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])
  return pino({ name, level, redact: { paths, censor: '[secret]' } }, pino.destination({ dest: 2, sync: true }))
}
