import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type AnvilProcess, startAnvilProcess } from '@waiaas/devnet'
import { privateKeyToAccount } from 'viem/accounts'
import { callRpc } from '../../scripts/demo/json-rpc.ts'
import { throughput, within } from '../load.ts'

/**
 * Whom payments go to. A handful: anvil sums up all accounts for each block, so with a new recipient per payment
 * it is the number of accounts that is measured.
 */
export const payees = Array.from({ length: 16 }, () => `0x${randomBytes(20).toString('hex')}` as const)

/** A local EVM chain without anything in front of it: a block at once for each transaction. */
export type RawEvm = {
  url: string
  rpc: (method: string, params: readonly unknown[]) => Promise<unknown>
  fund: (address: string) => Promise<void>
  stop: AnvilProcess['stop']
}

export async function startRawEvm(): Promise<RawEvm> {
  const anvil = await startAnvilProcess(['--chain-id', '31337'])
  const url = `http://127.0.0.1:${anvil.port}`
  const rpc = (method: string, params: readonly unknown[]) => callRpc(url, method, params)
  return {
    url,
    rpc,
    fund: async (address) => void (await rpc('anvil_setBalance', [address, `0x${(10n ** 24n).toString(16)}`])),
    stop: anvil.stop,
  }
}

const POLL_MILLIS = 5
/** Counted in time: with many polls at once on a busy machine, a number of polls can take minutes. */
const SEND_AGAIN_MILLIS = 1_000
const RECEIPT_PATIENCE_MILLIS = 60_000

/** What is still in the pool is refused the second time. */
function isKnown(error: Error): void {
  if (!/already|known|imported|nonce too low/i.test(error.message)) throw error
}

/**
 * What the chain itself takes: transactions that were signed before, `width` at once, each waited for by its
 * receipt. From as many accounts as there are at once, or all from one.
 */
export async function rawEvmLimit(chain: RawEvm, count: number, width: number, accounts: number): Promise<number> {
  const signers = Array.from({ length: accounts }, () => privateKeyToAccount(`0x${randomBytes(32).toString('hex')}`))
  for (const signer of signers) await chain.fund(signer.address)
  const raws: string[] = []
  for (let index = 0; index < count; index++) {
    const raw = await signers[index % accounts]!.signTransaction({
      type: 'eip1559',
      chainId: 31337,
      nonce: Math.floor(index / accounts),
      to: payees[index % payees.length]!,
      value: 1n,
      gas: 21_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    raws.push(raw)
  }
  return await throughput(count, width, async (index) => {
    const hash = await chain.rpc('eth_sendRawTransaction', [raws[index]])
    const { address } = signers[index % accounts]!
    const describe = async () => {
      const count = async (tag: string) => Number(await chain.rpc('eth_getTransactionCount', [address, tag]))
      const nonces = `${await count('latest')} (latest), ${await count('pending')} (pending)`
      return `the receipt of ${hash}, nonce ${Math.floor(index / accounts)} of ${address}; the node's counts: ${nonces}`
    }
    await within(RECEIPT_PATIENCE_MILLIS, describe, async (signal) => {
      let sentAt = performance.now()
      while ((await chain.rpc('eth_getTransactionReceipt', [hash])) === null && !signal.aborted) {
        // With many from one account at once anvil forgets one now and then, and holds back all after it.
        if (performance.now() - sentAt > SEND_AGAIN_MILLIS) {
          await chain.rpc('eth_sendRawTransaction', [raws[index]]).catch(isKnown)
          sentAt = performance.now()
        }
        await setTimeout(POLL_MILLIS)
      }
    })
  })
}
