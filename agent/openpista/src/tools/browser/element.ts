import { setTimeout as delay } from 'node:timers/promises'
import { type Page, PageFault, raced } from './page.ts'
import { LOCATE, WHERE } from './scripts.ts'

const LOOK_EVERY_MS = 100

const FAULTS = {
  missing: 'nothing on the page matches',
  hidden: 'it is not visible',
  covered: 'something else lies over it',
  disabled: 'it is disabled',
  invalid: 'this is no CSS selector',
} as const

type Located = { x: number; y: number } | { fault: keyof typeof FAULTS }

/** Clicks an element once it is there, visible and not covered. */
export async function clickElement(page: Page, selector: string, signal: AbortSignal): Promise<void> {
  const { x, y } = await locate(page, selector, signal)
  const button = { x, y, button: 'left', clickCount: 1 }
  await page.input('Mouse', { type: 'mouseMoved', x, y })
  await page.input('Mouse', { type: 'mousePressed', ...button })
  await page.input('Mouse', { type: 'mouseReleased', ...button })
}

/** Where the page is now. */
export async function whereIs(page: Page): Promise<{ title: string; url: string }> {
  return await page.call(WHERE, [])
}

async function locate(page: Page, selector: string, signal: AbortSignal): Promise<{ x: number; y: number }> {
  let last: keyof typeof FAULTS | undefined
  for (;;) {
    try {
      const found = await raced(page.call<Located>(LOCATE, [selector]), signal)
      if (!('fault' in found)) return found
      last = found.fault
    } catch (error) {
      // A slow page may be asked when the time is up: then what it said before counts.
      if (!signal.aborted || last === undefined) throw error
    }
    if (last === 'invalid') throw new PageFault(`${selector}: ${FAULTS.invalid}.`, false)
    if (signal.aborted) throw new PageFault(`${selector}: ${FAULTS[last]}. browser.text lists what is there.`, false)
    await delay(LOOK_EVERY_MS)
  }
}
