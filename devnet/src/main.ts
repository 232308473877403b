import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startEvmNode } from './evm-node.ts'
import { evmPersonalities, solanaPersonalities } from './personalities/personalities.ts'
import { startEvmProxy } from './proxy/evm-proxy.ts'
import { startSolanaProxy } from './proxy/solana-proxy.ts'
import { startSolanaNode } from './solana-node.ts'

const USAGE = `Starts the local chains and runs until Ctrl-C.

node devnet/src/main.ts [--evm-port 8545] [--solana-port 8899] [--state-dir DIR] [--slot-ms 400]
                        [--evm-as NAME] [--solana-as NAME]

Ports are free ones unless given. With --state-dir a later start goes on where this one ended.
With --evm-as or --solana-as the node behaves as that client or gateway does:
  EVM     ${Object.keys(evmPersonalities).join(' ')}
  Solana  ${Object.keys(solanaPersonalities).join(' ')}`

/** Milliseconds between two looks at whether the parent process is still there. */
const PARENT_CHECK_MS = 500

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      'evm-port': { type: 'string', default: '0' },
      'solana-port': { type: 'string', default: '0' },
      'state-dir': { type: 'string' },
      'slot-ms': { type: 'string', default: '400' },
      'evm-as': { type: 'string' },
      'solana-as': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return console.log(USAGE)
  const ended = whenTold()
  const folder = values['state-dir']
  if (folder !== undefined) mkdirSync(folder, { recursive: true })
  const stateFile = (name: string) => (folder === undefined ? {} : { stateFile: join(folder, name) })
  const personality = {
    evm: chosen(values['evm-as'], evmPersonalities, '--evm-as'),
    solana: chosen(values['solana-as'], solanaPersonalities, '--solana-as'),
  }
  const port = {
    evm: wholeNumber(values['evm-port'], '--evm-port'),
    solana: wholeNumber(values['solana-port'], '--solana-port'),
  }
  const slotMs = Math.max(1, wholeNumber(values['slot-ms'], '--slot-ms'))

  await using started = new AsyncDisposableStack()
  const keep = <Node extends { stop(): Promise<void> }>(node: Node) => started.adopt(node, (each) => each.stop())
  // A node with a personality has the given port, and the chain behind it a free one.
  const evmChain = keep(await startEvmNode({ port: personality.evm ? 0 : port.evm, ...stateFile('evm.json') }))
  const evm = personality.evm
    ? keep(await startEvmProxy({ upstream: evmChain.rpcUrl, personality: personality.evm, port: port.evm }))
    : evmChain
  const solanaChain = keep(
    await startSolanaNode({ port: personality.solana ? 0 : port.solana, slotMs, ...stateFile('solana.json') }),
  )
  const solana = personality.solana
    ? keep(await startSolanaProxy({ upstream: solanaChain.rpcUrl, personality: personality.solana, port: port.solana }))
    : solanaChain
  console.log(`EVM     ${evm.rpcUrl}  ${evm.wsUrl}  chain ${evmChain.chainId}`)
  console.log(`Solana  ${solana.rpcUrl}  ${solana.wsUrl}`)
  await ended
}

function chosen<Personality>(
  name: string | undefined,
  all: Readonly<Record<string, Personality>>,
  option: string,
): Personality | undefined {
  if (name === undefined) return undefined
  if (!Object.hasOwn(all, name)) throw new TypeError(`${option} must be one of ${Object.keys(all).join(', ')}`)
  return all[name]
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
