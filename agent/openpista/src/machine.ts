import { join } from 'node:path'
import type { z } from 'zod'
import { isAlive } from './executors/alive.ts'
import { sweepContainers } from './executors/container.ts'
import type { Containers } from './executors/containers.ts'
import { scrubEnvironment } from './executors/process.ts'
import { searchSaid } from './store/said.ts'
import type { Store } from './store/store.ts'
import { type Browser, createBrowser } from './tools/browser/browser.ts'
import { createBrowserClick } from './tools/browser/click.ts'
import { createBrowserNavigate } from './tools/browser/navigate.ts'
import { createBrowserScreenshot } from './tools/browser/screenshot.ts'
import { createBrowserText } from './tools/browser/text.ts'
import { createBrowserType } from './tools/browser/type.ts'
import type { BrowserSection, ScreenSection } from './tools/config.ts'
import { createContainerRun } from './tools/container-run.ts'
import { createMemorySearch } from './tools/memory-search.ts'
import type { WebConfig } from './tools/pinned-fetch.ts'
import { createScreenCapture, screenOf } from './tools/screen-capture.ts'
import type { Tool } from './tools/tool.ts'

export type MachineParts = {
  browser: z.output<typeof BrowserSection>
  screen: z.output<typeof ScreenSection>
  containers: Containers
  /** The agent's own folder. */
  home: string
  env: Readonly<Record<string, string | undefined>>
  platform: NodeJS.Platform
  web: WebConfig
  store: Store
}

/** The tools that start something beside this program, or keep something open: those that are configured, or can be. */
export type Machine = {
  tools: readonly Tool[]
  /** Clears away what a killed process left. Answers what it could not. */
  start: () => Promise<string | undefined>
  /** Ends whatever runs. */
  close: () => Promise<void>
}

export function createMachine(parts: MachineParts): Machine {
  const { home, env, web, containers } = parts
  const idleMs = parts.browser.idle_minutes * 60_000
  const browser = createBrowser({
    path: parts.browser.path,
    folder: join(home, 'browser'),
    env: scrubEnvironment(env),
    isAlive,
    web,
    idleMs,
  })
  const tools = [
    ...(parts.browser.enabled ? browserTools(browser) : []),
    ...(parts.screen.enabled && screenOf(env, parts.platform) !== undefined
      ? [createScreenCapture(env, parts.platform)]
      : []),
    ...containerTools(containers),
    createMemorySearch((sessionId, words, limit) => searchSaid(parts.store, sessionId, words, limit)),
  ]
  return {
    // A tool's functions take its own parsed input; whoever calls them parses first.
    tools: tools as unknown as readonly Tool[],
    start: async () => {
      if (containers.images.length === 0) return undefined
      const swept = await sweepContainers(containers.engine, containers.owner, isAlive)
      return 'fault' in swept ? swept.fault : undefined
    },
    close: () => browser.close(),
  }
}

function browserTools(browser: Browser) {
  return [
    createBrowserNavigate(browser),
    createBrowserText(browser),
    createBrowserClick(browser),
    createBrowserType(browser),
    createBrowserScreenshot(browser),
  ]
}

function containerTools({ images: [first, ...rest], ...containers }: Containers) {
  return first === undefined ? [] : [createContainerRun({ ...containers, images: [first, ...rest] })]
}
