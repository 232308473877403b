import {
  evmPersonalities,
  solanaPersonalities,
  startEvmNode,
  startEvmProxy,
  startSolanaNode,
  startSolanaProxy,
} from '@waiaas/devnet'
import { afterAll } from 'vitest'
import { chainPaymentCases } from './chain-adapter.conformance.ts'
import { testAdapters } from './test-adapters.fixture.ts'
import { newEvmKey, newSolanaKey } from './test-keys.fixture.ts'

const [evm, solana] = await Promise.all([startEvmNode({}), startSolanaNode({ slotMs: 20, finalizedAfter: 4 })])
afterAll(() => Promise.all([evm.stop(), solana.stop()]))

for (const personality of Object.values(evmPersonalities)) {
  // What bor asks for as a tip is a rule of its network, which this one does not have.
  if (personality === evmPersonalities.bor) continue
  chainPaymentCases(personality.name, async () => {
    const node = await startEvmProxy({ upstream: evm.rpcUrl, personality })
    const adapter = testAdapters([{ network: 'evm-local', rpcUrls: [node.rpcUrl] }])[0]!
    return {
      control: node.control,
      adapter,
      newKey: newEvmKey,
      funds: 10n ** 18n,
      amount: 1_234_567_890_123n,
      sendMethod: 'eth_sendRawTransaction',
      kill: (_attempt, payAgain) => payAgain(),
      stop: async () => {
        await adapter.close()
        await node.stop()
      },
    }
  })
}

for (const personality of Object.values(solanaPersonalities)) {
  chainPaymentCases(personality.name, async () => {
    const node = await startSolanaProxy({ upstream: solana.rpcUrl, personality })
    const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
    return {
      control: node.control,
      adapter,
      newKey: newSolanaKey,
      funds: 10n ** 9n,
      amount: 1_234_567n,
      sendMethod: 'sendTransaction',
      kill: async () => await node.control.mine(200),
      ...(!personality.history && { provesNoDeath: 'without history a node has no blocks that show it' }),
      stop: async () => {
        await adapter.close()
        await node.stop()
      },
    }
  })
}
