import type { Route } from '@waiaas/core'
import type { HonoRequest } from 'hono'
import type { z } from 'zod'
import { ambiguousKey } from './ambiguous-key.ts'
import { fail } from './fail.ts'

type Issue = { in: 'path' | 'query' | 'body'; path: string; message: string }

/**
 * The route's own schemas applied to what came.
 *
 * @throws AppError VALIDATION_FAILED with the place and JSON path of every fault.
 */
export function parseInput(
  route: Pick<Route, 'params' | 'query' | 'body'>,
  raw: { params: Record<string, string>; query: Record<string, string[]>; body: unknown },
): { params: unknown; query: unknown; body: unknown } {
  const issues: Issue[] = []
  const take = (schema: z.ZodType | undefined, place: Issue['in'], value: unknown) => {
    if (schema === undefined) return undefined
    const result = schema.safeParse(value)
    if (result.success) return result.data
    issues.push(
      ...result.error.issues.map((issue) => ({ in: place, path: jsonPath(issue.path), message: issue.message })),
    )
    return undefined
  }
  const parsed = {
    params: take(route.params, 'path', raw.params),
    query: take(route.query, 'query', singleValues(raw.query)),
    body: take(route.body, 'body', raw.body),
  }
  if (issues.length > 0) {
    const first = issues[0]!
    throw fail('VALIDATION_FAILED', `${first.in} ${first.path}: ${first.message}`, { details: { issues } })
  }
  return parsed
}

const MAX_BODY_BYTES = 256 * 1024

/**
 * The body as JSON.
 *
 * @throws AppError PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, VALIDATION_FAILED.
 */
export async function readJson(request: HonoRequest): Promise<unknown> {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json') {
    throw fail('UNSUPPORTED_MEDIA_TYPE', 'The body must be application/json.')
  }
  const text = await readText(request)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw badBody('The body is not valid JSON.', 'is not valid JSON', cause)
  }
  const key = ambiguousKey(text)
  if (key === undefined) return value
  throw badBody(
    `The body gives the key ${JSON.stringify(key)} twice, or it is not allowed as a key.`,
    'has an ambiguous key',
  )
}

function badBody(summary: string, message: string, cause?: unknown) {
  const issues: Issue[] = [{ in: 'body', path: '$', message }]
  return fail('VALIDATION_FAILED', summary, { details: { issues }, ...(cause === undefined ? {} : { cause }) })
}

/** A body that tells its length is refused before it is read, any other while it is read. */
async function readText(request: HonoRequest): Promise<string> {
  const length = request.header('content-length')
  if (length !== undefined && request.header('transfer-encoding') === undefined) {
    if (Number(length) > MAX_BODY_BYTES) throw tooLarge()
    return await request.text()
  }
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.raw.body ?? []) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tooLarge() {
  return fail('PAYLOAD_TOO_LARGE', `A body may have at most ${MAX_BODY_BYTES} bytes.`)
}

/** A name given once is its value; given twice it stays a list, which no schema here accepts. */
function singleValues(query: Record<string, string[]>): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(query).map(([name, values]) => [name, values.length === 1 ? values[0]! : values]),
  )
}

function jsonPath(path: readonly PropertyKey[]): string {
  const steps = path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`))
  return `$${steps.join('')}`
}
