import { z } from 'zod'

const TIMEOUT_MS = 30_000
const LONGEST_REASON = 200

export type Answer<T> = { ok: true; value: T } | { ok: false; message: string }

export type AuthRequest = {
  /** `form` and `json` are posted; without a body it is a GET. */
  body?: { form: Record<string, string> } | { json: Record<string, string> }
  headers?: Record<string, string>
}

/** Asks an identity provider and checks what it says. Its secrets never reach a message. */
export async function ask<T>(url: string, request: AuthRequest, schema: z.ZodType<T>): Promise<Answer<T>> {
  const { host } = new URL(url)
  let response: Response
  let said: unknown
  try {
    response = await fetch(url, { ...toInit(request), redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    said = JSON.parse((await response.text()) || 'null')
  } catch (error) {
    const why = error instanceof SyntaxError ? 'its answer is no JSON' : 'it cannot be reached'
    return { ok: false, message: `${host}: ${why}.` }
  }
  const value = schema.safeParse(said)
  if (response.ok && value.success) return { ok: true, value: value.data }
  const why = reason(said) ?? (response.ok ? 'its answer has not the expected form' : 'no reason given')
  return { ok: false, message: `${host} (HTTP ${response.status}): ${why}` }
}

function toInit({ body, headers }: AuthRequest): RequestInit {
  const accept = { accept: 'application/json', ...headers }
  if (body === undefined) return { headers: accept }
  if ('form' in body) return { method: 'POST', headers: accept, body: new URLSearchParams(body.form) }
  return {
    method: 'POST',
    headers: { ...accept, 'content-type': 'application/json' },
    body: JSON.stringify(body.json),
  }
}

const Fault = z.object({
  error: z.union([z.string(), z.object({ message: z.string() })]).optional(),
  error_description: z.string().optional(),
  message: z.string().optional(),
})

/** The reason in the forms in which identity providers give it, on one line. */
function reason(said: unknown): string | undefined {
  const { success, data } = Fault.safeParse(said)
  if (!success) return undefined
  const text = data.error_description ?? (typeof data.error === 'object' ? data.error.message : data.error)
  const words = text ?? data.message
  return words?.replace(/\s+/g, ' ').slice(0, LONGEST_REASON)
}
