import { z } from 'zod'
import { defineTool, type Tool } from '../tool.ts'
import type { Browser } from './browser.ts'
import { whereIs } from './element.ts'
import { raced } from './page.ts'
import { pageAnswer, TimeoutSecs, withPage } from './with-page.ts'

const Input = z.strictObject({ full_page: z.boolean().default(false), timeout_secs: TimeoutSecs })

/** `browser.screenshot`: a picture of the open page, for the model to see. */
export function createBrowserScreenshot(browser: Browser): Tool<typeof Input> {
  return defineTool({
    name: 'browser.screenshot',
    offeredAfter: 'browser.navigate',
    description: 'Look at the open page as an image.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: () => 'picture of the open page',
    scope: () => 'browser.screenshot',
    run: ({ full_page, timeout_secs }, context) =>
      withPage(browser, context, timeout_secs, async (page, signal) => {
        const { url } = await whereIs(page)
        const { base64, mime, width, height } = await raced(page.screenshot(full_page), signal)
        const answer = pageAnswer(url, { action: 'screenshot', url, mime, width, height, full_page })
        return { ...answer, images: [{ type: 'image', mime, base64, provenance: answer.provenance }] }
      }),
  })
}
