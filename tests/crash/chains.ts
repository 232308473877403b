import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { base58 } from '@scure/base'
import { createSplMint, deployBox, deployErc20, ERC20_ABI, startEvmNode, startSolanaNode } from '@waiaas/devnet'
import type { WAIaaSClient } from '@waiaas/sdk'
import { type Address, encodeFunctionData, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { callRpc } from '../../scripts/demo/json-rpc.ts'

export type SendRequest = Parameters<WAIaaSClient['send']>[0]

/** A request, and what the chain itself says has come of it. */
export type Payment = { request: SendRequest; amount: bigint; arrived: () => Promise<bigint> }

/** A local chain as the tests of crashes and races need it: requests of every kind, and what came of them. */
export type TestedChain = {
  network: 'evm-local' | 'solana-local'
  family: 'evm' | 'solana'
  rpcUrl: string
  /** The call that hands signed bytes over, and the one that asks what became of them. */
  sendMethod: string
  outcomeMethod: string
  /** One coin in base units. */
  coin: bigint
  token: string
  /** Those who may be approved to take tokens. */
  spenders: readonly string[]
  contracts: readonly string[]
  kinds: Readonly<Record<string, (from: string, nth: number) => Promise<Payment>>>
  newAddress: () => string
  /** A key that an owner signs with, as `readOwnerKey` takes it, and its address. */
  newOwner: () => { key: string; address: string }
  /** 100 coins and 1000 tokens. */
  fund: (address: string) => Promise<void>
  /** Adds coins, in base units. */
  grant: (address: string, amount: bigint) => Promise<void>
  balance: (address: string) => Promise<bigint>
  /** Ids of the transactions in the chain that this address paid for. */
  made: (address: string) => Promise<string[]>
  stop: () => Promise<void>
}

const TOKENS = 1_000_000_000n
const SPENDERS = 24

export async function startTestedEvm(): Promise<TestedChain> {
  const node = await startEvmNode({})
  const { rpcUrl } = node
  const network = 'evm-local'
  const coin = 10n ** 18n
  const newAddress = () => `0x${randomBytes(20).toString('hex')}`
  const minter = ((await callRpc(rpcUrl, 'eth_accounts', [])) as Address[])[0]!
  const token = await deployErc20({ rpcUrl, name: 'Dollar', symbol: 'USD', decimals: 6, supply: 1n, owner: minter })
  const spenders = Array.from({ length: SPENDERS }, newAddress)
  const contracts: string[] = []
  for (let count = 0; count < 12; count++) contracts.push(await deployBox({ rpcUrl }))
  const balance = async (address: string) =>
    BigInt((await callRpc(rpcUrl, 'eth_getBalance', [address, 'latest'])) as string)
  const read = async (functionName: 'balanceOf' | 'allowance', args: readonly string[]) => {
    const data = encodeFunctionData({ abi: ERC20_ABI, functionName, args: args as never })
    return BigInt((await callRpc(rpcUrl, 'eth_call', [{ to: token, data }, 'latest'])) as string)
  }
  const store = parseAbi(['function store(uint256 newValue) payable'])
  let calls = 0
  return {
    network,
    family: 'evm',
    rpcUrl,
    sendMethod: 'eth_sendRawTransaction',
    outcomeMethod: 'eth_getTransactionReceipt',
    coin,
    token,
    spenders,
    contracts,
    kinds: {
      TRANSFER: async () => transfer(network, newAddress(), coin / 1000n, balance),
      TOKEN_TRANSFER: async () => {
        const to = newAddress()
        const request = { type: 'TOKEN_TRANSFER', network, to, token: { address: token }, amount: '400' } as const
        return { request, amount: 400n, arrived: () => read('balanceOf', [to]) }
      },
      APPROVE: async (from, nth) => {
        const spender = spenders[nth % SPENDERS]!
        const request = { type: 'APPROVE', network, spender, token: { address: token }, amount: '77' } as const
        return { request, amount: 77n, arrived: () => read('allowance', [from, spender]) }
      },
      CONTRACT_CALL: async () => {
        const to = contracts[calls++ % contracts.length]!
        const before = await balance(to)
        const calldata = encodeFunctionData({ abi: store, args: [7n] })
        const request = { type: 'CONTRACT_CALL', network, to, calldata, value: '1000' } as const
        return { request, amount: 1000n, arrived: async () => (await balance(to)) - before }
      },
    },
    newAddress,
    newOwner: evmOwner,
    fund: async (address) => {
      await node.control.fund(address, 100n * coin)
      const data = encodeFunctionData({ abi: ERC20_ABI, functionName: 'mint', args: [address as Address, TOKENS] })
      await callRpc(rpcUrl, 'eth_sendTransaction', [{ from: minter, to: token, data }])
    },
    grant: (address, amount) => node.control.fund(address, amount),
    balance,
    made: async (address) => await madeOnEvm(rpcUrl, address),
    stop: () => node.stop(),
  }
}

export async function startTestedSolana(): Promise<TestedChain> {
  const node = await startSolanaNode({ slotMs: 50, finalizedAfter: 4 })
  const { rpcUrl } = node
  const network = 'solana-local'
  const coin = 10n ** 9n
  // On the curve, as wallets are.
  const newAddress = () => solanaOwner().address
  const mint = await createSplMint({ ...node, decimals: 6 })
  const token = mint.address
  const spenders = Array.from({ length: SPENDERS }, newAddress)
  const confirmed = { commitment: 'confirmed' }
  const balance = async (address: string) => {
    const { value } = (await callRpc(rpcUrl, 'getBalance', [address, confirmed])) as { value: number }
    return BigInt(value)
  }
  const account = async (owner: string) => {
    const { value } = (await callRpc(rpcUrl, 'getTokenAccountsByOwner', [
      owner,
      { mint: token },
      { ...confirmed, encoding: 'jsonParsed' },
    ])) as { value: { account: { data: { parsed: { info: TokenAccount } } } }[] }
    return value[0]?.account.data.parsed.info
  }
  return {
    network,
    family: 'solana',
    rpcUrl,
    sendMethod: 'sendTransaction',
    outcomeMethod: 'getSignatureStatuses',
    coin,
    token,
    spenders,
    contracts: [SYSTEM_PROGRAM],
    kinds: {
      TRANSFER: async () => transfer(network, newAddress(), coin / 100n, balance),
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
        const amount = coin / 100n
        const instruction = Buffer.alloc(12)
        instruction.writeUInt32LE(2)
        instruction.writeBigUInt64LE(amount, 4)
        const accounts = [
          { pubkey: from, isSigner: true, isWritable: true },
          { pubkey: to, isSigner: false, isWritable: true },
        ]
        const instructionData = instruction.toString('base64')
        const request = {
          type: 'CONTRACT_CALL',
          network,
          programId: SYSTEM_PROGRAM,
          instructionData,
          accounts,
        } as const
        return { request, amount, arrived: () => balance(to) }
      },
      BATCH: async () => {
        const [first, second] = [newAddress(), newAddress()]
        const amount = coin / 100n
        const instructions = [first, second].map((to) => ({ to, amount: String(amount) }))
        const request = { type: 'BATCH', network, instructions } as const
        return { request, amount: 2n * amount, arrived: async () => (await balance(first)) + (await balance(second)) }
      },
    },
    newAddress,
    newOwner: solanaOwner,
    fund: async (address) => {
      await node.control.fund(address, 100n * coin)
      await mint.mintTo(address as typeof mint.address, TOKENS)
    },
    grant: (address, amount) => node.control.fund(address, amount),
    balance,
    made: async (address) => {
      const found = (await callRpc(rpcUrl, 'getSignaturesForAddress', [address, confirmed])) as SolanaRecord[]
      const paid = await Promise.all(found.map(async ({ signature }) => ({ signature, by: await payerOf(signature) })))
      return paid.filter(({ by }) => by === address).map(({ signature }) => signature)
    },
    stop: () => node.stop(),
  }

  async function payerOf(signature: string): Promise<string> {
    const options = { ...confirmed, encoding: 'json', maxSupportedTransactionVersion: 0 }
    const found = (await callRpc(rpcUrl, 'getTransaction', [signature, options])) as {
      transaction: { message: { accountKeys: string[] } }
    }
    return found.transaction.message.accountKeys[0]!
  }
}

const SYSTEM_PROGRAM = '11111111111111111111111111111111'

type TokenAccount = { tokenAmount: { amount: string }; delegate?: string; delegatedAmount?: { amount: string } }
type SolanaRecord = { signature: string }

function transfer(
  network: TestedChain['network'],
  to: string,
  amount: bigint,
  balance: (address: string) => Promise<bigint>,
): Payment {
  return { request: { network, to, amount: String(amount) }, amount, arrived: () => balance(to) }
}

type EvmBlock = { transactions: { from: string; hash: string }[] }

async function madeOnEvm(rpcUrl: string, address: string): Promise<string[]> {
  const head = Number((await callRpc(rpcUrl, 'eth_blockNumber', [])) as string)
  const numbers = Array.from({ length: head + 1 }, (_, number) => `0x${number.toString(16)}`)
  const calls = numbers.map((number, id) => ({
    jsonrpc: '2.0',
    id,
    method: 'eth_getBlockByNumber',
    params: [number, true],
  }))
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls),
  })
  const blocks = (await response.json()) as { result: EvmBlock }[]
  return blocks
    .flatMap(({ result }) => result.transactions)
    .filter(({ from }) => from.toLowerCase() === address.toLowerCase())
    .map(({ hash }) => hash)
}

function evmOwner(): { key: string; address: string } {
  const key = generatePrivateKey()
  return { key, address: privateKeyToAccount(key).address }
}

function solanaOwner(): { key: string; address: string } {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d, x } = privateKey.export({ format: 'jwk' })
  const [secret, publicKey] = [Buffer.from(d!, 'base64url'), Buffer.from(x!, 'base64url')]
  return { key: base58.encode(Buffer.concat([secret, publicKey])), address: base58.encode(publicKey) }
}
