import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { installedModules } from '@openpista/testing/programs'
import { createPublicClient, http } from 'viem'
import { expect, type TestContext, test } from 'vitest'
import { repositoryRoot } from '../scripts/repository.ts'
import { runProgram, runTool } from '../scripts/run-program.ts'
import { startWalletOnEvm } from '../wallet/cli/src/testing/wallet-on-evm.ts'

/** The `node_modules` that `npm test` has installed the tarballs into. */
function installed(context: TestContext): string {
  const modules = installedModules()
  if (modules === undefined) context.skip('only `npm test` without arguments installs what is published')
  return modules!
}

test('what is published is installed outside the repository, where nothing of it is found', (context) => {
  expect(realpathSync(installed(context)).startsWith(realpathSync(repositoryRoot))).toBe(false)
})

test.for([
  ['waiaas', '@waiaas/cli'],
  ['openpista', 'openpista'],
  ['openpistacrab', 'openpista'],
])('npm puts the command %s on the PATH', async ([command = '', name = ''], context) => {
  const modules = installed(context)
  const { version } = JSON.parse(readFileSync(join(modules, name, 'package.json'), 'utf8'))
  const { code, output } = await runProgram(join(modules, '.bin', command), ['--version'], dirname(modules))
  expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining(version) })
})

test('a program of somebody else is checked against the types of the SDK, and pays through the wallet', async (context) => {
  const project = mkdtempSync(join(dirname(installed(context)), 'program-'))
  const { chain, wallet, token, stop } = await startWalletOnEvm()
  try {
    const to = '0x00000000000000000000000000000000000000aa'
    writeFileSync(join(project, 'pay.ts'), payer(wallet.url, token, to))
    const compilerOptions = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', types: [] }
    writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['pay.ts'] }))
    const checked = await runTool(repositoryRoot, 'typescript-native/bin/tsc', ['-p', project])
    expect(checked).toEqual({ code: 0, output: '' })
    const paid = await runProgram(process.execPath, ['pay.ts'], project)
    expect(paid).toEqual({ code: 0, output: 'CONFIRMED VALIDATION_FAILED\n' })
    expect(await createPublicClient({ transport: http(chain.rpcUrl) }).getBalance({ address: to })).toBe(10n ** 15n)
  } finally {
    await stop()
    rmSync(project, { recursive: true })
  }
})

function payer(baseUrl: string, sessionToken: string, to: string): string {
  return `
import { WAIaaSClient, WAIaaSError } from '@waiaas/sdk'

const wallet = new WAIaaSClient(${JSON.stringify({ baseUrl, sessionToken })})
const paid = await wallet.send({ to: '${to}', humanAmount: '0.001', network: 'evm-local' }, { wait: 60 })
const status: string = paid.status
// @ts-expect-error A payment has no such field: the types of the wallet are in the package.
paid.noSuchField
try {
  await wallet.getTransaction('no id')
} catch (error) {
  console.log(status, error instanceof WAIaaSError ? error.code : error)
}
`
}
