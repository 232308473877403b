import { base58 } from '@scure/base'
import { findNetwork, type Network } from '@waiaas/core'
import { z } from 'zod'
import { watchBlocks } from '../block-watch.ts'
import type { ChainAdapter, NodeOptions, Signed } from '../chain-adapter.ts'
import { foreseePayment } from '../payment.ts'
import { createRpcPool, type Reader, SURVEY_MS } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { readBlockHeight } from './block-height.ts'
import { createBlockhashSource } from './blockhash.ts'
import type { SolanaContext } from './context.ts'
import { draftSolana, messageOf, SPARE_UNITS } from './draft.ts'
import { readHoldings } from './holdings.ts'
import { withSignature } from './message.ts'
import { namedMint } from './mints.ts'
import { readBroadcastFailure } from './node-errors.ts'
import { createSolanaOutcomes } from './outcomes.ts'
import { draftOutside, OutsidePlan, outsideSignable } from './outside.ts'
import { SolanaPlan } from './plan.ts'
import { probeSolana } from './probe.ts'
import { type SolanaTraits, solanaTraits } from './solana-traits.ts'
import { tokenAccountsOn } from './token-accounts.ts'
import { readTraces } from './traces.ts'
import { MAX_U64 } from './transfer.ts'
import { base64, InContext, U64 } from './wire.ts'

/** Lamports that keep an account without data alive. */
const RENT_EXEMPT_EMPTY = 890_880n

/** One Solana network: version 0 transactions over JSON-RPC. */
export function createSolanaAdapter(network: Network, { rpcUrls, exchange, timers }: NodeOptions): ChainAdapter {
  const traits = solanaTraits(network.name)
  const rpc = createRpcPool({
    urls: rpcUrls,
    check: (node) => checkGenesis(node, network, traits),
    probe: probeSolana,
    height: (node) => readBlockHeight(node, 'confirmed'),
    maxLag: MAX_LAG_SLOTS,
    surveyMs: SURVEY_MS,
    exchange,
    timers,
  })
  const context: SolanaContext = { network, traits, rpc, blockhash: createBlockhashSource(rpc, traits, timers) }
  const unique = rememberMessages()
  const blocks = watchBlocks(
    async () => {
      const height = await readBlockHeight(rpc, 'confirmed')
      return height.ok ? height.value : undefined
    },
    traits.watchMs,
    timers,
  )

  return {
    network,
    connect: rpc.connect,
    balance: async (address) => {
      const balance = await rpc.read('getBalance', [address, { commitment: 'confirmed' }], InContext(U64))
      return balance.ok ? { ok: true, amount: balance.value.value } : { ok: false, message: balance.failure.message }
    },
    token: async (declared) => {
      const named = await namedMint(context, declared)
      return named.ok ? { ok: true, token: named.mint } : named
    },
    holdings: async (owner, tokens) => {
      const held = await readHoldings(rpc, owner, tokens)
      return held.ok ? { ok: true, holdings: held.value } : { ok: false, message: held.failure.message }
    },
    foresee: (request, from) => foreseePayment(request, from, network, MAX_U64),
    draft: (request, from) => draftSolana(context, request, from),
    draftOutside: (transaction, from) => draftOutside(context, transaction, from),
    signable: async (draft, from) => {
      const outside = OutsidePlan.safeParse(draft.plan)
      if (outside.success)
        return { ok: true, signable: outsideSignable(outside.data.outside, from, await context.blockhash()) }
      const plan = SolanaPlan.parse(draft.plan)
      const lifetime = await context.blockhash()
      if (!lifetime.ok) return { ok: false, code: 'CHAIN_ERROR', message: lifetime.failure.message }
      const bytes = unique(lifetime.value.blockhash, (spare) =>
        messageOf({ ...plan, units: plan.units + spare }, from.address, lifetime.value),
      )
      if (bytes === undefined) {
        return { ok: false, code: 'CHAIN_ERROR', message: 'Too many equal payments in one block; try again.' }
      }
      const finish = (signature: Uint8Array): Signed => ({
        raw: withSignature(bytes, signature),
        hash: base58.encode(signature),
        sequence: null,
        validUntil: lifetime.value.lastValidBlockHeight,
        origin: lifetime.value.slot,
        cost: null,
      })
      return { ok: true, signable: { bytes, finish } }
    },
    broadcast: ({ raw, hash }, { mayLeave, startAt }) => {
      const options = { encoding: 'base64', skipPreflight: true, maxRetries: 0 }
      const isHash = (result: string) => result === hash
      const how = { readFailure: readBroadcastFailure, isHash, mayLeave, startAt }
      return rpc.broadcast('sendTransaction', [base64(raw), options], how)
    },
    outcomes: createSolanaOutcomes(rpc, timers.monotonic),
    traces: (hashes) => readTraces(rpc, hashes),
    startsAnew: traits.ownGenesis,
    leastRemainder: RENT_EXEMPT_EMPTY,
    tokenAccounts: tokenAccountsOn(context),
    onBlock: blocks.onBlock,
    close: async () => {
      blocks.close()
      rpc.close()
    },
  }
}

/** Twelve seconds or so. */
const MAX_LAG_SLOTS = 30n

async function checkGenesis(
  node: Reader,
  network: Network,
  traits: SolanaTraits,
): Promise<RpcResult<string | undefined>> {
  const genesis = await node.read('getGenesisHash', [], z.string())
  if (!genesis.ok) return genesis
  const served = findNetwork(`solana:${genesis.value.slice(0, 32)}`)
  const isRight = served === undefined ? traits.ownGenesis : served.name === network.name
  return { ok: true, value: isRight ? undefined : `serves ${served?.name ?? 'another chain'}, not ${network.name}.` }
}

const REMEMBERED_BLOCKHASHES = 300

/** Builds a message that was not built before under the same blockhash, with as few spare units as that takes. */
function rememberMessages() {
  const byBlockhash = new Map<string, { built: Set<string>; nextSpare: Map<string, number> }>()
  return (blockhash: string, build: (spare: number) => Uint8Array): Uint8Array | undefined => {
    const { built, nextSpare } = byBlockhash.get(blockhash) ?? { built: new Set(), nextSpare: new Map() }
    byBlockhash.set(blockhash, { built, nextSpare })
    if (byBlockhash.size > REMEMBERED_BLOCKHASHES) byBlockhash.delete(byBlockhash.keys().next().value!)
    const plain = base64(build(0))
    for (let spare = nextSpare.get(plain) ?? 0; spare <= SPARE_UNITS; spare++) {
      const bytes = build(spare)
      const message = base64(bytes)
      if (built.has(message)) continue
      built.add(message)
      nextSpare.set(plain, spare + 1)
      return bytes
    }
    return undefined
  }
}
