import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ensurePrivateDir, writeFileAtomic } from '@openpista/common'
import { dataPaths } from '../paths.ts'
import { cheapKdfParams } from '../signer/cheap-kdf.fixture.ts'
import { initKeystore } from '../signer/keystore.ts'

const root = join(import.meta.dirname, '../../../..')
const cache = join(root, 'node_modules/.cache/test-wallets')
/** Sources that determine what a new data directory contains. */
const sources = ['common/src', 'wallet/core/src', 'wallet/daemon/src']

/**
 * Makes what `waiaas init` makes, in a fraction of the time, for tests of what comes after it. The configuration and
 * the database are copied from a cached data directory, the keystore is cheap to unlock, and all data directories
 * share one cache of compiled code, so that the daemon does not compile its code again in each of them.
 */
export async function prepareDataDir(dataDir: string, password: string): Promise<void> {
  const template = join(cache, `template-${sourcesHash()}`)
  if (!existsSync(template)) await makeTemplate(template)
  ensurePrivateDir(dataDir)
  for (const folder of ['data', 'logs', 'run']) ensurePrivateDir(join(dataDir, folder))
  for (const file of ['config.toml', 'data/waiaas.db']) {
    writeFileAtomic(join(dataDir, file), readFileSync(join(template, file)))
  }
  for (const [link, folder] of [
    ['compiled', 'signer'],
    ['run/compiled', 'daemon'],
  ] as const) {
    mkdirSync(join(cache, folder), { recursive: true, mode: 0o700 })
    symlinkSync(join(cache, folder), join(dataDir, link))
  }
  await initKeystore(dataPaths(dataDir).keystore, Buffer.from(password), cheapKdfParams())
}

/** Several processes may do this at the same time; the first to finish provides the template. */
async function makeTemplate(template: string): Promise<void> {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'unfinished-'))
  try {
    const { initDataDir } = await import('../data-dir.ts')
    const dataDir = join(folder, 'wallet')
    const password = Buffer.from('not used by any test')
    await initDataDir({ dataDir, environment: 'testnet', rpc: {}, password, keepPassword: false })
    if (!existsSync(template)) renameSync(dataDir, template)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') throw error
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Changes with every source file, so that no test starts from what older code made. */
function sourcesHash(): string {
  const hash = createHash('sha256')
  for (const source of sources) {
    const names = readdirSync(join(root, source), { recursive: true, encoding: 'utf8' })
    for (const name of names.filter((name) => name.endsWith('.ts')).sort()) {
      hash.update(`${source}/${name}\n`).update(readFileSync(join(root, source, name)))
    }
  }
  return hash.digest('hex').slice(0, 32)
}
