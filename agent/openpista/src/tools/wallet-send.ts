import { createHash } from 'node:crypto'
import { canonicalJson } from '@openpista/common'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import type { Payments } from '../wallet/payments.ts'
import type { Simulation, Transaction, Wallet } from '../wallet/wallet.ts'
import { adviceFor, decisiveReasons, effectWords, isForeign, simulationWords, statusWords } from '../wallet/words.ts'
import { failed, succeeded } from './answer.ts'
import { PaymentInput, paymentRequest } from './payment-input.ts'
import { networkFor } from './payment-network.ts'
import { defineTool, type Tool, type ToolContext, type ToolResult } from './tool.ts'
import { withWallet } from './wallet-answer.ts'

const Input = z.strictObject({
  ...PaymentInput.shape,
  confirm: z.boolean().default(false),
  quote: z.string().max(64).optional().meta({ description: 'With confirm: id from the dry run' }),
})
type Input = z.output<typeof Input>

/** How long a payment that is on its way is watched before the tool answers. */
const WATCH_MS = 20_000
const WATCH_EVERY_MS = 300

/**
 * `wallet.send`: a payment. One that the policy lets pass at once is sent; any other is answered with its dry run
 * first, and sent when it is asked for again with the quote. The wallet judges both times: this step is there to
 * make the model look, not to keep anybody out.
 */
export function createWalletSend(wallet: Wallet, payments: Payments): Tool<typeof Input> {
  return defineTool({
    name: 'wallet.send',
    description:
      'Pay from your wallet. If the answer is a dry run, nothing was sent: call again with the same arguments, confirm: true and its quote.',
    input: Input,
    risk: 'spend',
    repeatable: true,
    summary: ({ amount, symbol, to, network }) =>
      oneLine(
        `send ${amount}${symbol === undefined ? '' : ` ${symbol}`} to ${to}${network === undefined ? '' : ` on ${network}`}`,
      ),
    scope: () => 'wallet.send',
    run: async (asked, context) =>
      await withWallet('wallet.send', async () => {
        const found = asked.network === undefined ? networkFor(asked.to, await wallet.getWallet()) : asked
        if ('choose' in found && found.choose !== undefined) return failed(found.choose)
        const input = { ...asked, network: found.network }
        const key = hash(['payment', context.sessionId, context.turnId, context.callId])
        // A call that is taken up after a crash may have paid: it asks for the same payment again, not for a verdict.
        const held = (await payments.begun(key)) ? undefined : await hold(input, context, wallet)
        if (held !== undefined) return held
        if (context.signal.aborted) return failed('Cancelled before it was sent.')
        return await send(input, { ...context, key }, wallet, payments)
      }),
  })
}

/** The answer instead of a payment, or `undefined` when it may be sent. */
async function hold(input: Input, context: ToolContext, wallet: Wallet): Promise<ToolResult | undefined> {
  const quote = quoteOf(input, context)
  if (input.confirm) {
    if (input.quote === quote) return undefined
    return failed('This quote belongs to no such payment here. Call without confirm first, then with its quote.')
  }
  const simulation = await wallet.simulate(paymentRequest(input))
  const wrong = wrongCoin(input, simulation)
  if (wrong !== undefined) return failed(wrong)
  return simulation.tier === 'INSTANT' ? undefined : dryRun(simulation, quote)
}

type Sending = Pick<ToolContext, 'sessionId' | 'turnId' | 'emit' | 'signal'> & { key: string }

async function send(input: Input, context: Sending, wallet: Wallet, payments: Payments): Promise<ToolResult> {
  const { sessionId, turnId, key, signal } = context
  const last = await payments.sendFor(
    { sessionId, turnId },
    key,
    () => wallet.send(paymentRequest(input), { idempotencyKey: key }),
    async (sent) => {
      context.emit(`transaction ${sent.id}\n`)
      const last = await watch(sent, wallet, signal)
      return { last, isTold: !signal.aborted }
    },
  )
  const shown = `${last.effects.map(effectWords).join('; ')} on ${last.network} (transaction ${last.id}).\n${statusWords(last)}`
  const isError = ['FAILED', 'CANCELLED', 'EXPIRED'].includes(last.status)
  const said = { output: `${shown}${adviceFor(last)}`, shown, isError }
  return { ...said, provenance: isForeign(last.error) ? { kind: 'tool', tool: 'wallet.send' } : { kind: 'system' } }
}

/** Follows a payment that is on its way until it ends, waits for somebody, or the time is over. */
async function watch(sent: Transaction, wallet: Wallet, signal: AbortSignal): Promise<Transaction> {
  const until = Date.now() + WATCH_MS
  let last = sent
  while (
    ['PENDING', 'EXECUTING', 'SIGNED', 'SUBMITTED'].includes(last.status) &&
    Date.now() < until &&
    !signal.aborted
  ) {
    await new Promise((resolve) => setTimeout(resolve, WATCH_EVERY_MS))
    last = await wallet.getTransaction(sent.id)
  }
  return last
}

function dryRun(simulation: Simulation, quote: string): ToolResult {
  const words = simulationWords(simulation)
  if (simulation.tier === 'DENY') {
    const reasons = decisiveReasons(simulation.reasons, 'DENY').map(({ message }) => oneLine(message))
    const why = `The wallet's policy denies this: ${reasons.join(' ')} (${simulation.code})`
    return { ...failed(`${why} Trying again will not help.\n${words}`), shown: `${why}\n${words}` }
  }
  const next = `NOT SENT YET. If this is what the owner asked for, call wallet.send again with the same arguments, confirm: true and quote: "${quote}".`
  return { ...succeeded(`${next}\n${words}`), shown: `Dry run; nothing is sent yet.\n${words}` }
}

/** The same payment in the same session; another amount, address or network has another one. */
function quoteOf(input: Input, { sessionId }: ToolContext): string {
  return hash(['quote', sessionId, canonicalJson(paymentRequest(input))]).slice(0, 12)
}

function wrongCoin({ symbol }: Input, simulation: Simulation): string | undefined {
  if (symbol === undefined || symbol.toUpperCase() === simulation.symbol.toUpperCase()) return undefined
  return `This would pay in ${oneLine(simulation.symbol)}, not in ${oneLine(symbol)}. Nothing was sent.`
}

function hash(parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
