import { join } from 'node:path'

/** The paths of a data directory. The keystore folder belongs to the signer alone. */
export function dataPaths(dataDir: string) {
  return {
    config: join(dataDir, 'config.toml'),
    keystore: join(dataDir, 'keystore'),
    database: join(dataDir, 'data', 'waiaas.db'),
    /** There from a restore until the daemon has taken note of it. */
    restoredMark: join(dataDir, 'data', 'restored'),
    daemonLock: join(dataDir, 'run', 'daemon.lock'),
    signerLock: join(dataDir, 'run', 'signer.lock'),
    /** Where the daemon listens; written by the daemon, who may write no other place. */
    runFile: join(dataDir, 'run', 'daemon.json'),
    /** Compiled code of the signer, in a folder that the daemon cannot write. */
    signerCache: join(dataDir, 'compiled'),
    /** The signer's, which is the process to send signals to. */
    pidFile: join(dataDir, 'daemon.pid'),
    /** The password of an installation without an operator at hand, until somebody removes it. */
    recoveryFile: join(dataDir, 'recovery-password'),
  } as const
}
