import { generateKeyPairSync } from 'node:crypto'
import { base58 } from '@scure/base'
import { type SolanaNode, type SolanaPersonality, solanaPersonalities, startSolanaNode } from '@waiaas/devnet'
import { askNode, type Truth } from './bench.ts'

/** What a node returns that takes a transaction: its first signature, after a byte for how many there are. */
export const signatureOf = (transaction: string) => base58.encode(Buffer.from(transaction, 'base64').subarray(1, 65))

export const SOL = 10n ** 9n

export type SolanaTruth = Truth & Pick<SolanaNode, 'rpcUrl' | 'control' | 'stop'>

export async function startSolanaTruth(): Promise<SolanaTruth> {
  const { rpcUrl, control, stop } = await startSolanaNode({ slotMs: 50, finalizedAfter: 4 })
  const confirmed = { commitment: 'confirmed' }
  return {
    network: 'solana-local',
    family: 'solana',
    coin: SOL,
    rpcUrl,
    control,
    stop,
    fund: control.fund,
    balance: async (address) => {
      const { value } = await askNode<{ value: number }>(rpcUrl, 'getBalance', address, confirmed)
      return BigInt(value)
    },
    made: async (address) => {
      const found = await askNode<{ signature: string }[]>(rpcUrl, 'getSignaturesForAddress', address, confirmed)
      const options = { ...confirmed, encoding: 'json', maxSupportedTransactionVersion: 0 }
      const payers = found.map(async ({ signature }) => {
        const { transaction } = await askNode<Recorded>(rpcUrl, 'getTransaction', signature, options)
        return transaction.message.accountKeys[0]
      })
      return (await Promise.all(payers)).filter((payer) => payer === address).length
    },
    newAddress: () => {
      const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
      return base58.encode(Buffer.from(x!, 'base64url'))
    },
  }
}

type Recorded = { transaction: { message: { accountKeys: string[] } } }

export const personalitiesOfSolana: [name: string, personality: SolanaPersonality][] =
  Object.entries(solanaPersonalities)
