/** What a refusal says that a transaction would need, or may cost at most; in base units. */
export type NamedFees = {
  /** The least tip per gas. */
  tip?: bigint
  /** The least price per gas, tip included. */
  price?: bigint
  /** The most that gas limit times price may come to at this node. */
  maxFee?: bigint
}

type Naming = { names: keyof NamedFees; pattern: RegExp; source: string }

const namings: readonly Naming[] = [
  {
    names: 'tip',
    pattern: /gas tip cap \d+, minimum needed (\d+)/,
    source:
      'geth, bor, bsc: "transaction underpriced: gas tip cap 1500000000, minimum needed 25000000000" (bsc#3255), bor also "transaction gas price below minimum: …" (wayfinder-paths-sdk#379)',
  },
  {
    names: 'tip',
    pattern: /tip needed (\d+), tip permitted \d+/,
    source:
      'geth up to 1.13, bsc: "transaction underpriced: tip needed 3000000000, tip permitted 1000000000" (bsc#2387)',
  },
  {
    names: 'tip',
    pattern: /EffectivePriorityFeePerGas too low \d+ < (\d+)/,
    source:
      'nethermind: "FeeTooLow, EffectivePriorityFeePerGas too low 586749412 < 1000000000, BaseFee: 7" (requestNetwork#997)',
  },
  {
    names: 'price',
    pattern: /less than block base fee: .*base ?fee: (\d+)/i,
    source:
      'geth and all forks, Arbitrum: "max fee per gas less than block base fee: address 0x…, maxFeePerGas: 100000000 baseFee: 109440000" (chainlink#7198; with a comma in newer versions)',
  },
  {
    names: 'price',
    pattern: /less than the minimum allowable value\(\d+<(\d+)/,
    source:
      'Neon: "The transaction gasPrice is less than the minimum allowable value(364111000000<364122000000.0)" (proxy-model.py#599)',
  },
]

/** geth, erigon, op-geth: "tx fee (1.05 ether) exceeds the configured cap (1.00 ether)" (erigon#10582, op-geth#209). */
const FEE_CAP = /exceeds the configured cap \((\d+)\.(\d{1,18}) ether\)/

/**
 * The figures that a node names when it refuses a transaction for its fee. They help to choose the next fee; they
 * prove nothing.
 */
export function readNamedFees(words: string): NamedFees {
  const [, whole, fraction] = FEE_CAP.exec(words) ?? []
  if (whole !== undefined && fraction !== undefined) return { maxFee: BigInt(whole + fraction.padEnd(18, '0')) }
  for (const { names, pattern } of namings) {
    const [, number] = pattern.exec(words) ?? []
    if (number !== undefined) return { [names]: BigInt(number) }
  }
  return {}
}
