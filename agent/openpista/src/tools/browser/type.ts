import { z } from 'zod'
import { oneLine } from '../../domain/one-line.ts'
import { failed } from '../answer.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Browser } from './browser.ts'
import { clickElement, whereIs } from './element.ts'
import { FOCUS } from './scripts.ts'
import { pageAnswer, Selector, TimeoutSecs, withPage } from './with-page.ts'

const ENTER = { key: 'Enter', code: 'Enter', windowsVirtualKeyCode: 13, text: '\r' }

const Input = z.strictObject({
  selector: Selector,
  text: z.string().max(10_000),
  press_enter: z.boolean().default(false),
  wait_for_navigation: z.boolean().default(false),
  timeout_secs: TimeoutSecs,
})

/** `browser.type`: puts a text into a field, in place of what is there. The page, and so its author, sees it. */
export function createBrowserType(browser: Browser): Tool<typeof Input> {
  return defineTool({
    name: 'browser.type',
    offeredAfter: 'browser.navigate',
    description: 'Fill in a field of the open page.',
    input: Input,
    risk: 'send',
    repeatable: false,
    summary: ({ selector, text }) => oneLine(`type "${text.slice(0, 60)}" into ${selector}`),
    scope: () => 'browser.type',
    run: ({ selector, text, press_enter, wait_for_navigation, timeout_secs }, context) =>
      withPage(browser, context, timeout_secs, async (page, signal) => {
        await clickElement(page, selector, signal)
        if (!(await page.call<boolean>(FOCUS, [selector])))
          return failed(`${oneLine(selector)} is no field to type in.`)
        const enter = async () => {
          await page.insertText(text)
          if (!press_enter) return
          await page.input('Key', { type: 'keyDown', ...ENTER })
          await page.input('Key', { type: 'keyUp', ...ENTER })
        }
        await page.settle(enter, wait_for_navigation, signal)
        const { url } = await whereIs(page)
        const answer = { action: 'type', selector, typed_chars: text.length, press_enter, final_url: url }
        return pageAnswer(url, answer)
      }),
  })
}
