import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runSigner } from '../../wallet/daemon/src/signer/run-signer.ts'

/** The signer as a program: `<data directory> <password>`. Its daemon lives by the clock of the test. */
const [dataDir, password] = process.argv.slice(2)
const root = join(import.meta.dirname, '../..')
process.umask(0o077)
process.exitCode = await runSigner({
  dataDir: dataDir!,
  password: Buffer.from(password!),
  daemonEntry: fileURLToPath(new URL('./daemon-under-clock.fixture.ts', import.meta.url)),
  daemonArgs: [dataDir!],
  codeDirs: ['node_modules', 'common', 'wallet/core', 'wallet/daemon', 'tests/scenarios'].map((name) =>
    join(root, name),
  ),
  env: process.env,
})
