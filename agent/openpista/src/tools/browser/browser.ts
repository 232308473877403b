import type { WebConfig } from '../pinned-fetch.ts'
import { type Chromium, type ChromiumConfig, findChromium, startChromium } from './chromium.ts'
import type { FilterProxy } from './filter-proxy.ts'
import { openPage, type Page } from './page.ts'

export type BrowserConfig = ChromiumConfig & {
  web: WebConfig
  /** How long a session's page stays open unused. */
  idleMs: number
}

/**
 * The browser of the agent: one process, started at the first use, and for each session one page with cookies and
 * storage of its own, which end with it. Nothing is kept on disk.
 */
export type Browser = {
  /** @returns the session's page, which stays open until `done` is called, or words when no browser starts. */
  page: (sessionId: string) => Promise<Lent | { ok: false; message: string }>
  /** Why the network refused this host lately, if it did. */
  refusal: (host: string) => string | undefined
  /** Closes the session's page. */
  discard: (sessionId: string) => Promise<void>
  close: () => Promise<void>
}

type Lent = { ok: true; page: Page; done: () => void }
type Running = { chromium: Chromium; proxy: FilterProxy; tabs: Map<string, Tab> }
/** What `idle` does, it does only where nobody works with the page. */
type Tab = { contextId: string; page: Page; users: number; idle: NodeJS.Timeout }

export function createBrowser(config: BrowserConfig): Browser {
  let running: Promise<Running> | undefined
  let proxy: FilterProxy | undefined
  /** One thing at a time, so that a page is not opened in a browser that is being closed. */
  let queue: Promise<unknown> = Promise.resolve()
  const inOrder = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = queue.then(work)
    queue = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }

  async function start(program: string): Promise<Running> {
    // Loaded at the first use: an agent that opens no page needs no HTTP server.
    const { startFilterProxy } = await import('./filter-proxy.ts')
    const filter = await startFilterProxy(config.web)
    try {
      const chromium = await startChromium(program, config, filter.port)
      const tabs = new Map<string, Tab>()
      await chromium.cdp.send('Target.setDiscoverTargets', { discover: true })
      closeStrangers(chromium)
      proxy = filter
      return { chromium, proxy: filter, tabs }
    } catch (error) {
      await filter.close()
      throw error
    }
  }

  async function stop(): Promise<void> {
    const found = running
    running = undefined
    proxy = undefined
    if (found === undefined) return
    const [outcome] = await Promise.allSettled([found])
    if (outcome.status === 'rejected') return
    const { chromium, proxy: filter, tabs } = outcome.value
    for (const { idle } of tabs.values()) clearTimeout(idle)
    await chromium.close()
    await filter.close()
  }

  async function drop(sessionId: string): Promise<void> {
    const current = await running
    const tab = current?.tabs.get(sessionId)
    if (current === undefined || tab === undefined) return
    clearTimeout(tab.idle)
    current.tabs.delete(sessionId)
    if (current.tabs.size === 0) return await stop()
    await current.chromium.cdp.send('Target.disposeBrowserContext', { browserContextId: tab.contextId })
  }

  async function tabOf(sessionId: string, program: string): Promise<Tab> {
    running ??= start(program)
    const current = await running
    const known = current.tabs.get(sessionId)
    if (known !== undefined) {
      await current.chromium.cdp.send('Browser.getVersion')
      return known
    }
    const opened = await openTab(current.chromium)
    const idle = setTimeout(() => {
      inOrder(async () => {
        // Who works with it still starts the time again when that is done.
        if (tab.users === 0) await drop(sessionId)
      }).catch(stopAnyway)
    }, config.idleMs)
    const tab: Tab = { ...opened, users: 0, idle: idle.unref() }
    current.tabs.set(sessionId, tab)
    return tab
  }

  /** Ends a browser that went away by itself, or does not do what it is told. */
  const stopAnyway = () => stop()

  return {
    refusal: (host) => proxy?.refusal(host),
    page: (sessionId) =>
      inOrder(async () => {
        const found = await findChromium(config)
        if ('missing' in found) return { ok: false, message: found.missing }
        try {
          return lend(await tabOf(sessionId, found.path))
        } catch {
          // The browser died since it was used last, or does not start: once more from the beginning.
          await stop()
        }
        try {
          return lend(await tabOf(sessionId, found.path))
        } catch (error) {
          await stop()
          return { ok: false, message: `The browser ${found.path} does not start: ${(error as Error).message}.` }
        }
      }),
    discard: (sessionId) => inOrder(() => drop(sessionId).catch(stopAnyway)),
    close: () => inOrder(stop),
  }
}

function lend(tab: Tab): Lent {
  tab.users++
  return {
    ok: true,
    page: tab.page,
    done: () => {
      tab.users--
      if (tab.users === 0) tab.idle.refresh()
    },
  }
}

async function openTab({ cdp }: Chromium): Promise<{ contextId: string; page: Page }> {
  const { browserContextId } = (await cdp.send('Target.createBrowserContext')) as { browserContextId: string }
  await cdp.send('Browser.setDownloadBehavior', { behavior: 'deny', browserContextId })
  const { targetId } = await cdp.send('Target.createTarget', { url: 'about:blank', browserContextId })
  const { sessionId } = (await cdp.send('Target.attachToTarget', { targetId, flatten: true })) as { sessionId: string }
  return { contextId: browserContextId, page: await openPage(cdp, sessionId) }
}

/** A session has one page: windows that pages open are closed. */
function closeStrangers({ cdp }: Chromium): void {
  cdp.listen(({ method, params }) => {
    if (method !== 'Target.targetCreated') return
    const { type, openerId, targetId } = params.targetInfo as { type: string; openerId?: string; targetId: string }
    if (type !== 'page' || openerId === undefined) return
    cdp.send('Target.closeTarget', { targetId }).catch(() => {
      // It closed itself first.
    })
  })
}
