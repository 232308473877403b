import { z } from 'zod'
import { oneLine } from '../../domain/one-line.ts'
import { failed } from '../answer.ts'
import type { ToolContext, ToolResult } from '../tool.ts'
import type { Browser } from './browser.ts'
import { CdpError } from './cdp.ts'
import { type Page, PageFault, raced } from './page.ts'

export const TimeoutSecs = z.number().int().min(1).max(60).default(15)
export const Selector = z.string().min(1).max(1000).meta({ description: 'CSS' })

/** What waits for something on the page says at its timeout what was missing; a page that hangs says nothing. */
const LAST_WORDS_MS = 1000

/** Works with the session's page; whatever goes wrong with it is a result. */
export async function withPage(
  browser: Browser,
  context: ToolContext,
  timeoutSecs: number,
  work: (page: Page, signal: AbortSignal) => Promise<ToolResult>,
): Promise<ToolResult> {
  if (context.signal.aborted) return failed('Cancelled.')
  const found = await browser.page(context.sessionId)
  if (!found.ok) return failed(found.message)
  const timeout = AbortSignal.timeout(timeoutSecs * 1000)
  const end = AbortSignal.timeout(timeoutSecs * 1000 + LAST_WORDS_MS)
  try {
    const done = work(found.page, AbortSignal.any([context.signal, timeout]))
    return await raced(done, AbortSignal.any([context.signal, end]))
  } catch (error) {
    if (context.signal.aborted) return failed('Cancelled.')
    if (end.aborted) {
      await browser.discard(context.sessionId)
      return failed(`Timeout after ${timeoutSecs}s. The page does not answer and was closed; navigate again.`)
    }
    if (!(error instanceof PageFault || error instanceof CdpError)) {
      if (timeout.aborted) return failed(`Timeout after ${timeoutSecs}s`)
      throw error
    }
    if (error instanceof CdpError || error.hung) await browser.discard(context.sessionId)
    const words = error instanceof CdpError ? `The page was lost (${error.message}); navigate again.` : error.message
    // A fault in a page can be in the page's own words.
    return failed(oneLine(words), { kind: 'tool', tool: 'browser' })
  } finally {
    found.done()
  }
}

/** An answer as JSON, in the page's name. */
export function pageAnswer(url: string, answer: Record<string, unknown>, text = ''): ToolResult {
  const words = [JSON.stringify(answer), ...(text === '' ? [] : ['', text])]
  return { output: words.join('\n'), isError: false, provenance: { kind: 'web', url } }
}
