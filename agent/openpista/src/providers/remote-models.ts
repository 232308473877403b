import { z } from 'zod'
import { accessHeaders, signingFetch } from './openai-compatible.ts'
import type { WireName } from './presets.ts'
import type { WireSettings } from './wire.ts'

export type ModelList = { ok: true; ids: string[] } | { ok: false; message: string }

const TIMEOUT_MS = 10_000
const List = z.object({ data: z.array(z.object({ id: z.string().min(1).max(200) })) })

/** The models that a service says it has: `{base}/models`. */
export async function fetchModelIds(settings: WireSettings, wire: WireName): Promise<ModelList> {
  const found = await settings.credential()
  if (!found.ok) return { ok: false, message: `${found.message} ${found.hint}` }
  const { token, kind, endpoint } = found.credential
  if (wire === 'openai' && kind === 'oauth') return { ok: false, message: 'A ChatGPT login has no list of models.' }
  const base = (settings.fixedBaseUrl ? settings.baseUrl : (endpoint ?? settings.baseUrl)).replace(/\/+$/, '')
  const anthropic = wire === 'anthropic'
  const url = anthropic ? `${base.replace(/\/v1$/, '')}/v1/models?limit=1000` : `${base}/models`
  const access = anthropic ? anthropicHeaders(token, kind) : accessHeaders(settings.auth, token)
  const request = settings.auth === 'aws' ? signingFetch(settings, token) : fetch
  try {
    const headers = { accept: 'application/json', ...settings.headers, ...access }
    const response = await request(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    const list = List.safeParse(await response.json())
    if (response.ok && list.success) return { ok: true, ids: list.data.data.map(({ id }) => id) }
    return { ok: false, message: `${settings.id} gave no list of models (HTTP ${response.status}).` }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, message: `${settings.id} gave no list of models: ${why}` }
  }
}

function anthropicHeaders(token: string, kind: string): Record<string, string> {
  const version = { 'anthropic-version': '2023-06-01' }
  if (kind !== 'oauth') return { ...version, 'x-api-key': token }
  return { ...version, authorization: `Bearer ${token}`, 'anthropic-beta': 'oauth-2025-04-20' }
}
