import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureWebBuilt } from './build-web.ts'
import { type DemoStack, startDemo } from './demo/stack.ts'
import { playTour, type TourStep } from './demo/tour.ts'

const USAGE = `npm start                 start the demo: local chains, wallet, agent; prints one link
npm start -- --once       play the tour without a browser, check every result, stop
npm start -- --folder X   keep the demo's data in X (default: .demo)
npm start -- --verbose    show what the programs print`

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    folder: { type: 'string', default: process.env.OPENPISTA_DEMO_DIR ?? join(import.meta.dirname, '..', '.demo') },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(USAGE)
else process.exitCode = await main()

async function main(): Promise<number> {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort())
  await ensureWebBuilt()
  const stack = await startDemo({
    folder: resolve(values.folder),
    ports: values.once ? { gateway: 0, wallet: 0 } : { gateway: 3210, wallet: 3100 },
    agentEnv: {},
    say: (line) => console.log(line),
    echo: values.verbose ? (line) => console.log(`  | ${line}`) : () => {},
  })
  try {
    return values.once ? await tour(stack) : await serve(stack, interrupted.signal)
  } finally {
    await stack.stop()
  }
}

async function tour(stack: DemoStack): Promise<number> {
  console.log('\nThe tour: what an owner would type, and what came of it.\n')
  const steps = await playTour(stack, show)
  const failed = steps.filter((step) => !step.ok).length
  console.log(
    failed === 0 ? `\nAll ${steps.length} steps did what they must.` : `\n${failed} of ${steps.length} steps failed.`,
  )
  return failed === 0 ? 0 : 1
}

function show(step: TourStep): void {
  console.log(`${step.ok ? '✓' : '✗'} ${step.what}`)
  console.log(`    ${step.result}`)
  if (step.hash !== undefined) console.log(`    ${step.hash}`)
}

async function serve(stack: DemoStack, interrupted: AbortSignal): Promise<number> {
  const examples = stack.chains.map((chain) => `  /wallet send ${chain.small} ${chain.symbol} to ${chain.newAddress()}`)
  console.log(`
Open this link; it works once, and then this browser is known:

  ${stack.gateway.link}

Try there:
${examples.join('\n')}
  /wallet send 0.6 ETH to ${stack.chains[0]!.newAddress()}   (asks the owner)
  /run uname -a

Ctrl-C stops everything; the next start goes on from here.`)
  const ended = Promise.race([stack.gateway.process.ended, stack.wallet.process.ended])
  const stopped = new Promise<'stop'>((done) =>
    interrupted.addEventListener('abort', () => done('stop'), { once: true }),
  )
  const why = interrupted.aborted ? 'stop' : await Promise.race([ended, stopped])
  if (why === 'stop') {
    console.log('\nStopping …')
    return 0
  }
  console.error('\nA part of the demo ended by itself. Start with --verbose to see what it said.')
  return 1
}
