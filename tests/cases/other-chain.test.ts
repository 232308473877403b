import { startAnvilProcess } from '@waiaas/devnet'
import { expect, test } from 'vitest'
import { askNode, assertPaidOnce, startCaseWallet } from './bench.ts'
import { ETH, hex, startEvmTruth } from './evm-truth.ts'
import { type Answer, type Lie, startLyingNode } from './lying-node.ts'

const NETWORK = 'arbitrum-sepolia'
const PAID = ETH / 100n

/** A longer chain with another id, on which the account has made some transactions: it has one key for all EVM networks. */
async function startOtherChain(account: string) {
  const { port, stop } = await startAnvilProcess(['--chain-id', '4242'])
  const rpcUrl = `http://127.0.0.1:${port}`
  await askNode(rpcUrl, 'anvil_mine', hex(200))
  await askNode(rpcUrl, 'anvil_setBalance', account, hex(5n * ETH))
  await askNode(rpcUrl, 'anvil_impersonateAccount', account)
  const transaction = { from: account, to: `0x${'aa'.repeat(20)}`, value: '0x1' }
  for (let made = 0; made < 2; made++) await askNode(rpcUrl, 'eth_sendTransaction', transaction)
  await askNode(rpcUrl, 'anvil_mine', hex(300))
  const answers: Lie = async (call) => {
    const body = JSON.stringify({ ...call, jsonrpc: '2.0' })
    const response = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
    return (await response.json()) as Answer
  }
  return { answers, stop }
}

// https://github.com/DefiLlama/chainlist/issues/3168 , https://github.com/ethereum-lists/chains/issues/8635 : endpoints that
// answer with another chain than the one that they are listed for; one was switched without a failed request.
test.each([
  ['the only node', 1, 0],
  ['the first of two nodes', 2, 0],
  ['the second of two nodes', 2, 1],
])('%s serves another chain for a while: what was sent before is not signed again', async (_, count, switched) => {
  const truth = await startEvmTruth(NETWORK)
  await truth.mine(100)
  const nodes = [await startLyingNode(truth.rpcUrl), await startLyingNode(truth.rpcUrl)].slice(0, count)
  const wallet = await startCaseWallet(
    truth,
    nodes.map(({ rpcUrl }) => rpcUrl),
  )
  const payer = await wallet.payer(10n)
  const other = await startOtherChain(payer.address)
  const minutes = async (times: number) => {
    for (let minute = 0; minute < times; minute++) {
      wallet.http.clock.advance(60)
      await wallet.http.engine.follow(NETWORK)
      await wallet.http.engine.runDue()
    }
  }
  try {
    await truth.mine(2)
    const paid = await wallet.pay(payer, PAID)
    await wallet.until(paid.id, { status: 'CONFIRMED' })
    await truth.pauseMining()
    const waits = await wallet.pay(payer, PAID)
    await wallet.until(waits.id, { status: 'SUBMITTED', outcomeUnknown: false })
    nodes[switched]!.lie(other.answers)
    // Long enough for the nodes to be surveyed, and for the count to be asked of what no block lists.
    for (let look = 0; look < 40; look++) {
      await minutes(1)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
    expect(await wallet.attempts(paid.id)).toHaveLength(1)
    expect((await wallet.attempts(waits.id)).map(({ sequence }) => sequence)).toEqual(['1'])
    nodes[switched]!.beHonest()
    await truth.resumeMining()
    await truth.mine(70)
    await minutes(3)
    await assertPaidOnce(wallet, paid, waits)
  } finally {
    for (const { stop } of [{ stop: wallet.close }, ...nodes, other, truth]) await stop()
  }
})
