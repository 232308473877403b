import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { AppError, systemTimers } from '@openpista/common'
import type { NetworkName } from '@waiaas/core'
import { startJobs } from '../../jobs/jobs.ts'
import type { Step } from '../parts.ts'
import { booksFromText, booksToText, createLedgerChain, emptyBooks } from './ledger-chain.ts'
import { address, createWorld, movableClock, WALLET } from './world.ts'

/**
 * A daemon that pays once and can be told where to die: `crash-child.ts <folder> <where>`. Its chain keeps its
 * books in the folder, so that they outlive it. `where`: a step of the engine, `before the node` or
 * `in the node` for a death while bytes are handed over, `nowhere`.
 */
const [folder, where] = process.argv.slice(2) as [string, Step | 'before the node' | 'in the node' | 'nowhere']

const die = () => process.kill(process.pid, 'SIGKILL')

const booksFile = join(folder, 'books.json')
const books = existsSync(booksFile) ? booksFromText(readFileSync(booksFile, 'utf8')) : emptyBooks()
if (!existsSync(booksFile)) books.balances.set(WALLET, 10n ** 20n)
const network: NetworkName = 'evm-local'
const chain = createLedgerChain(network, books)
const save = () => writeFileSync(booksFile, booksToText(books))
save()

const adapter = {
  ...chain,
  broadcast: async (...parameters: Parameters<typeof chain.broadcast>) => {
    if (where === 'before the node') die()
    const answer = await chain.broadcast(...parameters)
    save()
    if (where === 'in the node') die()
    return answer
  },
}

const adapters = new Map([[network, adapter]])
const world = await createWorld({
  adapters,
  path: join(folder, 'wallet.db'),
  clock: movableClock(),
  policies: [{ type: 'SPENDING_LIMIT', rules: { instant_max: (10n ** 18n).toString() } }],
  onStep: (step) => {
    if (step === where) die()
  },
})
const jobs = startJobs({
  engine: world.engine,
  timers: systemTimers,
  adapters,
  log: world.log,
  tickMillis: 20,
})
await world.engine.recover()
const id = await pay()
const view = await world.engine.wait(id, 20)
await jobs.close()
await world.close()
console.log(view.status)

/** What a client does that got no answer: the same call with the same key. */
async function pay(): Promise<string> {
  try {
    const request = { type: 'TRANSFER', to: address(0xcc), amount: '1000' } as const
    return (await world.engine.send(world.caller, request, 'the one key')).id
  } catch (error) {
    const known = error instanceof AppError && error.code === 'IDEMPOTENCY_IN_PROGRESS'
    if (!known) throw error
    return error.details?.transactionId as string
  }
}
