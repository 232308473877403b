import { generateKeyPairSync } from 'node:crypto'
import { base58 } from '@scure/base'
import { createSplMint, startSolanaNode } from '@waiaas/devnet'
import { callRpc } from '../../scripts/demo/json-rpc.ts'
import { SPENDERS, type TestedChain, TOKENS, transfer } from './chains.ts'

const network = 'solana-local'
const coin = 10n ** 9n
const SYSTEM_PROGRAM = '11111111111111111111111111111111'
const confirmed = { commitment: 'confirmed' }

export async function startTestedSolana(): Promise<TestedChain> {
  const node = await startSolanaNode({ slotMs: 50, finalizedAfter: 4 })
  const { rpcUrl } = node
  const mint = await createSplMint({ ...node, decimals: 6 })
  const spenders = Array.from({ length: SPENDERS }, newAddress)
  const balance = async (address: string) => {
    const { value } = (await callRpc(rpcUrl, 'getBalance', [address, confirmed])) as { value: number }
    return BigInt(value)
  }
  const account: Account = async (owner) => {
    const options = { ...confirmed, encoding: 'jsonParsed' }
    const { value } = (await callRpc(rpcUrl, 'getTokenAccountsByOwner', [owner, { mint: mint.address }, options])) as {
      value: { account: { data: { parsed: { info: TokenAccount } } } }[]
    }
    return value[0]?.account.data.parsed.info
  }
  const tokens = async (owner: string) => BigInt((await account(owner))?.tokenAmount.amount ?? 0)
  return {
    network,
    family: 'solana',
    rpcUrl,
    coin,
    token: mint.address,
    spenders,
    contracts: [SYSTEM_PROGRAM],
    kinds: kindsOf({ spenders, balance }, mint.address, account),
    newAddress,
    newOwner,
    fund: async (address) => {
      await node.control.fund(address, 100n * coin)
      await mint.mintTo(address as typeof mint.address, TOKENS)
    },
    grant: (address, amount) => node.control.fund(address, amount),
    balance,
    tokens,
    made: async (address) => {
      const found = (await callRpc(rpcUrl, 'getSignaturesForAddress', [address, confirmed])) as SignatureRecord[]
      const signatures = found.map(({ signature }) => signature)
      const payers = await Promise.all(signatures.map((signature) => payerOf(rpcUrl, signature)))
      return signatures.filter((_, index) => payers[index] === address)
    },
    stop: () => node.stop(),
  }
}

type SignatureRecord = { signature: string }
type TokenAccount = { tokenAmount: { amount: string }; delegate?: string; delegatedAmount?: { amount: string } }
type Account = (owner: string) => Promise<TokenAccount | undefined>
type Parts = Pick<TestedChain, 'spenders' | 'balance'>

function kindsOf({ spenders, balance }: Parts, token: string, account: Account): TestedChain['kinds'] {
  const amount = coin / 100n
  return {
    TRANSFER: async () => transfer(network, newAddress(), amount, balance),
    TOKEN_TRANSFER: async () => {
      const to = newAddress()
      const request = { type: 'TOKEN_TRANSFER', network, to, token: { address: token }, amount: '400' } as const
      return { request, amount: 400n, arrived: async () => BigInt((await account(to))?.tokenAmount.amount ?? 0) }
    },
    APPROVE: async (from, nth) => {
      const spender = spenders[nth % SPENDERS]!
      const request = { type: 'APPROVE', network, spender, token: { address: token }, amount: '77' } as const
      const granted = async () => {
        const info = await account(from)
        return info?.delegate === spender ? BigInt(info.delegatedAmount!.amount) : 0n
      }
      return { request, amount: 77n, arrived: granted }
    },
    CONTRACT_CALL: async (from) => {
      const to = newAddress()
      const data = Buffer.alloc(12)
      data.writeUInt32LE(2)
      data.writeBigUInt64LE(amount, 4)
      const accounts = [
        { pubkey: from, isSigner: true, isWritable: true },
        { pubkey: to, isSigner: false, isWritable: true },
      ]
      const call = { programId: SYSTEM_PROGRAM, instructionData: data.toString('base64'), accounts }
      return { request: { type: 'CONTRACT_CALL', network, ...call }, amount, arrived: () => balance(to) }
    },
    BATCH: async () => {
      const [first, second] = [newAddress(), newAddress()]
      const instructions = [first, second].map((to) => ({ to, amount: String(amount) }))
      const arrived = async () => (await balance(first)) + (await balance(second))
      return { request: { type: 'BATCH', network, instructions }, amount: 2n * amount, arrived }
    },
  }
}

async function payerOf(rpcUrl: string, signature: string): Promise<string> {
  const options = { ...confirmed, encoding: 'json', maxSupportedTransactionVersion: 0 }
  const found = (await callRpc(rpcUrl, 'getTransaction', [signature, options])) as {
    transaction: { message: { accountKeys: string[] } }
  }
  return found.transaction.message.accountKeys[0]!
}

/** On the curve, as wallets are. */
function newAddress(): string {
  return newOwner().address
}

function newOwner(): { key: string; address: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  const [secret, publicKey] = [Buffer.from(d!, 'base64url'), Buffer.from(x!, 'base64url')]
  return { key: base58.encode(Buffer.concat([secret, publicKey])), address: base58.encode(publicKey) }
}
