import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findChromium } from '@openpista/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { isAlive } from '../../executors/alive.ts'
import { createHostExecutor } from '../../executors/host.ts'
import type { Tool, ToolContext } from '../tool.ts'
import { type Browser, type BrowserConfig, createBrowser } from './browser.ts'
import { createBrowserClick } from './click.ts'
import { createBrowserNavigate } from './navigate.ts'
import { createBrowserScreenshot } from './screenshot.ts'
import { createBrowserText } from './text.ts'
import { createBrowserType } from './type.ts'

const chromium = await findChromium()
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'browser-')))
const pages = new Map<string, (request: IncomingMessage, response: ServerResponse) => void>()
const site = createServer((request, response) => {
  const page = pages.get(request.url!.split('?')[0]!)
  if (page === undefined) response.writeHead(404).end('no such page')
  else page(request, response)
})
/** What this machine offers to itself, and no page may reach. */
const reached: string[] = []
const inner = createServer((request, response) => {
  reached.push(request.url!)
  response.writeHead(200, { 'access-control-allow-origin': '*' }).end('inner secret')
})
for (const server of [site, inner]) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const portOf = (server: typeof site) => (server.address() as AddressInfo).port
const origin = `http://127.0.0.1:${portOf(site)}`
const secret = `127.0.0.1:${portOf(inner)}`
const html = (path: string, body: string, headers: Record<string, string> = {}) =>
  pages.set(path, (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', ...headers }).end(body),
  )

const browsers: Browser[] = []
function start(changes: Partial<BrowserConfig> = {}): Browser {
  const browser = createBrowser({
    path: 'path' in chromium ? chromium.path : '',
    folder,
    env: process.env,
    idleMs: 600_000,
    isAlive,
    web: { allowedHosts: [`127.0.0.1:${portOf(site)}`], resolve: async () => [{ address: '127.0.0.1', family: 4 }] },
    ...changes,
  })
  browsers.push(browser)
  return browser
}
afterAll(async () => {
  for (const browser of browsers) await browser.close()
  for (const server of [site, inner]) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(folder, { recursive: true })
})

const makers = {
  navigate: createBrowserNavigate,
  click: createBrowserClick,
  type: createBrowserType,
  text: createBrowserText,
  screenshot: createBrowserScreenshot,
}
function driver(browser: Browser, sessionId = 's') {
  return async (action: keyof typeof makers, input: Record<string, unknown> = {}, more: Partial<ToolContext> = {}) => {
    const tool = makers[action](browser) as unknown as Tool
    const ids = { sessionId, turnId: 't', callId: 'c', workspace: '/', exec: createHostExecutor({}) }
    const signal = new AbortController().signal
    return await tool.run(tool.input.parse(input), { ...ids, signal, emit: () => {}, ...more })
  }
}
/** Processes with the profiles' folder in their command line. */
function processes(): string[] {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(folder)
    } catch {
      // It ended while we looked.
      return false
    }
  })
}

test('without a browser the answer says what to install', async () => {
  const use = driver(start({ path: '', env: { PATH: '/nonexistent' } }))
  expect(await use('navigate', { url: origin })).toMatchObject({
    isError: true,
    output: expect.stringMatching(/apt-get install chromium|cannot be opened|is not on/),
  })
  const named = driver(start({ path: '/nonexistent/chromium' }))
  expect((await named('text')).output).toContain('/nonexistent/chromium is no program')
})

describe.skipIf('missing' in chromium)('a real Chromium', () => {
  const browser = start()
  const use = driver(browser)

  test('opens, fills in, clicks and reads a page, whose words stay its own', async () => {
    html(
      '/form',
      `<title>Ducks</title><form action="/found" target="_blank"><input name="q" value="old"><button>Look</button></form>
       <script>document.querySelector('input').oninput = (e) => { document.title = e.target.value }</script>`,
    )
    pages.set('/found', (request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).end(`<p>asked ${request.url}</p>`),
    )
    const opened = await use('navigate', { url: `${origin}/form` })
    expect(JSON.parse(opened.output)).toEqual({
      action: 'navigate',
      requested_url: `${origin}/form`,
      final_url: `${origin}/form`,
      title: 'Ducks',
    })
    expect(opened.provenance).toEqual({ kind: 'web', url: `${origin}/form` })
    expect((await use('text')).output).toContain('input[name="q"]  old')
    expect(JSON.parse((await use('type', { selector: 'input', text: 'mallard ✓' })).output)).toMatchObject({
      action: 'type',
      typed_chars: 9,
      final_url: `${origin}/form`,
    })
    expect((await use('text')).output).toContain('"title":"mallard ✓"')
    const clicked = await use('click', { selector: 'button', wait_for_navigation: true })
    expect(JSON.parse(clicked.output).final_url).toBe(`${origin}/found?q=mallard+%E2%9C%93`)
    expect(await use('text')).toMatchObject({
      output: expect.stringContaining('asked /found?q=mallard'),
      provenance: { kind: 'web', url: `${origin}/found?q=mallard+%E2%9C%93` },
    })
  })

  test('a picture of the page comes as an image in the name of the page', async () => {
    html('/tall', '<body style="margin:0;height:3000px;background:teal">')
    await use('navigate', { url: `${origin}/tall` })
    const picture = async (full_page: boolean) => (await use('screenshot', { full_page })).images![0]!
    const bytes = Buffer.from((await picture(false)).base64, 'base64')
    expect([bytes.subarray(1, 4).toString(), bytes.readUInt32BE(16), bytes.readUInt32BE(20)]).toEqual([
      'PNG',
      1280,
      800,
    ])
    const full = await picture(true)
    expect(Buffer.from(full.base64, 'base64').readUInt32BE(20)).toBe(3000)
    expect(full).toMatchObject({ mime: 'image/png', provenance: { kind: 'web', url: `${origin}/tall` } })
  })

  test('no page reaches this machine: not by address, name, redirect, frame, script, socket or picture', async () => {
    pages.set('/redirect', (_request, response) => response.writeHead(302, { location: `http://${secret}/r` }).end())
    html(
      '/evil',
      `<img src="http://${secret}/img"><iframe src="http://${secret}/frame"></iframe><script src="http://${secret}/js"></script>
       <link rel=prefetch href="http://${secret}/pre"><link rel=preconnect href="http://${secret}">
       <p id=out>begun</p><script>
       const note = (word) => { out.textContent += ' ' + word }
       Promise.allSettled([
         fetch('http://${secret}/fetch').then((r) => r.ok ? note('FETCHED') : note('refused')),
         fetch('http://localhost:${portOf(inner)}/name', { mode: 'no-cors' }),
         fetch('http://rebind.example:${portOf(inner)}/rebind', { mode: 'no-cors' }),
         new Promise((done) => { const s = new WebSocket('ws://${secret}/ws'); s.onopen = () => { note('OPENED'); done() }; s.onerror = done }),
         navigator.serviceWorker?.register('/sw.js'),
       ]).then(() => note('finished'))
       navigator.sendBeacon('http://${secret}/beacon', 'x')
       </script>`,
    )
    const open = (url: string) => use('navigate', { url })
    for (const url of [
      `http://${secret}/`,
      `http://localhost:${portOf(inner)}/`,
      `https://${secret}/`,
      `${origin}/redirect`,
    ]) {
      expect(await open(url)).toMatchObject({ isError: true, output: expect.stringContaining('public internet') })
    }
    expect((await open(`http://rebind.example:${portOf(inner)}/`)).output).toContain('not on the public internet')
    expect(await open(`${origin}/evil`)).toMatchObject({ isError: false })
    await expect.poll(async () => (await use('text', { selector: '#out' })).output).toMatch(/begun finished$/m)
    expect(reached).toEqual([])
  })

  test.each(['file:///etc/passwd', 'javascript:1', 'data:text/html,x', 'chrome://version', 'about:blank', 'no url'])(
    '%j is not opened',
    async (url) => {
      expect(await use('navigate', { url })).toMatchObject({
        isError: true,
        output: 'Only http/https URLs are supported',
      })
    },
  )

  test('a page cannot lead to files, open windows, hold the session with dialogs, or leave downloads', async () => {
    pages.set('/file', (_request, response) =>
      response
        .writeHead(200, { 'content-disposition': 'attachment; filename=x.sh', 'content-type': 'text/x-sh' })
        .end('x'),
    )
    html(
      '/rude',
      `<button onclick="alert('hi'); confirm('?'); window.open('/form'); window.open('/form'); location='file:///etc/passwd'">go</button>
       <a href="/file" download>load</a><a href="file:///etc/passwd" id=f>passwd</a><p>still here</p>`,
    )
    await use('navigate', { url: `${origin}/rude` })
    expect(await use('click', { selector: 'button' })).toMatchObject({ isError: false })
    expect(await use('click', { selector: 'a[download]' })).toMatchObject({ isError: false })
    await use('click', { selector: '#f' })
    expect((await use('text')).output).toContain('still here')
    expect((await use('text')).output).not.toContain('root:')
    const left = readdirSync(folder, { recursive: true }).map(String)
    expect(left.filter((name) => name.endsWith('x.sh') || name.endsWith('.crdownload'))).toEqual([])
  })

  test('what cannot be clicked or typed in says why', async () => {
    html('/odd', '<button hidden id=h>x</button><button disabled id=d>x</button><p id=p>text</p>')
    await use('navigate', { url: `${origin}/odd` })
    const click = async (selector: string) => (await use('click', { selector, timeout_secs: 8 })).output
    expect(await click('#none')).toContain('nothing on the page matches')
    expect(await click('#h')).toContain('not visible')
    expect(await click('#d')).toContain('disabled')
    expect(await click(':::')).toContain('no CSS selector')
    expect((await use('type', { selector: '#p', text: 'x' })).output).toContain('no field to type in')
    expect(await use('click', { selector: '#p', wait_for_navigation: true, timeout_secs: 3 })).toMatchObject({
      isError: true,
    })
  })

  test('a page that never answers ends with the call; the session goes on with a fresh one', async () => {
    html('/loop', '<button onclick="for(;;);">go</button>')
    pages.set('/never', (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/html' }).write('<p>begun'),
    )
    await use('navigate', { url: `${origin}/loop` })
    expect(await use('click', { selector: 'button', timeout_secs: 2 })).toMatchObject({ isError: true })
    await use('text')
    expect(await use('navigate', { url: `${origin}/form` })).toMatchObject({ isError: false })
    const controller = new AbortController()
    const begun = performance.now()
    const never = use('navigate', { url: `${origin}/never` }, { signal: controller.signal })
    setTimeout(() => controller.abort(), 200)
    expect(await never).toMatchObject({ isError: true, output: 'Cancelled.' })
    expect(performance.now() - begun).toBeLessThan(30_000)
    expect(await use('navigate', { url: `${origin}/never`, timeout_secs: 1 })).toMatchObject({
      output: expect.stringContaining('not fully loaded'),
    })
  })

  test('each session has a page and cookies of its own', async () => {
    pages.set('/cookie', (request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html', 'set-cookie': 'who=me' })
        .end(`<p>cookie: ${request.headers.cookie ?? 'none'}</p>`),
    )
    const other = driver(browser, 'other')
    await use('navigate', { url: `${origin}/cookie` })
    await other('navigate', { url: `${origin}/cookie` })
    expect((await other('text')).output).toContain('cookie: none')
    await use('navigate', { url: `${origin}/cookie` })
    expect((await use('text')).output).toContain('cookie: who=me')
  })

  test('a browser that died is started anew, and an idle or closed one leaves nothing behind', async () => {
    await use('navigate', { url: `${origin}/form` })
    for (const pid of processes()) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch (error) {
        // Its parent's end was its own.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
    await expect.poll(processes).toEqual([])
    expect(await use('navigate', { url: `${origin}/form` })).toMatchObject({ isError: false })
    await browser.close()
    expect([processes(), readdirSync(folder)]).toEqual([[], []])

    mkdirSync(join(folder, '999999999-left'))
    const idle = driver(start({ idleMs: 100 }))
    expect(await idle('navigate', { url: `${origin}/form` })).toMatchObject({ isError: false })
    await expect.poll(() => readdirSync(folder)).toEqual([])
    expect(processes()).toEqual([])
  })
})
