import type { Words } from '../personalities/evm-personality.ts'
import type { RpcFailure } from './upstream.ts'

export type Values = Readonly<Record<string, string | number | bigint>>

/** The error with its `{placeholders}` filled in. A value that is not at hand stays as it is. */
export function wordsOf({ code, message, data }: Words, values: Values = {}): RpcFailure {
  const fill = (text: string): string => text.replace(/\{(\w+)\}/g, (whole, name: string) => `${values[name] ?? whole}`)
  return {
    code,
    message: fill(message),
    ...(data === undefined ? {} : { data: typeof data === 'string' ? fill(data) : data }),
  }
}
