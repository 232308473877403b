import { setTimeout as delay } from 'node:timers/promises'
import type { Cdp, CdpEvent } from './cdp.ts'

/** A page that does not answer, or what was looked for in it is not there. The message is for the model. */
export class PageFault extends Error {
  override name = 'PageFault'
  /** True when the page is of no further use. */
  readonly hung: boolean

  constructor(message: string, hung: boolean) {
    super(message)
    this.hung = hung
  }
}

/** One open page. Functions that wait end with the signal's reason when it is aborted. */
export type Page = {
  navigate: (url: string, signal: AbortSignal) => Promise<{ error: string | undefined; loaded: boolean }>
  /** Calls a function's source in a world of its own, which the page's scripts cannot change. */
  call: <Result>(source: string, args: readonly unknown[]) => Promise<Result>
  /** Does something that may lead to another page, and waits for that one. */
  settle: (act: () => Promise<void>, mustNavigate: boolean, signal: AbortSignal) => Promise<void>
  input: (kind: 'Mouse' | 'Key', params: Record<string, unknown>) => Promise<void>
  insertText: (text: string) => Promise<void>
  screenshot: (fullPage: boolean) => Promise<{ base64: string; mime: string; width: number; height: number }>
  stop: () => Promise<void>
}

export const WIDTH = 1280
export const HEIGHT = 800
/** What models take: higher pictures are cut, heavier ones are compressed. */
const MAX_HEIGHT = 7000
const MAX_BASE64 = 4_500_000
/** A page that is busy for longer is given up. */
const ANSWER_MS = 5000
/** How soon after a click a new page must have begun to load. */
const BEGIN_MS = 300

/** Sets up a fresh target: no dialogs, no file choosers, one size. */
export async function openPage(cdp: Cdp, sessionId: string): Promise<Page> {
  const send = (method: string, params: Record<string, unknown> = {}) => cdp.send(method, params, sessionId)
  const { frameTree } = (await send('Page.getFrameTree')) as { frameTree: { frame: { id: string } } }
  const frameId = frameTree.frame.id
  await send('Page.enable')
  await send('Page.setLifecycleEventsEnabled', { enabled: true })
  await send('Page.setInterceptFileChooserDialog', { enabled: true })
  const metrics = { width: WIDTH, height: HEIGHT, deviceScaleFactor: 1, mobile: false }
  await send('Emulation.setDeviceMetricsOverride', metrics)
  const listen = (listener: (event: CdpEvent) => void) =>
    cdp.listen((event) => {
      if (event.sessionId === sessionId) listener(event)
    })
  listen(({ method }) => {
    if (method !== 'Page.javascriptDialogOpening') return
    // A dialog stops the page until it is answered.
    send('Page.handleJavaScriptDialog', { accept: false }).catch(() => {
      // It was gone before the answer arrived.
    })
  })
  const loads = watchLoads(frameId, listen)

  const call: Page['call'] = async <Result>(source: string, args: readonly unknown[]) => {
    const answer = evaluate(send, frameId, source, args)
    const late = delay(ANSWER_MS, undefined, { ref: false }).then(() => {
      throw new PageFault('The page does not answer. It was closed; navigate again.', true)
    })
    return (await Promise.race([answer, late])) as Result
  }
  return {
    call,
    navigate: async (url, signal) => {
      const finished = loads.next('load', signal)
      const { errorText } = (await raced(send('Page.navigate', { url }), signal)) as { errorText?: string }
      if (errorText !== undefined) return { error: errorText, loaded: false }
      return { error: undefined, loaded: await finished }
    },
    settle: async (act, mustNavigate, signal) => {
      const begun = loads.next('init', AbortSignal.any([signal, AbortSignal.timeout(mustNavigate ? 60_000 : BEGIN_MS)]))
      await act()
      if (await begun) await loads.next('load', signal)
      else if (mustNavigate) throw new PageFault('No other page was loaded.', false)
    },
    input: async (kind, params) => void (await send(`Input.dispatch${kind}Event`, params)),
    insertText: async (text) => void (await send('Input.insertText', { text })),
    screenshot: (fullPage) => screenshot(send, fullPage),
    stop: async () => void (await send('Page.stopLoading')),
  }
}

type Send = (method: string, params?: Record<string, unknown>) => Promise<Record<string, unknown>>

/** Waits for the next event of the main frame's life: `init` is the beginning of a new document. */
function watchLoads(frameId: string, listen: (listener: (event: CdpEvent) => void) => () => void) {
  return {
    /** False when the signal ends the waiting. */
    next: (name: 'init' | 'load', signal: AbortSignal): Promise<boolean> =>
      new Promise((resolve) => {
        const end = (found: boolean) => {
          unlisten()
          signal.removeEventListener('abort', give)
          resolve(found)
        }
        const give = () => end(false)
        const unlisten = listen(({ method, params }) => {
          if (method === 'Page.lifecycleEvent' && params.frameId === frameId && params.name === name) end(true)
        })
        if (signal.aborted) give()
        else signal.addEventListener('abort', give, { once: true })
      }),
  }
}

async function evaluate(send: Send, frameId: string, source: string, args: readonly unknown[]): Promise<unknown> {
  const world = { frameId, worldName: 'openpista' }
  const { executionContextId } = await send('Page.createIsolatedWorld', world)
  const answer = (await send('Runtime.callFunctionOn', {
    functionDeclaration: source,
    executionContextId,
    arguments: args.map((value) => ({ value })),
    returnByValue: true,
    awaitPromise: true,
  })) as { result: { value?: unknown }; exceptionDetails?: { exception?: { description?: string } } }
  if (answer.exceptionDetails === undefined) return answer.result.value
  throw new PageFault(answer.exceptionDetails.exception?.description?.split('\n', 1)[0] ?? 'a fault in the page', false)
}

async function screenshot(send: Send, fullPage: boolean): ReturnType<Page['screenshot']> {
  const { cssContentSize } = (await send('Page.getLayoutMetrics')) as { cssContentSize: { height: number } }
  const height = fullPage ? Math.min(Math.max(Math.ceil(cssContentSize.height), HEIGHT), MAX_HEIGHT) : HEIGHT
  const clip = { clip: { x: 0, y: 0, width: WIDTH, height, scale: 1 }, captureBeyondViewport: true }
  const area = fullPage ? clip : {}
  const { data } = (await send('Page.captureScreenshot', { format: 'png', ...area })) as { data: string }
  if (data.length <= MAX_BASE64) return { base64: data, mime: 'image/png', width: WIDTH, height }
  const packed = (await send('Page.captureScreenshot', { format: 'jpeg', quality: 60, ...area })) as { data: string }
  return { base64: packed.data, mime: 'image/jpeg', width: WIDTH, height }
}

/** A promise that ends with the signal. */
export async function raced<Result>(promise: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const give = () => reject(signal.reason)
  if (signal.aborted) give()
  else signal.addEventListener('abort', give, { once: true })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', give)
  }
}
