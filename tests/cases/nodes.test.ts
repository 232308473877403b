import { evmPersonalities, solanaPersonalities, startEvmProxy, startSolanaProxy } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { assertPaidOnce, startCaseWallet } from './bench.ts'
import { ETH, type EvmTruth, localPersonalities, startEvmTruth } from './evm-truth.ts'
import { personalitiesOfSolana, SOL, type SolanaTruth, startSolanaTruth } from './solana-truth.ts'

let evm: EvmTruth
let solana: SolanaTruth
beforeAll(async () => {
  ;[evm, solana] = await Promise.all([startEvmTruth(), startSolanaTruth()])
})
afterAll(async () => {
  await Promise.all([evm.stop(), solana.stop()])
})

describe('one node', () => {
  test.each(localPersonalities)('%s serves a wallet alone', async (_, personality) => {
    const node = await startEvmProxy({ upstream: evm.rpcUrl, personality })
    const wallet = await startCaseWallet(evm, [node.rpcUrl])
    const payer = await wallet.payer()
    const sent = await Promise.all(Array.from({ length: 5 }, () => wallet.pay(payer, ETH / 100n)))
    await assertPaidOnce(wallet, ...sent)
    await wallet.close()
    await node.stop()
  })

  test.each(personalitiesOfSolana)('%s serves a wallet alone', async (_, personality) => {
    const node = await startSolanaProxy({ upstream: solana.rpcUrl, personality })
    const wallet = await startCaseWallet(solana, [node.rpcUrl])
    const payer = await wallet.payer()
    const sent = await Promise.all(Array.from({ length: 5 }, () => wallet.pay(payer, SOL / 100n)))
    await assertPaidOnce(wallet, ...sent)
    await wallet.close()
    await node.stop()
  })
})

const throttling = [...Object.entries(evmPersonalities), ...Object.entries(solanaPersonalities)].flatMap(
  ([name, personality]) => personality.throttling.map((_, way) => [name, way, personality] as const),
)

test.each(throttling)('%s throttles in its way %i: the second node is asked', async (_, way, personality) => {
  const truth = personality.chain === 'evm' ? evm : solana
  const node =
    personality.chain === 'evm'
      ? await startEvmProxy({ upstream: truth.rpcUrl, personality })
      : await startSolanaProxy({ upstream: truth.rpcUrl, personality })
  const wallet = await startCaseWallet(truth, [node.rpcUrl, truth.rpcUrl])
  const payer = await wallet.payer()
  await node.control.act({ kind: 'throttle', way, times: 'always' })
  const sent = await wallet.pay(payer, truth.coin / 100n)
  await assertPaidOnce(wallet, sent)
  await node.control.act({ kind: 'heal' })
  await wallet.close()
  await node.stop()
})
