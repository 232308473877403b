import type { Block, Included } from './evm-chain.ts'
import { effectivePrice } from './evm-rules.ts'
import type { Hex, Transaction } from './evm-transaction.ts'

/** Shapes of the execution API (ethereum/execution-apis), as far as clients of a wallet read them. */
export function quantity(value: bigint | number): Hex {
  return `0x${value.toString(16)}`
}

export function blockJson(block: Block, full: boolean) {
  return {
    number: quantity(block.number),
    hash: block.hash,
    parentHash: block.parentHash,
    timestamp: quantity(block.timestamp),
    baseFeePerGas: quantity(block.baseFeePerGas),
    gasLimit: quantity(block.gasLimit),
    gasUsed: quantity(block.gasUsed),
    miner: block.miner,
    difficulty: '0x0',
    extraData: '0x',
    size: '0x400',
    uncles: [],
    transactions: block.transactions.map((each) =>
      full ? transactionJson(each.transaction, block, each) : each.transaction.hash,
    ),
    withdrawals: block.credits.map(({ address, amount }, index) => ({
      index: quantity(index),
      validatorIndex: '0x1',
      address,
      amount: quantity(amount / 1_000_000_000n),
    })),
  }
}

/** A block that is on no line. */
export function emptyBlockJson(number: number, hash: Hex, like: Block) {
  return blockJson({ ...like, number, hash, parentHash: `0x${'00'.repeat(32)}`, transactions: [], credits: [] }, false)
}

export function transactionJson(transaction: Transaction, block?: Block, included?: Included) {
  const { type, maxFeePerGas, maxPriorityFeePerGas, chainId, isDeposit } = transaction
  const price = included?.effectiveGasPrice ?? maxFeePerGas
  return {
    hash: transaction.hash,
    type: isDeposit ? '0x7e' : quantity(type),
    from: transaction.from,
    to: transaction.to,
    nonce: quantity(transaction.nonce),
    value: quantity(transaction.value),
    gas: quantity(transaction.gas),
    input: transaction.data,
    gasPrice: quantity(price),
    ...(type === 2
      ? { maxFeePerGas: quantity(maxFeePerGas), maxPriorityFeePerGas: quantity(maxPriorityFeePerGas) }
      : {}),
    ...(chainId === undefined ? {} : { chainId: quantity(chainId) }),
    blockHash: block?.hash ?? null,
    blockNumber: block === undefined ? null : quantity(block.number),
    transactionIndex: included === undefined ? null : quantity(included.index),
  }
}

export function receiptJson(block: Block, included: Included) {
  const { transaction, index, succeeded, gasUsed, cumulativeGasUsed, effectiveGasPrice } = included
  return {
    transactionHash: transaction.hash,
    transactionIndex: quantity(index),
    blockHash: block.hash,
    blockNumber: quantity(block.number),
    from: transaction.from,
    to: transaction.to,
    contractAddress: null,
    type: transaction.isDeposit ? '0x7e' : quantity(transaction.type),
    status: succeeded ? '0x1' : '0x0',
    gasUsed: quantity(gasUsed),
    cumulativeGasUsed: quantity(cumulativeGasUsed),
    effectiveGasPrice: quantity(effectiveGasPrice),
    logs: [],
    logsBloom: `0x${'00'.repeat(256)}`,
  }
}

export function feeHistoryJson(blocks: readonly Block[], nextBaseFee: bigint, percentiles: readonly number[]) {
  const tips = ({ transactions, baseFeePerGas }: Block) => {
    const sorted = transactions
      .map(({ transaction }) => effectivePrice(transaction, baseFeePerGas) - baseFeePerGas)
      .sort((a, b) => (a < b ? -1 : 1))
    return percentiles.map((percent) =>
      quantity(sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? 0n),
    )
  }
  return {
    oldestBlock: quantity(blocks[0]?.number ?? 0),
    baseFeePerGas: [...blocks.map(({ baseFeePerGas }) => quantity(baseFeePerGas)), quantity(nextBaseFee)],
    gasUsedRatio: blocks.map(({ gasUsed, gasLimit }) => Number(gasUsed) / Number(gasLimit)),
    ...(percentiles.length === 0 ? {} : { reward: blocks.map(tips) }),
  }
}
