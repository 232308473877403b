import { runSigner } from './run-signer.ts'

/** The signer as a program, for tests: `<data directory> <password> <daemon module> <code directory> [daemon arguments]`. */
const [dataDir, password, daemonEntry, codeDir, ...daemonArgs] = process.argv.slice(2)
process.exitCode = await runSigner({
  dataDir: dataDir!,
  password: Buffer.from(password!),
  daemonEntry: daemonEntry!,
  codeDirs: [codeDir!],
  daemonArgs,
  env: process.env,
})
