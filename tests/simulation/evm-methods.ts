import { bodyMissing, finalizedOf, hasState, headOf, pendingCount, receiptMissing } from './evm-backend.ts'
import type { Block, Included } from './evm-chain.ts'
import { METHOD_MISSING, type RpcError } from './evm-clients.ts'
import type { EvmFaultKind } from './evm-faults.ts'
import { blockJson, emptyBlockJson, feeHistoryJson, quantity, receiptJson, transactionJson } from './evm-json.ts'
import { accountIn, floorGas, intrinsicGas, MAX_TRANSACTION_GAS } from './evm-rules.ts'
import { type Hex, madeUp } from './evm-transaction.ts'
import { ancestor, type Backend, type EvmWorld } from './evm-world.ts'

export type RpcAnswer = { result: unknown } | { error: RpcError }

/** One question to one backend. */
type Question = {
  readonly world: EvmWorld
  readonly backend: Backend
  readonly method: string
  readonly params: readonly unknown[]
  readonly head: Block
}

const ERROR = {
  unknownBlock: { code: -32000, message: 'header not found' },
  notCanonical: { code: -32000, message: 'hash is not currently canonical' },
  noBody: { code: 4444, message: 'pruned history unavailable' },
  badParameter: {
    code: -32602,
    message: 'invalid argument 1: json: cannot unmarshal object into Go value of type string',
  },
} satisfies Record<string, RpcError>

type Method = (question: Question) => RpcAnswer

const methods: Record<string, Method> = {
  eth_chainId: ({ world }) => ({ result: quantity(world.chain.chainId) }),
  net_version: ({ world }) => ({ result: String(world.chain.chainId) }),
  web3_clientVersion: ({ backend }) => ({ result: backend.client.name }),
  eth_syncing: () => ({ result: false }),
  eth_blockNumber: ({ head }) => ({ result: quantity(head.number) }),
  eth_getBlockByNumber: blockByNumber,
  eth_getBlockByHash: (question) => {
    const block = visible(question, question.params[0] as Hex)
    return block === undefined ? { result: null } : body(question, block)
  },
  eth_getTransactionCount: transactionCount,
  eth_getBalance: (question) => {
    const state = stateAt(question, question.params[1] ?? 'latest')
    return 'error' in state ? state : { result: quantity(accountIn(state.block.state, address(question)).balance) }
  },
  eth_getCode: code,
  eth_call: (question) => {
    const state = stateAt(question, question.params[1] ?? 'latest')
    return 'error' in state ? state : { result: '0x' }
  },
  eth_estimateGas: estimateGas,
  eth_gasPrice: ({ head }) => ({ result: quantity(head.baseFeePerGas + SUGGESTED_TIP) }),
  eth_maxPriorityFeePerGas: ({ backend }) => ({
    result: quantity(backend.client.leastTip > SUGGESTED_TIP ? backend.client.leastTip : SUGGESTED_TIP),
  }),
  eth_feeHistory: ({ world, head, params }) => {
    const count = Math.min(Number(params[0]), head.number - world.chain.first.number + 1, 1024)
    const blocks = Array.from(
      { length: count },
      (_, index) => ancestor(world.chain, head, head.number - count + 1 + index)!,
    )
    const next = world.chain.rulesAfter(head).baseFeePerGas
    return { result: feeHistoryJson(blocks, next, (params[2] as number[] | undefined) ?? []) }
  },
  eth_getTransactionReceipt: receipt,
  eth_getTransactionByHash: transactionByHash,
  eth_getBlockReceipts: (question) => {
    const block = visible(question, question.params[0] as string)
    if (block === undefined) return { result: null }
    const gone = bodyMissing(question.world, question.backend, question.head, block)
    if (gone !== undefined) return noBody(question, gone)
    return { result: block.transactions.map((each) => receiptJson(block, each)) }
  },
}

const SUGGESTED_TIP = 1_000_000_000n

/** Methods that some node or gateway does not have. */
const OPTIONAL = ['eth_maxPriorityFeePerGas', 'eth_feeHistory', 'eth_getBlockReceipts', 'eth_gasPrice']

/** What a backend answers to anything but a broadcast. */
export function answer(world: EvmWorld, backend: Backend, method: string, params: readonly unknown[]): RpcAnswer {
  const run = methods[method]
  if (run === undefined) return { error: METHOD_MISSING(method) }
  if (OPTIONAL.includes(method) && world.faults.holds('methodMissing', `${backend.url}/${method}`)) {
    world.faults.report({ kind: 'methodMissing', method, url: backend.url })
    return { error: METHOD_MISSING(method) }
  }
  const { head, fault } = headOf(world, backend)
  const question: Question = { world, backend, method, params, head }
  if (fault !== undefined && method !== 'eth_chainId') report(question, fault)
  return run(question)
}

function report({ world, backend, method }: Question, kind: EvmFaultKind): void {
  world.faults.report({ kind, method, url: backend.url })
}

function address({ params }: Question): Hex {
  return String(params[0]).toLowerCase() as Hex
}

/** A block that the backend knows, by hash or number. Of other lines it knows what is not above its head. */
function visible({ world, head }: Question, named: string): Block | undefined {
  const { chain } = world
  if (named.length < 66) {
    const number = ['latest', 'pending'].includes(named) ? head.number : Number(named)
    return ancestor(chain, head, number)
  }
  const block = chain.block(named.toLowerCase() as Hex)
  return block !== undefined && block.number <= head.number ? block : undefined
}

function blockByNumber(question: Question): RpcAnswer {
  const { world, head, params } = question
  const tag = String(params[0])
  if (tag === 'finalized' || tag === 'safe') return finalized(question)
  if (tag === 'earliest') return body(question, world.chain.first)
  const block = visible(question, tag)
  if (block === undefined) return { result: null }
  if (tag !== 'pending') return body(question, block)
  const next = world.chain.rulesAfter(head)
  const pending = { ...head, ...next, number: head.number + 1, parentHash: head.hash, transactions: [], gasUsed: 0n }
  return {
    result: { ...blockJson(pending, false), hash: null, miner: null, nonce: null },
  }
}

function finalized(question: Question): RpcAnswer {
  const { world, backend, head } = question
  const named = finalizedOf(world, backend, head)
  if (named.fault !== undefined) report(question, named.fault)
  switch (named.kind) {
    case 'block':
      return body(question, named.block)
    case 'error':
      return { error: named.error }
    case 'null':
      return { result: null }
    case 'zero':
      return { result: emptyBlockJson(0, `0x${'11'.repeat(32)}`, head) }
    case 'above': {
      const random = world.faults.random('finalizedAbove')
      return { result: emptyBlockJson(world.chain.head().number + random.between(1, 40), random.hex(32), head) }
    }
  }
}

function body(question: Question, block: Block): RpcAnswer {
  const { world, backend, head, params } = question
  const gone = bodyMissing(world, backend, head, block)
  if (gone !== undefined) return noBody(question, gone)
  return { result: blockJson(block, params[1] === true) }
}

/** Some clients say that a body is gone, others that there is no such block. */
function noBody(question: Question, fault: EvmFaultKind): RpcAnswer {
  report(question, fault)
  return question.backend.client.notFinalized === undefined ? { result: null } : { error: ERROR.noBody }
}

/** The block that a question about state names, by number, tag or hash (EIP-1898), as far as its state is kept. */
function stateAt(question: Question, named: unknown): { block: Block } | { error: RpcError } {
  const { world, backend, head } = question
  let block: Block | undefined
  if (typeof named === 'object' && named !== null) {
    if (world.faults.holds('noBlockHashParameter', backend.url)) {
      report(question, 'noBlockHashParameter')
      return { error: ERROR.badParameter }
    }
    const { blockHash, blockNumber, requireCanonical } = named as Record<string, unknown>
    block = visible(question, String(blockHash ?? blockNumber))
    if (block !== undefined && requireCanonical === true && ancestor(world.chain, head, block.number) !== block) {
      return { error: ERROR.notCanonical }
    }
  } else if (named === 'finalized' || named === 'safe') {
    const final = finalizedOf(world, backend, head)
    if (final.fault !== undefined) report(question, final.fault)
    if (final.kind === 'error') return { error: final.error }
    // A state of a block that is not there, or long gone.
    if (final.kind !== 'block') return { error: backend.client.stateGone }
    block = final.block
  } else {
    block = visible(question, String(named))
  }
  if (block === undefined) return { error: ERROR.unknownBlock }
  const kept = hasState(world, backend, head, block)
  if (kept.fault !== undefined) report(question, kept.fault)
  return kept.has ? { block } : { error: backend.client.stateGone }
}

function transactionCount(question: Question): RpcAnswer {
  const { world, backend, params } = question
  const state = stateAt(question, params[1] ?? 'latest')
  if ('error' in state) return state
  const { nonce } = accountIn(state.block.state, address(question))
  if (params[1] !== 'pending') return { result: quantity(nonce) }
  const { count, fault } = pendingCount(world, backend, address(question), nonce)
  if (fault !== undefined) report(question, fault)
  return { result: quantity(count) }
}

function code(question: Question): RpcAnswer {
  const state = stateAt(question, question.params[1] ?? 'latest')
  if ('error' in state) return state
  if (question.world.chain.contracts.has(address(question))) return { result: '0x00' }
  const { delegate } = accountIn(state.block.state, address(question))
  return { result: delegate === undefined ? '0x' : `0xef0100${delegate.slice(2)}` }
}

function estimateGas(question: Question): RpcAnswer {
  const { world, params, head } = question
  const call = (params[0] ?? {}) as Record<string, string | undefined>
  const from = (call.from ?? `0x${'00'.repeat(20)}`).toLowerCase() as Hex
  const to = (call.to?.toLowerCase() ?? null) as Hex | null
  const transaction = madeUp({
    hash: '0x',
    from,
    to,
    value: BigInt(call.value ?? 0),
    data: (call.data ?? call.input ?? '0x') as Hex,
  })
  if (accountIn(head.state, from).balance < transaction.value) {
    return { error: { code: -32000, message: 'insufficient funds for transfer' } }
  }
  const contract = to === null ? undefined : world.chain.contracts.get(to)
  if (contract?.does === 'revert') return { error: { code: 3, message: 'execution reverted', data: '0x' } }
  if (contract?.does === 'burn') {
    return { error: { code: -32000, message: `gas required exceeds allowance (${MAX_TRANSACTION_GAS})` } }
  }
  const needed = intrinsicGas(transaction) + (contract?.gas ?? 0n)
  const floor = floorGas(transaction)
  return { result: quantity(needed > floor ? needed : floor) }
}

/** The block on the backend's line that lists the transaction. */
type Inclusion = { block: Block; included: Included }

function inclusion({ world, head }: Question, hash: Hex): Inclusion | undefined {
  const block = world.inclusions.get(hash)?.find((each) => ancestor(world.chain, head, each.number) === each)
  return block && { block, included: includedIn(block, hash) }
}

/** Where a block that lost has it, and the backend keeps its receipt. */
function lostInclusion(question: Question, hash: Hex): Inclusion | undefined {
  const { world, backend, head } = question
  if (!world.faults.holds('receiptOfLostBlock', `${backend.id}/${hash}`)) return undefined
  const block = world.inclusions
    .get(hash)
    ?.find((each) => each.number <= head.number && ancestor(world.chain, head, each.number) !== each)
  if (block === undefined) return undefined
  report(question, 'receiptOfLostBlock')
  return { block, included: includedIn(block, hash) }
}

function includedIn(block: Block, hash: Hex): Included {
  return block.transactions.find(({ transaction }) => transaction.hash === hash)!
}

function receipt(question: Question): RpcAnswer {
  const { world, backend, head, params } = question
  const hash = String(params[0]).toLowerCase() as Hex
  const found = lostInclusion(question, hash) ?? inclusion(question, hash)
  if (found === undefined) return { result: null }
  const missing = receiptMissing(world, backend, head, found.block, hash)
  if (missing !== undefined) {
    report(question, missing)
    return { result: null }
  }
  const json = receiptJson(found.block, found.included)
  if (!world.faults.holds('receiptWithoutPrice', `${backend.id}/${hash}`)) return { result: json }
  report(question, 'receiptWithoutPrice')
  const { effectiveGasPrice: _, ...withoutPrice } = json
  return { result: withoutPrice }
}

function transactionByHash(question: Question): RpcAnswer {
  const { world, backend, head, params } = question
  const hash = String(params[0]).toLowerCase() as Hex
  const found = inclusion(question, hash)
  if (found === undefined) {
    const waiting = backend.pool.get(hash)
    const isMined = waiting !== undefined && waiting.nonce < accountIn(head.state, waiting.from).nonce
    return { result: waiting === undefined || isMined ? null : transactionJson(waiting) }
  }
  const missing = receiptMissing(world, backend, head, found.block, hash)
  if (missing !== undefined && missing !== 'receiptLate') {
    report(question, missing)
    return { result: null }
  }
  return { result: transactionJson(found.included.transaction, found.block, found.included) }
}
