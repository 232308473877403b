import { z } from 'zod'
import { oneLine } from '../../domain/one-line.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Browser } from './browser.ts'
import { clickElement, whereIs } from './element.ts'
import { pageAnswer, Selector, TimeoutSecs, withPage } from './with-page.ts'

const Input = z.strictObject({
  selector: Selector,
  wait_for_navigation: z.boolean().default(false),
  timeout_secs: TimeoutSecs,
})

/** `browser.click`: clicks what a selector finds. A click can send a form, so it counts as speaking to others. */
export function createBrowserClick(browser: Browser): Tool<typeof Input> {
  return defineTool({
    name: 'browser.click',
    offeredAfter: 'browser.navigate',
    description: 'Click in the open page.',
    input: Input,
    risk: 'send',
    repeatable: false,
    summary: ({ selector }) => oneLine(`click ${selector}`),
    scope: () => 'browser.click',
    run: ({ selector, wait_for_navigation, timeout_secs }, context) =>
      withPage(browser, context, timeout_secs, async (page, signal) => {
        await page.settle(() => clickElement(page, selector, signal), wait_for_navigation, signal)
        const { url } = await whereIs(page)
        return pageAnswer(url, { action: 'click', selector, final_url: url })
      }),
  })
}
