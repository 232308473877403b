/**
 * Keeps the page itself, so that it opens while the gateway is down and says so. Documents come from the network
 * when it answers; files under assets/ never change. Nothing else is kept: no message, no answer, no credential.
 */
type Fetching = Event & { request: Request; respondWith: (response: Promise<Response>) => void }
type Lasting = Event & { waitUntil: (work: Promise<unknown>) => void }
type Worker = EventTarget & {
  skipWaiting: () => Promise<void>
  clients: { claim: () => Promise<void> }
  location: Location
}

const CACHE = 'shell'
const worker = globalThis as unknown as Worker
const home = new URL('./', worker.location.href).href

worker.addEventListener('install', (event) => {
  ;(event as Lasting).waitUntil(keepShell().then(() => worker.skipWaiting()))
})
worker.addEventListener('activate', (event) => {
  ;(event as Lasting).waitUntil(worker.clients.claim())
})
worker.addEventListener('fetch', (event) => {
  const { request, respondWith } = event as Fetching
  if (request.method !== 'GET') return
  const url = new URL(request.url)
  if (request.mode === 'navigate' && url.origin + url.pathname === home) respondWith.call(event, openPage(request))
  else if (url.href.startsWith(`${home}assets/`)) respondWith.call(event, openAsset(request))
})

/** The page that installs this worker was loaded without it, so its files are fetched once more. */
async function keepShell(): Promise<void> {
  const cache = await caches.open(CACHE)
  const response = await fetch(home)
  if (!response.ok) throw new Error(`the page answered ${response.status}`)
  await cache.put(home, response.clone())
  const assets = (await response.text()).match(/\.\/assets\/[\w.-]+/g) ?? []
  await cache.addAll(assets.map((path) => new URL(path, home).href))
}

async function openPage(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  try {
    const response = await fetch(request)
    if (response.ok && !response.redirected) await cache.put(home, response.clone())
    return response
  } catch (error) {
    const kept = await cache.match(home)
    if (kept === undefined) throw error
    return kept
  }
}

async function openAsset(request: Request): Promise<Response> {
  const cache = await caches.open(CACHE)
  const kept = await cache.match(request)
  if (kept !== undefined) return kept
  const response = await fetch(request)
  if (response.ok) {
    await dropOldAssets(cache)
    await cache.put(request, response.clone())
  }
  return response
}

const MOST_ASSETS = 40

/** A new version has new names; those of long ago go. */
async function dropOldAssets(cache: Cache): Promise<void> {
  const kept = (await cache.keys()).filter(({ url }) => url.startsWith(`${home}assets/`))
  for (const request of kept.slice(0, Math.max(0, kept.length - MOST_ASSETS))) await cache.delete(request)
}
