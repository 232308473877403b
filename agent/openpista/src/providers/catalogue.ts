import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePrivateDir, writeFileAtomic } from '@openpista/common'
import { z } from 'zod'
import { knownModels } from '../domain/model-info.ts'
import type { ModelList } from './remote-models.ts'

/** One model that can be chosen. */
export type CatalogueEntry = {
  provider: string
  id: string
  recommendedForCoding: boolean
  /** Whether the service lists it; `unknown` while it has not been asked. */
  status: 'listed' | 'not listed' | 'unknown'
  source: 'data' | 'service'
}

export type Catalogue = { entries: CatalogueEntry[]; problem: string | null }

const DAY_MS = 24 * 60 * 60 * 1000
const Cache = z.object({ at: z.number(), baseUrl: z.string(), ids: z.array(z.string()) })

export type CatalogueParts = {
  provider: string
  baseUrl: string
  /** Folder for the lists, which are asked for once a day. */
  folder: string
  listModels: () => Promise<ModelList>
  /** Milliseconds since 1970. */
  now: () => number
}

/** The models of a provider: those that come with the program, and those that the service lists. */
export async function readCatalogue(parts: CatalogueParts): Promise<Catalogue> {
  const file = join(parts.folder, `models-${parts.provider}.json`)
  const cached = readCache(file, parts.baseUrl)
  const known = knownModels.filter(({ provider }) => provider === parts.provider)
  if (cached !== undefined && parts.now() - cached.at < DAY_MS) return merge(parts.provider, known, cached.ids, null)
  const list = await parts.listModels()
  if (!list.ok) return merge(parts.provider, known, cached?.ids, list.message)
  ensurePrivateDir(parts.folder)
  writeFileAtomic(file, JSON.stringify({ at: parts.now(), baseUrl: parts.baseUrl, ids: list.ids }))
  return merge(parts.provider, known, list.ids, null)
}

function merge(
  provider: string,
  known: typeof knownModels,
  listed: readonly string[] | undefined,
  problem: string | null,
): Catalogue {
  const ids = new Set(listed)
  const fromData = known.map(({ id, recommendedForCoding = false }): CatalogueEntry => {
    const status = listed === undefined ? 'unknown' : ids.has(id) ? 'listed' : 'not listed'
    return { provider, id, recommendedForCoding, status, source: 'data' }
  })
  const others = [...ids].filter((id) => !known.some((model) => model.id === id)).toSorted()
  const fromService = others.map((id): CatalogueEntry => {
    return { provider, id, recommendedForCoding: false, status: 'listed', source: 'service' }
  })
  return { entries: [...fromData, ...fromService], problem }
}

/** A list that is broken, or of another address, is none: it is asked for again. */
function readCache(file: string, baseUrl: string): z.output<typeof Cache> | undefined {
  if (!existsSync(file)) return undefined
  try {
    const cache = Cache.parse(JSON.parse(readFileSync(file, 'utf8')))
    return cache.baseUrl === baseUrl ? cache : undefined
  } catch {
    return undefined
  }
}
