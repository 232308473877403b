import { bytesToHex } from '@noble/hashes/utils.js'
import type { Network } from '@waiaas/core'
import { watchBlocks } from '../block-watch.ts'
import type { ChainAdapter, Draft, NodeOptions } from '../chain-adapter.ts'
import { foreseePayment } from '../payment.ts'
import { createRpcPool, type Reader, SURVEY_MS } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { createAgreement } from './agreement.ts'
import { contractSigned } from './contract-signature.ts'
import { draftEvm, draftFiller, type EvmContext } from './draft.ts'
import { EvmPlan, envelopeOf, signableOf } from './envelope.ts'
import { evmTraits } from './evm-traits.ts'
import { createFeeSource } from './fees.ts'
import { createFinality } from './finality.ts'
import { createFundsSource } from './funds.ts'
import { readHoldings } from './holdings.ts'
import { createTurns } from './in-turn.ts'
import { createLine } from './line.ts'
import { readBroadcastFailure } from './node-errors.ts'
import { createEvmOutcomes } from './outcomes.ts'
import { draftOutside, OutsidePlan, outsideSignable } from './outside.ts'
import { probeEvm } from './probe.ts'
import { Quantity } from './quantity.ts'
import { replacementFor } from './replacement.ts'
import { readSequence } from './sequence.ts'
import { readToken } from './token-transfer.ts'
import { createTokenSource } from './tokens.ts'
import { readStanding, readTraces } from './traces.ts'
import { MAX_UINT256 } from './transfer.ts'

/** One EVM network: EIP-1559 transactions over JSON-RPC. */
export function createEvmAdapter(network: Network, options: NodeOptions): ChainAdapter {
  const { rpcUrls, feeHeadroomPercent, exchange, timers } = options
  const traits = evmTraits(network.name)
  const rpc = createRpcPool({
    urls: rpcUrls,
    check: (node) => checkChain(node, network),
    probe: probeEvm,
    height: (node) => node.read('eth_blockNumber', [], Quantity),
    maxLag: MAX_LAG_BLOCKS,
    surveyMs: SURVEY_MS,
    exchange,
    timers,
  })
  const line = createLine()
  const agree = createAgreement(rpc)
  const finality = createFinality(traits, options.finalityDepth, agree, timers.monotonic)
  /** Before anything is followed no final block is known. */
  const askFinal = async () => {
    await rpc.onOne(async (node) => {
      const head = await line.follow(node)
      return head.ok ? { ok: true, value: await finality.read(node, head.value, line) } : head
    })
    return finality.last(line)
  }
  const finalNumber = async () => {
    const final = finality.last(line) ?? (await askFinal())
    return final !== null && (await agree(final)) ? final.number : null
  }
  const price = createFeeSource(rpc, traits, timers)
  const context: EvmContext = {
    network,
    traits,
    rpc,
    price,
    funds: createFundsSource({ rpc, price, timers }),
    headroomPercent: BigInt(feeHeadroomPercent),
    tokens: createTokenSource(rpc, network),
    finalNumber,
  }
  const inTurn = createTurns()
  const blocks = watchBlocks(
    async () => {
      const height = await rpc.read('eth_blockNumber', [], Quantity)
      return height.ok ? height.value : undefined
    },
    traits.pollMs,
    timers,
  )

  return {
    network,
    connect: rpc.connect,
    balance: async (address) =>
      told(await rpc.read('eth_getBalance', [address, 'latest'], Quantity), (amount) => ({ amount })),
    token: (declared) => readToken(context, declared),
    holdings: async (owner, tokens) => told(await readHoldings(context, owner, tokens), (holdings) => ({ holdings })),
    sequence: (address) => readSequence(rpc, line, address),
    foresee: (request, from) => foreseePayment(request, from, network, MAX_UINT256),
    draft: (request, from) => draftEvm(context, request, from),
    draftOutside: (transaction, from) => draftOutside(context, transaction, from),
    signable: (draft, _from, sequence) => signable(context, draft, sequence),
    funds: async (address, which) => told(await context.funds[which](address), (funds) => funds),
    filler: (from) => draftFiller(context, from),
    broadcast: async ({ raw, hash, from }, { mayLeave, startAt }) => {
      line.watch([hash], false)
      const isHash = (result: string) => result.toLowerCase() === hash.toLowerCase()
      const how = { readFailure: readBroadcastFailure, isHash, mayLeave, startAt }
      const send = () => rpc.broadcast('eth_sendRawTransaction', [`0x${bytesToHex(raw)}`], how)
      // Of many from one account at the same time anvil forgets one now and then, and holds back all after it.
      const answer = await (traits.ownChain || traits.noPool ? inTurn(from, send) : send())
      // A chain of one's own makes the block at once.
      if (traits.ownChain && answer.kind === 'accepted') blocks.lookNow()
      return answer
    },
    replacement: (wanted) => replacementFor(context, wanted),
    outcomes: createEvmOutcomes(rpc, {
      line,
      finality,
      traits,
      agree,
      monotonic: timers.monotonic,
      patienceMs: PATIENCE_POLLS * traits.pollMs,
    }),
    traces: (hashes) => readTraces(rpc, hashes, finality.finalOn),
    standing: (blocks) => readStanding(rpc, blocks),
    startsAnew: traits.ownChain,
    contractSigned: (address, hash, signature) => contractSigned(rpc, address, hash, signature),
    onBlock: blocks.onBlock,
    close: async () => {
      blocks.close()
      rpc.close()
    },
  }
}

function told<Value, Told extends object>(result: RpcResult<Value>, tell: (value: Value) => Told) {
  if (!result.ok) return { ok: false as const, message: result.failure.message }
  return { ok: true as const, ...tell(result.value) }
}

const MAX_LAG_BLOCKS = 5n
/** Polls for a new block after which the count of an account is asked. */
const PATIENCE_POLLS = 3

async function checkChain(node: Reader, network: Network): Promise<RpcResult<string | undefined>> {
  const answer = await node.read('eth_chainId', [], Quantity)
  if (!answer.ok) return answer
  const isRight = answer.value === BigInt(network.chainId!)
  return {
    ok: true,
    value: isRight ? undefined : `serves chain ${answer.value}, not ${network.name} (${network.chainId}).`,
  }
}

async function signable(
  { network, price, finalNumber }: EvmContext,
  draft: Draft,
  sequence: bigint | null,
): ReturnType<ChainAdapter['signable']> {
  const outside = OutsidePlan.safeParse(draft.plan)
  if (outside.success) return { ok: true, signable: outsideSignable(outside.data.outside, await finalNumber()) }
  if (sequence === null) throw new TypeError('an EVM transaction needs a sequence')
  const plan = EvmPlan.parse(draft.plan)
  const now = await price()
  if (!now.ok) return { ok: false, code: 'CHAIN_ERROR', message: now.failure.message }
  const { baseFee } = now.value
  if (baseFee > plan.maxFeePerGas) {
    const message = `The network asks for ${baseFee} wei per gas, and the fee that was allowed pays for ${plan.maxFeePerGas}.`
    return { ok: false, code: 'CHAIN_ERROR', message, tooDear: true }
  }
  const envelope = envelopeOf(plan, network, sequence, now.value)
  return { ok: true, signable: signableOf(envelope, plan.dataFee, await finalNumber()) }
}
