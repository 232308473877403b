import { randomBytes } from 'node:crypto'
import { dataPaths, initDataDir } from '@waiaas/daemon'
import { chooseNewPassword } from '../password.ts'

type Options = { environment: 'testnet' | 'mainnet'; rpc: Record<string, string>; autoProvision?: boolean }

export async function init(dataDir: string, options: Options): Promise<void> {
  const keepPassword = options.autoProvision === true
  const password = keepPassword ? Buffer.from(randomBytes(24).toString('base64url')) : await chooseNewPassword()
  const { environment, rpc } = options
  await initDataDir({ dataDir, environment, rpc, password, keepPassword })
  console.log(`Made a wallet in ${dataDir}.`)
  if (keepPassword) {
    console.log(`The master password is in ${dataPaths(dataDir).recoveryFile}.`)
    console.log('Write it down in a safe place, then delete that file: anybody who reads it controls the wallet.')
  }
  console.log('Next: waiaas start')
}
