import { z } from 'zod'
import { oneLine } from '../../domain/one-line.ts'
import { failed } from '../answer.ts'
import { partOf } from '../part.ts'
import { defineTool, type Tool } from '../tool.ts'
import type { Browser } from './browser.ts'
import { READ_PAGE } from './scripts.ts'
import { pageAnswer, Selector, withPage } from './with-page.ts'

const MAX_CHARS = 20_000
const MAX_ELEMENTS = 100
const SECONDS = 15

const Input = z.strictObject({
  selector: Selector.optional(),
  offset: z.number().int().min(0).default(0),
})

type Read = { title: string; url: string; text: string; elements: [selector: string, label: string][] } | null

/** `browser.text`: what the open page says, and selectors of what can be clicked or filled in. */
export function createBrowserText(browser: Browser): Tool<typeof Input> {
  return defineTool({
    name: 'browser.text',
    offeredAfter: 'browser.navigate',
    description: 'Text of the open page, or of a part, with selectors of its links and fields.',
    input: Input,
    risk: 'read',
    repeatable: true,
    summary: ({ selector }) => oneLine(`read the open page${selector === undefined ? '' : `: ${selector}`}`),
    scope: () => 'browser.text',
    run: ({ selector, offset }, context) =>
      withPage(browser, context, SECONDS, async (page) => {
        const read = await page.call<Read>(READ_PAGE, [selector ?? null, MAX_ELEMENTS])
        if (read === null) return failed(`${oneLine(selector ?? 'the page')}: nothing on the page matches.`)
        const { title, url, text, elements } = read
        const lines = elements.map(([found, label]) => `${oneLine(found)}  ${oneLine(label)}`.trimEnd())
        const parts = [
          partOf(text, { offset, limit: MAX_CHARS }),
          ...(lines.length === 0 ? [] : ['', 'selectors:', ...lines]),
        ]
        return pageAnswer(url, { action: 'text', final_url: url, title }, parts.join('\n'))
      }),
  })
}
