import { bytesToHex } from '@noble/hashes/utils.js'
import type { Network } from '@waiaas/core'
import { watchBlocks } from '../block-watch.ts'
import type { ChainAdapter, Draft } from '../chain-adapter.ts'
import { createRpcClient } from '../json-rpc.ts'
import { parseParty } from '../payment.ts'
import { contractSigned } from './contract-signature.ts'
import { draftEvm, type EvmContext } from './draft.ts'
import { EvmPlan, envelopeOf, signableOf } from './envelope.ts'
import { evmTraits } from './evm-traits.ts'
import { createFeeSource } from './fees.ts'
import { readHoldings } from './holdings.ts'
import { readBroadcastFailure } from './node-errors.ts'
import { evmOutcomes } from './outcomes.ts'
import { draftOutside, OutsidePlan, outsideSignable } from './outside.ts'
import { Data, Quantity } from './quantity.ts'
import { createTokenSource } from './tokens.ts'

/** One EVM network: EIP-1559 transactions over JSON-RPC. */
export function createEvmAdapter(network: Network, rpcUrl: string): ChainAdapter {
  const rpc = createRpcClient(rpcUrl)
  const traits = evmTraits(network.name)
  const context: EvmContext = {
    network,
    traits,
    rpc,
    price: createFeeSource(rpc, traits),
    tokens: createTokenSource(rpc, network),
  }
  const blocks = watchBlocks(async () => {
    const height = await rpc.read('eth_blockNumber', [], Quantity)
    return height.ok ? height.value : undefined
  }, traits.pollMs)

  return {
    network,
    connect: async () => {
      const chainId = await rpc.read('eth_chainId', [], Quantity)
      if (!chainId.ok) return { ok: false, message: chainId.failure.message }
      if (chainId.value === BigInt(network.chainId!)) return { ok: true }
      return { ok: false, message: `The node serves chain ${chainId.value}, not ${network.name} (${network.chainId}).` }
    },
    balance: async (address) => {
      const balance = await rpc.read('eth_getBalance', [address, 'latest'], Quantity)
      return balance.ok ? { ok: true, amount: balance.value } : { ok: false, message: balance.failure.message }
    },
    token: async (address) => {
      const named = parseParty(address, network)
      return named.ok ? await context.tokens(named.address) : named
    },
    holdings: async (owner, tokens) => {
      const held = await readHoldings(context, owner, tokens)
      return held.ok ? { ok: true, holdings: held.value } : { ok: false, message: held.failure.message }
    },
    nextSequence: async (address) => {
      const count = await rpc.read('eth_getTransactionCount', [address, 'pending'], Quantity)
      return count.ok ? { ok: true, sequence: count.value } : { ok: false, message: count.failure.message }
    },
    draft: (request, from) => draftEvm(context, request, from),
    draftOutside: (transaction, from) => draftOutside(context, transaction, from),
    signable: (draft, _from, sequence) => signable(context, draft, sequence),
    broadcast: async ({ raw }) => {
      const sent = await rpc.submit('eth_sendRawTransaction', [`0x${bytesToHex(raw)}`], Data)
      return sent.ok ? { kind: 'accepted' } : readBroadcastFailure(sent.failure)
    },
    outcomes: (attempts) => evmOutcomes(rpc, traits, attempts),
    contractSigned: (address, hash, signature) => contractSigned(rpc, address, hash, signature),
    onBlock: blocks.onBlock,
    close: async () => {
      blocks.close()
      rpc.close()
    },
  }
}

async function signable(
  { network, price }: EvmContext,
  draft: Draft,
  sequence: bigint | null,
): ReturnType<ChainAdapter['signable']> {
  const outside = OutsidePlan.safeParse(draft.plan)
  if (outside.success) return { ok: true, signable: outsideSignable(outside.data.outside) }
  if (sequence === null) throw new TypeError('an EVM transaction needs a sequence')
  const plan = EvmPlan.parse(draft.plan)
  const now = await price()
  if (!now.ok) return { ok: false, code: 'CHAIN_ERROR', message: now.failure.message }
  if (now.value.baseFee > plan.maxFeePerGas) {
    return { ok: false, code: 'CHAIN_ERROR', message: 'The network is dearer now than the fee that was allowed.' }
  }
  return { ok: true, signable: signableOf(envelopeOf(plan, network, sequence, now.value)) }
}
