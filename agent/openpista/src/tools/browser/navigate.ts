import { z } from 'zod'
import { oneLine } from '../../domain/one-line.ts'
import { failed } from '../answer.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Browser } from './browser.ts'
import { whereIs } from './element.ts'
import { pageAnswer, TimeoutSecs, withPage } from './with-page.ts'

const Input = z.strictObject({ url: z.string().min(1).max(8000), timeout_secs: TimeoutSecs })

/** `browser.navigate`: opens an address in the session's page. */
export function createBrowserNavigate(browser: Browser): Tool<typeof Input> {
  return defineTool({
    name: 'browser.navigate',
    description: 'Open a page in a browser, for pages that need scripts or clicks; else use web.fetch.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ url }) => oneLine(`open ${url}`),
    scope: ({ url }) => `browser.navigate: ${URL.parse(url)?.host ?? url}`,
    run: async ({ url, timeout_secs }, context) => {
      const address = URL.parse(url)
      if (address === null || (address.protocol !== 'http:' && address.protocol !== 'https:')) {
        return failed('Only http/https URLs are supported')
      }
      if (address.username !== '' || address.password !== '') return failed('A URL with a password is not opened.')
      return await withPage(browser, context, timeout_secs, async (page, signal) => {
        const { error, loaded } = await page.navigate(address.href, signal)
        if (error !== undefined) return failed(browser.refusal(address.host) ?? `The page cannot be opened: ${error}`)
        if (!loaded) await page.stop()
        const { url: finalUrl, title } = await whereIs(page)
        const refused = browser.refusal(URL.parse(finalUrl)?.host ?? '')
        if (refused !== undefined) {
          const words = oneLine(`${finalUrl}: ${refused}`)
          return finalUrl === address.href ? failed(words) : failed(words, { kind: 'web', url: finalUrl })
        }
        const answer = { action: 'navigate', requested_url: url, final_url: finalUrl, title }
        return pageAnswer(finalUrl, loaded ? answer : { ...answer, note: `not fully loaded after ${timeout_secs}s` })
      })
    },
  })
}
