import { randomBytes } from 'node:crypto'
import { deployBox, deployErc20, ERC20_ABI, startEvmNode } from '@waiaas/devnet'
import { type Address, encodeFunctionData, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { callRpc } from '../../scripts/demo/json-rpc.ts'
import { SPENDERS, type TestedChain, TOKENS, transfer } from './chains.ts'

const network = 'evm-local'
const coin = 10n ** 18n
const CONTRACTS = 12
const STORE = parseAbi(['function store(uint256 newValue) payable'])

export async function startTestedEvm(): Promise<TestedChain> {
  const node = await startEvmNode({})
  const { rpcUrl } = node
  const minter = ((await callRpc(rpcUrl, 'eth_accounts', [])) as Address[])[0]!
  const token = await deployErc20({ rpcUrl, name: 'Dollar', symbol: 'USD', decimals: 6, supply: 1n, owner: minter })
  const contracts: string[] = []
  for (let count = 0; count < CONTRACTS; count++) contracts.push(await deployBox({ rpcUrl }))
  const spenders = Array.from({ length: SPENDERS }, newAddress)
  const balance = async (address: string) =>
    BigInt((await callRpc(rpcUrl, 'eth_getBalance', [address, 'latest'])) as string)
  const read: Read = async (functionName, args) => {
    const data = encodeFunctionData({ abi: ERC20_ABI, functionName, args: args as never })
    return BigInt((await callRpc(rpcUrl, 'eth_call', [{ to: token, data }, 'latest'])) as string)
  }
  return {
    network,
    family: 'evm',
    rpcUrl,
    coin,
    token,
    spenders,
    contracts,
    kinds: kindsOf({ token, spenders, contracts, balance }, read),
    newAddress,
    newOwner: () => {
      const key = generatePrivateKey()
      return { key, address: privateKeyToAccount(key).address }
    },
    fund: async (address) => {
      await node.control.fund(address, 100n * coin)
      const data = encodeFunctionData({ abi: ERC20_ABI, functionName: 'mint', args: [address as Address, TOKENS] })
      await callRpc(rpcUrl, 'eth_sendTransaction', [{ from: minter, to: token, data }])
    },
    grant: (address, amount) => node.control.fund(address, amount),
    balance,
    tokens: (address) => read('balanceOf', [address]),
    made: (address) => madeBy(rpcUrl, address),
    stop: () => node.stop(),
  }
}

function newAddress(): string {
  return `0x${randomBytes(20).toString('hex')}`
}

type Read = (functionName: 'balanceOf' | 'allowance', args: readonly string[]) => Promise<bigint>
type Parts = Pick<TestedChain, 'token' | 'spenders' | 'contracts' | 'balance'>

function kindsOf({ token, spenders, contracts, balance }: Parts, read: Read): TestedChain['kinds'] {
  let calls = 0
  return {
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
      const calldata = encodeFunctionData({ abi: STORE, args: [7n] })
      const request = { type: 'CONTRACT_CALL', network, to, calldata, value: '1000' } as const
      return { request, amount: 1000n, arrived: async () => (await balance(to)) - before }
    },
  }
}

type Block = { transactions: { from: string; hash: string }[] }

/** Reads every block: what is not there was not made. */
async function madeBy(rpcUrl: string, address: string): Promise<string[]> {
  const head = Number((await callRpc(rpcUrl, 'eth_blockNumber', [])) as string)
  const numbers = Array.from({ length: head + 1 }, (_, number) => `0x${number.toString(16)}`)
  const method = 'eth_getBlockByNumber'
  const calls = numbers.map((number, id) => ({ jsonrpc: '2.0', id, method, params: [number, true] }))
  const response = await fetch(rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(calls),
  })
  const blocks = (await response.json()) as { result: Block }[]
  return blocks
    .flatMap(({ result }) => result.transactions)
    .filter(({ from }) => from.toLowerCase() === address.toLowerCase())
    .map(({ hash }) => hash)
}
