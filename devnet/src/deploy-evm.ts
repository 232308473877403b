import { type Abi, type Address, createTestClient, type Hex, http, parseAbi, publicActions, walletActions } from 'viem'
import { foundry } from 'viem/chains'
import { artefactOf, type ContractName } from './contracts.ts'

/** The methods of an ERC-20 made by `deployErc20`. */
export const ERC20_ABI = parseAbi([
  'function name() view returns (string)',
  'function symbol() view returns (string)',
  'function decimals() view returns (uint8)',
  'function totalSupply() view returns (uint256)',
  'function balanceOf(address owner) view returns (uint256)',
  'function allowance(address owner, address spender) view returns (uint256)',
  'function transfer(address to, uint256 value) returns (bool)',
  'function approve(address spender, uint256 value) returns (bool)',
  'function transferFrom(address from, address to, uint256 value) returns (bool)',
  'function mint(address to, uint256 value)',
  'event Transfer(address indexed from, address indexed to, uint256 value)',
  'event Approval(address indexed owner, address indexed spender, uint256 value)',
  'error InsufficientBalance(address account, uint256 balance, uint256 needed)',
  'error InsufficientAllowance(address spender, uint256 allowance, uint256 needed)',
  'error InvalidRecipient()',
  'error NotMinter()',
])

/** The methods of a contract made by `deployBox`. */
export const BOX_ABI = parseAbi([
  'function value() view returns (uint256)',
  'function store(uint256 newValue) payable',
  'function refuse(uint256 newValue) payable',
  'event Stored(address indexed by, uint256 value, uint256 paid)',
  'error Refused(uint256 value)',
])

/** The methods of a factory made by `deployOwnerFactory`. */
export const OWNER_FACTORY_ABI = parseAbi([
  'function make(bytes32 salt) returns (address)',
  'function addressOf(bytes32 salt) view returns (address)',
])

export type Erc20Options = {
  readonly rpcUrl: string
  readonly name: string
  readonly symbol: string
  readonly decimals: number
  /** In the token's smallest unit; all of it goes to `owner`. */
  readonly supply: bigint
  /** Holds the supply and may mint. */
  readonly owner: Address
}

/** Puts a new ERC-20 on a local EVM chain and gives its address. Needs a chain that makes blocks. */
export function deployErc20({ rpcUrl, name, symbol, decimals, supply, owner }: Erc20Options): Promise<Address> {
  return deploy(rpcUrl, 'Token', [name, symbol, decimals, supply, owner])
}

/** Puts a new `Box` on a local EVM chain: `store(uint256)` keeps a number, takes money and emits `Stored`. */
export function deployBox({ rpcUrl }: { readonly rpcUrl: string }): Promise<Address> {
  return deploy(rpcUrl, 'Box', [])
}

/** Puts a new ERC-20 on a local EVM chain that keeps a part of every transfer. Six decimals. */
export function deployFeeErc20(options: {
  readonly rpcUrl: string
  readonly supply: bigint
  readonly owner: Address
  readonly feePercent: bigint
}): Promise<Address> {
  return deploy(options.rpcUrl, 'FeeToken', [options.supply, options.owner, options.feePercent])
}

/** Puts a new ERC-721 collection on a local EVM chain, with the items 0 to `count` - 1. */
export function deployItems(options: {
  readonly rpcUrl: string
  readonly count: bigint
  readonly owner: Address
}): Promise<Address> {
  return deploy(options.rpcUrl, 'Items', [options.count, options.owner])
}

/** Puts a new factory of contract accounts on a local EVM chain. */
export function deployOwnerFactory({ rpcUrl }: { readonly rpcUrl: string }): Promise<Address> {
  return deploy(rpcUrl, 'OwnerFactory', [])
}

/** Puts a new ERC-20 on a local EVM chain that keeps shares: amounts are rounded to whole ones, down or up. */
export function deployShareErc20(options: {
  readonly rpcUrl: string
  readonly owner: Address
  /** How many shares there are, all of them the owner's, and what they are worth. */
  readonly shares: bigint
  readonly pooled: bigint
  readonly decimals: number
  readonly roundsUp: boolean
}): Promise<Address> {
  const { rpcUrl, owner, shares, pooled, decimals, roundsUp } = options
  return deploy(rpcUrl, 'ShareToken', [owner, shares, pooled, decimals, roundsUp])
}

/** Puts a new ERC-20 on a local EVM chain that gives a thief what its holder sends to itself. Six decimals. */
export function deployTrickster(options: {
  readonly rpcUrl: string
  readonly owner: Address
  readonly supply: bigint
  readonly thief: Address
}): Promise<Address> {
  return deploy(options.rpcUrl, 'Trickster', [options.owner, options.supply, options.thief])
}

async function deploy(rpcUrl: string, name: ContractName, args: readonly unknown[]): Promise<Address> {
  const client = createTestClient({ mode: 'anvil', chain: foundry, transport: http(rpcUrl), pollingInterval: 50 })
    .extend(publicActions)
    .extend(walletActions)
  const [account] = await client.getAddresses()
  if (!account) throw new Error(`The chain at ${rpcUrl} has no account of its own to deploy from; is it anvil?`)
  const { abi, bytecode } = artefactOf(name) as { abi: Abi; bytecode: Hex }
  const hash = await client.deployContract({ abi, bytecode, args, account })
  const { contractAddress, status } = await client.waitForTransactionReceipt({ hash })
  if (!contractAddress || status !== 'success') throw new Error(`Deploying ${name} failed in transaction ${hash}`)
  return contractAddress
}
