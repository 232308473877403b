import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEvmNode } from './evm-node.ts'
import { startSolanaNode } from './solana-node.ts'

const USAGE = `Starts the local chains and runs until Ctrl-C.

node devnet/src/main.ts [--evm-port 8545] [--solana-port 8899] [--state-dir DIR] [--slot-ms 400]

Ports are free ones unless given. With --state-dir a later start goes on where this one ended.`

/** Milliseconds between two looks at whether the parent process is still there. */
const PARENT_CHECK_MS = 500

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'evm-port': { type: 'string', default: '0' },
      'solana-port': { type: 'string', default: '0' },
      'state-dir': { type: 'string' },
      'slot-ms': { type: 'string', default: '400' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const ended = whenTold()
  const folder = values['state-dir']
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const stateFile = (name: string) => (folder === undefined ? {} : { stateFile: join(folder, name) })
  const evm = await startEvmNode({ port: wholeNumber(values['evm-port'], '--evm-port'), ...stateFile('evm.json') })
  try {
    const solana = await startSolanaNode({
      port: wholeNumber(values['solana-port'], '--solana-port'),
      slotMs: Math.max(1, wholeNumber(values['slot-ms'], '--slot-ms')),
      ...stateFile('solana.json'),
    })
    console.log(`EVM     ${evm.rpcUrl}  ${evm.wsUrl}  chain ${evm.chainId}`)
    console.log(`Solana  ${solana.rpcUrl}  ${solana.wsUrl}`)
    await ended
    await solana.stop()
  } finally {
    await evm.stop()
  }
}

/** Resolves on the first signal to end, or when the parent process is gone. */
function whenTold(): Promise<void> {
  return new Promise((resolve) => {
    const parent = process.ppid
    const watch = setInterval(() => {
      if (process.ppid !== parent) end()
    }, PARENT_CHECK_MS).unref()
    const end = () => {
      clearInterval(watch)
      resolve()
    }
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)
  })
}

function wholeNumber(text: string, option: string): number {
  if (!/^[0-9]{1,5}$/.test(text)) throw new TypeError(`${option} must be a whole number, not "${text}"`)
  return Number(text)
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
})
