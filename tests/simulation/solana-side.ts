import { base58 } from '@scure/base'
import type { Exchange } from '../../wallet/daemon/src/chains/exchange.ts'
import type { SideOptions } from './evm-side.ts'
import type { Random } from './random.ts'
import type { Side, SideTruth } from './side.ts'
import { createSolanaCluster, type SolanaCluster } from './solana-cluster.ts'
import { drawSolanaFaults, type SolanaFaultKind, solanaFaults } from './solana-faults.ts'
import type { Random as ClusterRandom } from './solana-ports.ts'

const SOL = 10n ** 9n
const DEVNET_GENESIS = 'EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG'
const kinds = Object.keys(solanaFaults) as SolanaFaultKind[]

export function createSolanaSide({ random, clock, address, onFault, onHandover }: SideOptions): Side {
  const urls = Array.from({ length: random.between(1, 3) }, (_, index) => `http://solana-${index + 1}`)
  const faults = drawSolanaFaults(clusterRandom(random.fork('drawn faults')))
  const cluster = createSolanaCluster({
    random: clusterRandom(random.fork('cluster')),
    timers: clock,
    faults,
    urls,
    genesisHash: DEVNET_GENESIS,
  })
  cluster.fund(address, random.pick([SOL, 10n * SOL, 10n * SOL]))
  const payees = random.fork('payees')
  const out = new Map<string, Uint8Array>()
  const struck = new Map<string, number>()
  let isHealed = false
  const landing = random.fork('landing')
  return {
    network: 'solana-devnet',
    family: 'solana',
    urls,
    exchange: noting(cluster.exchange, (bytes) => {
      const signature = base58.encode(bytes.subarray(1, 65))
      out.set(signature, bytes)
      onHandover(signature)
    }),
    coin: SOL,
    start: () => undefined,
    stop: () => undefined,
    heal: () => {
      isHealed = true
      cluster.heal()
    },
    isHealed: () => isHealed,
    credit: (amount) => cluster.fund(address, amount),
    newPayee: () => base58.encode(Buffer.from(payees.hex(32).slice(2), 'hex')),
    truth: createTruth(cluster, address, out),
    faults: () => struck,
    faultKinds: kinds,
    look: () => {
      for (const kind of kinds) {
        if (cluster.counts[kind] === (struck.get(kind) ?? 0)) continue
        struck.set(kind, cluster.counts[kind])
        onFault(kind)
      }
    },
    acts: [
      {
        name: 'land old bytes',
        weight: 3,
        run: () => {
          const possible = [...out].filter(([signature]) => cluster.truth.canEverLand(signature))
          if (possible.length > 0) cluster.truth.land(landing.pick(possible)[1], landing.pick(['soon', 'last']))
        },
      },
    ],
  }
}

function clusterRandom(random: Random): ClusterRandom {
  return { ...random, int: random.below, fork: (label) => clusterRandom(random.fork(label)) }
}

/** Hears of bytes in the turn in which they are written. */
function noting(exchange: Exchange, onBytes: (bytes: Uint8Array) => void): Exchange {
  return (request) =>
    exchange({
      ...request,
      body: () => {
        const text = request.body()
        if (text?.includes('"sendTransaction"')) for (const bytes of sentIn(text)) onBytes(bytes)
        return text
      },
    })
}

function sentIn(text: string): Uint8Array[] {
  const calls = [JSON.parse(text) as { method: string; params: [string] }].flat() as {
    method: string
    params: [string]
  }[]
  return calls.flatMap(({ method, params }) => (method === 'sendTransaction' ? [Buffer.from(params[0], 'base64')] : []))
}

function createTruth({ truth }: SolanaCluster, address: string, out: ReadonlyMap<string, Uint8Array>): SideTruth {
  const landed: SideTruth['landed'] = (hash) => {
    const found = truth.landed(hash)
    return found && { isFinal: found.level === 'finalized', succeeded: found.fault === null, fee: found.fee }
  }
  return {
    isOut: (hash) => out.has(hash),
    canLand: (hash) => {
      if (landed(hash)?.isFinal) return { can: true, why: 'a finalized block has it' }
      return truth.canEverLand(hash)
        ? { can: true, why: `its blockhash may still be used (finalized height ${truth.height('finalized')})` }
        : { can: false, why: 'its blockhash has expired' }
    },
    landed,
    paymentsTo: (payee) => truth.transfersTo(payee, 'processed').map(({ signature }) => signature),
    outflow: () => {
      const sum = { own: 0n, foreign: 0n }
      for (const { signature, lamports } of truth.falls(address))
        sum[out.has(signature) ? 'own' : 'foreign'] += lamports
      return sum
    },
    balance: () => truth.balance(address),
    checkProof: (_, [bytes]) => {
      // By the block of its blockhash: the stored height is what a node said.
      if (truth.canEverLand(bytes!.hash)) return 'its blockhash may still be used'
      return truth.landed(bytes!.hash) === undefined ? undefined : 'a block has it'
    },
  }
}
