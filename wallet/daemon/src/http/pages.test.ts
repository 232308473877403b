import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startHttp, type TestHttp } from './testing/start-http.ts'

const folder = mkdtempSync(join(tmpdir(), 'waiaas-pages-'))
const dist = join(folder, 'dist')
let http: TestHttp

beforeAll(async () => {
  mkdirSync(join(dist, 'assets'), { recursive: true })
  writeFileSync(join(dist, 'index.html'), '<!doctype html><title>Sign</title>')
  writeFileSync(join(dist, 'assets', 'main-1a2b.js'), 'export {}')
  writeFileSync(join(folder, 'secret.json'), '{}')
  http = await startHttp({ pages: dist })
})
afterAll(async () => {
  await http.close()
  rmSync(folder, { recursive: true })
})

test('one document serves every transaction, under a policy that runs only its own code', async () => {
  const page = await http.fetch('/approve/01890000-0000-7000-8000-000000000000')
  expect([page.status, await page.text()]).toEqual([200, '<!doctype html><title>Sign</title>'])
  const policy = page.headers.get('content-security-policy')!
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining([
      "default-src 'none'",
      "script-src 'self'",
      "connect-src 'self' http://127.0.0.1:4000",
      "frame-ancestors 'none'",
    ]),
  )
  expect(policy).not.toContain('unsafe')
  expect(page.headers.get('x-frame-options')).toBe('DENY')
  const script = await http.fetch('/approve/assets/main-1a2b.js')
  expect(script.headers.get('content-type')).toContain('text/javascript')
  expect(script.headers.get('cache-control')).toContain('immutable')
})

test('the page learns where the demo owner signs', async () => {
  expect(await (await http.fetch('/approve/config.json')).json()).toEqual({
    demoOwnerUrl: 'http://127.0.0.1:4000/sign',
  })
})

/** A path that no client library tidies up first. */
function statusOf(path: string): Promise<number> {
  const { hostname, port } = new URL(http.url)
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, path }, (incoming) => {
      incoming.resume()
      resolve(incoming.statusCode!)
    })
    outgoing.on('error', reject).end()
  })
}

test.each([
  '/approve/../secret.json',
  '/approve/%2e%2e/secret.json',
  '/approve/..%2fsecret.json',
  '/approve/assets/..%2f..%2f..%2fsecret.json',
  '/approve/%00.json',
  '/approve/%ff.json',
  '/approve/missing.js',
  '/approve/index.php',
])('%s leads nowhere', async (path) => {
  expect(await statusOf(path)).toBe(404)
})

test('without a build the page says how to make one', async () => {
  const own = await startHttp()
  try {
    expect(await (await own.fetch('/approve/x')).text()).toContain('npm run build')
  } finally {
    await own.close()
  }
})
