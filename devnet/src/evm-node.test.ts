import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createPublicClient,
  createWalletClient,
  type Hash,
  type Hex,
  http,
  keccak256,
  parseEther,
  type TransactionReceipt,
  webSocket,
} from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectControl } from './control.ts'
import { BOX_ABI, deployBox, deployErc20, ERC20_ABI } from './deploy-evm.ts'
import { type EvmNode, startEvmNode } from './evm-node.ts'

const DEAD = '0x000000000000000000000000000000000000dEaD'
const folder = mkdtempSync(join(tmpdir(), 'devnet-evm-'))
let node: EvmNode
let client: ReturnType<typeof connect>

beforeAll(async () => {
  node = await startEvmNode({})
  client = connect(node)
})

afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})

test('a transfer is included and paid', async () => {
  const wallet = await funded('2')
  const recipient = privateKeyToAccount(generatePrivateKey()).address
  const hash = await wallet.sendTransaction({ to: recipient, value: parseEther('1') })
  expect((await receipt(hash)).status).toBe('success')
  expect(await client.getBalance({ address: recipient })).toBe(parseEther('1'))
  expect(await client.getChainId()).toBe(node.chainId)
})

test('WebSocket connections pass through to the chain', async () => {
  const transport = webSocket(node.wsUrl)
  const overSocket = createPublicClient({ chain: foundry, transport })
  const heads = Promise.withResolvers<bigint | null>()
  const unwatch = overSocket.watchBlocks({ onBlock: ({ number }) => heads.resolve(number), onError: heads.reject })
  await overSocket.getBlockNumber()
  await node.control.mine(1)
  expect(await heads.promise).toBeGreaterThan(0n)
  unwatch()
  const socket = await (
    overSocket.transport as unknown as { getRpcClient(): Promise<{ close(): void }> }
  ).getRpcClient()
  socket.close()
})

test('while mining is paused transactions wait; what is expired is never included, what is mined is', async () => {
  const wallet = await funded('2')
  await node.control.pauseMining()
  const dropped = await wallet.sendTransaction({ to: DEAD, value: 1n })
  expect(await receiptOrNone(dropped)).toBeUndefined()
  await node.control.expirePending()
  await node.control.mine(1)
  expect(await receiptOrNone(dropped)).toBeUndefined()
  const mined = await wallet.sendTransaction({ to: DEAD, value: 2n })
  await node.control.mine(1)
  expect((await receipt(mined)).status).toBe('success')
  await node.control.resumeMining()
  expect((await receipt(await wallet.sendTransaction({ to: DEAD, value: 3n }))).status).toBe('success')
})

test('a reorganisation makes a receipt vanish, and the same bytes may be sent again', async () => {
  const wallet = await funded('2')
  const bytes = await signedTransfer(wallet)
  const hash = await client.sendRawTransaction({ serializedTransaction: bytes })
  await receipt(hash)
  await node.control.reorganise(1)
  expect(await receiptOrNone(hash)).toBeUndefined()
  expect(await client.getBalance({ address: wallet.account.address })).toBe(parseEther('2'))
  expect(await client.sendRawTransaction({ serializedTransaction: bytes })).toBe(hash)
  expect((await receipt(hash)).status).toBe('success')
})

test('a lost answer leaves the transaction in the chain, a lost request does not', async () => {
  const wallet = await funded('2')
  const kept = await signedTransfer(wallet)
  await node.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: 'loseAnswer' } })
  await expect(raw(kept)).rejects.toThrow()
  expect((await receipt(keccak256(kept))).status).toBe('success')

  const lost = await signedTransfer(wallet)
  await node.control.misbehave({ method: 'eth_sendRawTransaction', action: { kind: 'loseRequest' } })
  await expect(raw(lost)).rejects.toThrow()
  expect(await receiptOrNone(keccak256(lost))).toBeUndefined()
})

test('a hanging answer lasts until the client gives up', async () => {
  await node.control.misbehave({ method: 'eth_chainId', action: { kind: 'loseAnswer', how: 'hang' } })
  await expect(post(call('eth_chainId'), AbortSignal.timeout(100))).rejects.toThrow('timeout')
  expect(await post(call('eth_chainId'))).toMatchObject({ result: '0x7a69' })
})

test('a late answer is late, and only as often as told', async () => {
  await node.control.misbehave({ method: 'eth_chainId', action: { kind: 'delay', ms: 150 } })
  const start = performance.now()
  expect(await post(call('eth_chainId'))).toMatchObject({ result: '0x7a69' })
  const late = performance.now() - start
  expect(late).toBeGreaterThanOrEqual(145)
})

test('refusals come as HTTP statuses or JSON-RPC errors, counted and by method', async () => {
  const remote = connectControl(node.rpcUrl)
  await remote.misbehave({ method: 'eth_chainId', times: 2, action: { kind: 'refuse', status: 429 } })
  const refused = await fetch(node.rpcUrl, { method: 'POST', body: call('eth_chainId') })
  expect(refused.status).toBe(429)
  expect(await post(call('eth_blockNumber'))).toHaveProperty('result')
  await post(call('eth_chainId'))
  expect(await post(call('eth_chainId'))).toMatchObject({ result: '0x7a69' })

  const error = { code: -32000, message: 'nonce too low' }
  await remote.misbehave({ method: 'eth_chainId', times: 'always', action: { kind: 'refuse', error } })
  expect(await post(call('eth_chainId', 7))).toEqual({ jsonrpc: '2.0', id: 7, error })
  const batch = await post(`[${call('eth_chainId', 1)},${call('eth_blockNumber', 2)}]`)
  expect(batch).toEqual(expect.arrayContaining([{ jsonrpc: '2.0', id: 1, error }]))
  expect(batch).toEqual(expect.arrayContaining([expect.objectContaining({ id: 2, result: expect.any(String) })]))
  await remote.behave()
  expect(await post(call('eth_chainId'))).toMatchObject({ result: '0x7a69' })
})

test('a batch is answered call by call', async () => {
  const answers = await post(`[${call('eth_chainId', 1)},${call('eth_noSuchMethod', 2)}]`)
  expect(answers).toMatchObject([
    { id: 1, result: '0x7a69' },
    { id: 2, error: { code: -32601 } },
  ])
})

test.each([
  ['mine', { blocks: 0 }],
  ['fund', { address: DEAD, amount: 5 }],
  ['misbehave', { method: 'eth_chainId', action: { kind: 'explode' } }],
  ['misbehave', { method: 'eth_chainId', times: -1, action: { kind: 'loseAnswer' } }],
  ['toString', {}],
])('the control endpoint refuses %s %j and says why', async (name, input) => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`${node.rpcUrl}/control/${name}`, { method: 'POST', headers, body: JSON.stringify(input) })
  expect(answer.status).toBeGreaterThanOrEqual(400)
  expect(await answer.json()).toEqual({ error: expect.stringMatching(/must be|unknown command/) })
})

test('an ERC-20 with decimals is deployed to its owner, who can transfer it', async () => {
  const wallet = await funded('1')
  const owner = wallet.account.address
  const token = { name: 'Demo Dollar', symbol: 'DUSD', decimals: 6, supply: 5_000_000n, owner }
  const address = await deployErc20({ rpcUrl: node.rpcUrl, ...token })
  const contract = { address, abi: ERC20_ABI }
  expect(await client.readContract({ ...contract, functionName: 'decimals' })).toBe(6)
  expect(await client.readContract({ ...contract, functionName: 'symbol' })).toBe('DUSD')
  await receipt(await wallet.writeContract({ ...contract, functionName: 'transfer', args: [DEAD, 1_500_000n] }))
  expect(await client.readContract({ ...contract, functionName: 'balanceOf', args: [owner] })).toBe(3_500_000n)
  expect(await client.readContract({ ...contract, functionName: 'balanceOf', args: [DEAD] })).toBe(1_500_000n)
})

test('a Box is deployed whose method stores, takes money and emits', async () => {
  const wallet = await funded('1')
  const contract = { address: await deployBox({ rpcUrl: node.rpcUrl }), abi: BOX_ABI }
  const hash = await wallet.writeContract({ ...contract, functionName: 'store', args: [42n], value: 7n })
  expect((await receipt(hash)).logs).toHaveLength(1)
  expect(await client.readContract({ ...contract, functionName: 'value' })).toBe(42n)
  expect(await client.getBalance({ address: contract.address })).toBe(7n)
  const refused = client.simulateContract({ ...contract, functionName: 'refuse', args: [1n], account: wallet.account })
  await expect(refused).rejects.toThrow('Refused(uint256 value)')
})

test('a second start with the same file keeps balances and receipts, and stopping leaves no process', async () => {
  const stateFile = join(folder, 'deep', 'state.json')
  const first = await startEvmNode({ stateFile })
  const wallet = walletAt(first)
  await first.control.fund(wallet.account.address, parseEther('3'))
  const hash = await wallet.sendTransaction({ to: DEAD, value: parseEther('1') })
  const included = await connect(first).waitForTransactionReceipt({ hash })
  await first.stop()
  expect(() => process.kill(first.pid, 0)).toThrow('ESRCH')

  const second = await startEvmNode({ stateFile })
  try {
    const again = connect(second)
    const left = parseEther('2') - included.gasUsed * included.effectiveGasPrice
    expect(await again.getBalance({ address: wallet.account.address })).toBe(left)
    expect((await again.getTransactionReceipt({ hash })).blockHash).toBe(included.blockHash)
  } finally {
    await second.stop()
  }
  expect(() => process.kill(second.pid, 0)).toThrow('ESRCH')
})

function connect({ rpcUrl }: EvmNode) {
  return createPublicClient({ chain: foundry, transport: http(rpcUrl, { retryCount: 0 }), pollingInterval: 20 })
}

function walletAt({ rpcUrl }: EvmNode) {
  const account = privateKeyToAccount(generatePrivateKey())
  return createWalletClient({ account, chain: foundry, transport: http(rpcUrl, { retryCount: 0 }) })
}

async function funded(ether: string) {
  const wallet = walletAt(node)
  await node.control.fund(wallet.account.address, parseEther(ether))
  return wallet
}

async function signedTransfer(wallet: ReturnType<typeof walletAt>): Promise<Hex> {
  return wallet.signTransaction(await wallet.prepareTransactionRequest({ to: DEAD, value: 1n }))
}

function receipt(hash: Hash): Promise<TransactionReceipt> {
  return client.waitForTransactionReceipt({ hash })
}

async function receiptOrNone(hash: Hash): Promise<TransactionReceipt | undefined> {
  return client.getTransactionReceipt({ hash }).catch(() => {
    // viem throws where there is none.
    return undefined
  })
}

function raw(serializedTransaction: Hex): Promise<Hash> {
  return client.sendRawTransaction({ serializedTransaction })
}

function call(method: string, id = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params: [] })
}

async function post(body: string, signal: AbortSignal | null = null): Promise<unknown> {
  return (await fetch(node.rpcUrl, { method: 'POST', body, signal })).json()
}
