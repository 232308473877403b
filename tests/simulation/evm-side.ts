import { checksumAddress, networkOf } from '@waiaas/core'
import { serializeTransaction } from 'viem'
import type { SimulatedClock } from './clock.ts'
import { evmClients } from './evm-clients.ts'
import { drawEvmFaults, type EvmFaultKind, evmFaultKinds } from './evm-faults.ts'
import { createEvmNetwork, type EvmNetwork } from './evm-network.ts'
import { accountIn } from './evm-rules.ts'
import { createTransactionReader, type Hex, type KnownSignatures } from './evm-transaction.ts'
import type { Random } from './random.ts'
import type { Side, SideAct, SideTruth } from './side.ts'

const ETHER = 10n ** 18n
const GWEI = 10n ** 9n

const networks = [
  { name: 'ethereum-sepolia', blockMillis: 12_000, baseFee: GWEI, client: undefined, tip: GWEI },
  { name: 'arbitrum-sepolia', blockMillis: 4_000, baseFee: GWEI / 10n, client: evmClients.arbitrum, tip: 1n },
  { name: 'polygon-amoy', blockMillis: 6_000, baseFee: 30n * GWEI, client: evmClients.bor, tip: 25n * GWEI },
] as const

export type SideOptions = {
  random: Random
  clock: SimulatedClock
  address: string
  onFault: (kind: string) => void
  /** Bytes leave the wallet, in the turn of the write. */
  onHandover: (hash: string) => void
  /** The chain as it is now is another one. */
  onHead: (text: string) => void
}

export function createEvmSide(options: SideOptions & { signatures: KnownSignatures }): Side {
  const { random, clock, signatures } = options
  const drawn = random.pick(networks)
  const urls = Array.from({ length: random.between(1, 3) }, (_, index) => `http://evm-${index + 1}`)
  const archiveUrl = 'http://evm-archive'
  const wallet = options.address.toLowerCase() as Hex
  const read = createTransactionReader(signatures)
  let isHealed = false
  const network = createEvmNetwork({
    random: random.fork('network'),
    clock,
    chainId: networkOf(drawn.name).chainId!,
    accounts: new Map([[wallet, random.pick([ETHER, 10n * ETHER, 10n * ETHER])]]),
    nodes: [
      ...urls.map((url) => ({
        url,
        ...(drawn.client !== undefined && random.chance(0.8) && { client: drawn.client }),
      })),
      { url: archiveUrl, client: drawn.client ?? evmClients.geth, backends: 1, isArchive: true },
    ],
    faults: drawEvmFaults(random.fork('drawn faults')),
    observer: {
      fault: ({ kind }) => options.onFault(kind),
      handover: (raw) => {
        const transaction = read(raw)
        if (transaction.ok) options.onHandover(transaction.transaction.hash)
      },
      head: ({ number, hash }) => options.onHead(`head ${number} ${hash}`),
    },
    blockMillis: drawn.blockMillis,
    baseFeePerGas: drawn.baseFee,
    read,
  })
  const payees = random.fork('payees')
  return {
    network: drawn.name,
    family: 'evm',
    urls,
    archiveUrl,
    exchange: network.exchange,
    coin: ETHER,
    start: network.start,
    stop: network.stop,
    heal: () => {
      isHealed = true
      network.heal()
    },
    isHealed: () => isHealed,
    credit: (amount) => network.acts.credit(wallet, amount),
    newPayee: () => checksumAddress(payees.hex(20).slice(2)),
    outside: (draw, payee) => {
      const { nonce } = network.truth.account(wallet, 'head')
      const fee = drawn.baseFee * BigInt(draw.between(2, 4)) + drawn.tip
      return serializeTransaction({
        type: 'eip1559',
        chainId: networkOf(drawn.name).chainId!,
        nonce: Number(nonce) + draw.pick([0, 0, 0, 1, 2]),
        to: payee as Hex,
        value: ETHER / BigInt(draw.between(50, 1000)),
        gas: 21_000n,
        maxFeePerGas: fee,
        maxPriorityFeePerGas: drawn.tip,
      })
    },
    truth: createSideTruth(network, wallet),
    faults: () => network.counters,
    faultKinds: evmFaultKinds satisfies readonly EvmFaultKind[],
    look: () => undefined,
    acts: chainActs(network, wallet, random.fork('acts')),
  }
}

function chainActs({ acts, truth }: EvmNetwork, wallet: Hex, random: Random): SideAct[] {
  return [
    {
      name: 'reorganise',
      weight: 2,
      run: () => {
        const depth = Math.min(random.between(1, 6), truth.head().number - truth.final().number)
        if (depth > 0) acts.reorganise(depth)
      },
    },
    { name: 'authorize', weight: 1, run: () => acts.authorize(wallet, undefined) },
    { name: 'deposit', weight: 1, run: () => acts.deposit(wallet) },
    {
      name: 'pay from elsewhere',
      weight: 1,
      run: () => acts.payFrom(wallet, random.hex(20), truth.account(wallet, 'head').balance / 50n),
    },
    {
      name: 'mine old bytes',
      weight: 3,
      run: () => {
        const possible = [...truth.out().keys()].filter(
          (hash) => truth.canEverLand(hash).can && truth.inclusion(hash) === undefined,
        )
        if (possible.length > 0) acts.mineNext(random.pick(possible))
      },
    },
  ]
}

function createSideTruth({ truth }: EvmNetwork, wallet: Hex): SideTruth {
  return {
    isOut: (hash) => truth.out().has(hash as Hex),
    canLand: (hash) => truth.canEverLand(hash as Hex),
    landed: (hash) => {
      const found = truth.inclusion(hash as Hex)
      if (found === undefined) return undefined
      const { gasUsed, effectiveGasPrice, succeeded } = found.included
      return { isFinal: found.isFinal, succeeded, fee: gasUsed * effectiveGasPrice }
    },
    paymentsTo: (payee) => truth.transfersTo(payee.toLowerCase() as Hex).map(({ transaction }) => transaction.hash),
    outflow: () => truth.outflow(wallet, 'final'),
    balance: () => truth.account(wallet, 'head').balance,
    checkProof: ({ kind, block }, bytes) => {
      const found = truth.block(block.hash as Hex)
      if (found === undefined || !truth.isFinal(found.hash)) return `block ${block.number} is not final`
      if (found.number !== Number(block.number)) return `block ${block.hash} is ${found.number}`
      const sequence = bytes[0]!.sequence!
      if (accountIn(found.state, wallet).nonce <= sequence)
        return `the nonce ${sequence} is not used in block ${found.number}`
      const before = truth.block(found.parentHash)
      if (kind === 'count' && before !== undefined && accountIn(before.state, wallet).nonce > sequence) {
        return `the nonce ${sequence} was used before block ${found.number}`
      }
      const own = bytes.find(({ hash }) => truth.inclusion(hash as Hex) !== undefined)
      return own === undefined ? undefined : `${own.hash} is in a block`
    },
  }
}
