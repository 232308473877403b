import { randomBytes } from 'node:crypto'
import { networkOf } from '@waiaas/core'
import { type EvmPersonality, evmPersonalities, startAnvilProcess } from '@waiaas/devnet'
import { expect } from 'vitest'
import { askNode, type CaseWallet, eventually, type Payer, type Sent, type Truth } from './bench.ts'

export const ETH = 10n ** 18n

export type EvmTruth = Truth & {
  rpcUrl: string
  mine: (blocks: number) => Promise<void>
  /** From now on only `mine` makes blocks. */
  pauseMining: () => Promise<void>
  /** What waits gets a block, and each transaction from now on one of its own. */
  resumeMining: () => Promise<void>
  stop: () => Promise<void>
}

/** A chain that makes a block for each transaction, with the chain id of the network: anvil itself, nothing in between. */
export async function startEvmTruth(network: EvmTruth['network'] = 'evm-local'): Promise<EvmTruth> {
  const { port, stop } = await startAnvilProcess(['--chain-id', `${networkOf(network).chainId}`])
  const rpcUrl = `http://127.0.0.1:${port}`
  return {
    network,
    family: 'evm',
    coin: ETH,
    rpcUrl,
    fund: async (address, amount) => {
      await askNode(rpcUrl, 'anvil_setBalance', address, hex(amount))
      await askNode(rpcUrl, 'evm_mine')
    },
    balance: async (address) => BigInt(await askNode<string>(rpcUrl, 'eth_getBalance', address, 'latest')),
    made: async (address) => Number(await askNode<string>(rpcUrl, 'eth_getTransactionCount', address, 'latest')),
    newAddress: () => `0x${randomBytes(20).toString('hex')}`,
    pauseMining: async () => void (await askNode(rpcUrl, 'evm_setAutomine', false)),
    resumeMining: async () => {
      await askNode(rpcUrl, 'evm_setAutomine', true)
      await askNode(rpcUrl, 'evm_mine')
    },
    mine: async (blocks) => void (await askNode(rpcUrl, 'anvil_mine', hex(blocks))),
    stop,
  }
}

export function hex(value: bigint | number): string {
  return `0x${value.toString(16)}`
}

/**
 * Every client and gateway, but for bor: what it asks for as a tip is a rule of its network, which `evm-local` does not
 * have.
 */
export const localPersonalities: [name: string, personality: EvmPersonality][] = Object.entries(
  evmPersonalities,
).filter(([name]) => name !== 'bor')

/**
 * A payment whose bytes its node drops, so that others use its number and it is signed again under the next one. Then the
 * chain goes back, and takes what it had left out: the bytes that were called dead. A minute later the daemon looks for them.
 *
 * @param consumer what uses the number, sent from the payer's account.
 * @param isSeenBetween whether the daemon looks while the block that used the number is gone, and the bytes are not there yet.
 */
export async function payAndBringBackDead(
  wallet: CaseWallet,
  { rpcUrl, mine, balance }: EvmTruth,
  payer: Payer,
  {
    amount,
    consumer,
    isSeenBetween,
  }: { amount: bigint; consumer: { to: string; data?: string }; isSeenBetween?: boolean },
): Promise<{ sent: Sent; dead: { hash: string } }> {
  const sent = await wallet.pay(payer, amount)
  await wallet.until(sent.id, { status: 'SUBMITTED' })
  const [dead] = await wallet.attempts(sent.id)
  const from = payer.address
  await askNode(rpcUrl, 'anvil_impersonateAccount', from)
  await askNode(rpcUrl, 'eth_sendTransaction', { from, ...consumer, value: '0x0' })
  await eventually(async () => (await wallet.attempts(sent.id)).length).toBe(2)
  await wallet.until(sent.id, { status: 'CONFIRMED' })
  expect(await wallet.attempts(sent.id)).toMatchObject([{ state: 'DEAD' }, { sequence: '1' }])
  await askNode(rpcUrl, 'anvil_reorg', 2, [])
  if (isSeenBetween) await seeThatItIsGone(wallet, dead!.hash)
  await askNode(rpcUrl, 'eth_sendRawTransaction', `0x${Buffer.from(dead!.raw).toString('hex')}`)
  await mine(1)
  await eventually(() => balance(sent.to)).toBeGreaterThanOrEqual(amount)
  wallet.http.clock.advance(isSeenBetween ? 601 : 61)
  return { sent, dead: dead! }
}

async function seeThatItIsGone(wallet: CaseWallet, hash: string): Promise<void> {
  wallet.http.clock.advance(61)
  const gone = wallet.http.db.selectFrom('events').select('data').where('type', '=', 'PROOF_GONE')
  await eventually(async () => (await gone.execute()).map(({ data }) => JSON.parse(data).hash)).toContain(hash)
}
