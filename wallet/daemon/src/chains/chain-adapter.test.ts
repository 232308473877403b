import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { NetworkName } from '@waiaas/core'
import { startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { chainAdapterCases } from './chain-adapter.conformance.ts'
import type { ChainAdapter } from './chain-adapter.ts'
import { createAdapters } from './index.ts'
import { newEvmKey, newSolanaKey } from './test-keys.fixture.ts'

const solanaAddress = 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae'
const evmAddress = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

chainAdapterCases('EVM', async () => {
  const node = await startEvmNode({})
  const adapters = [only('evm-local', node.rpcUrl), only('ethereum-sepolia', node.rpcUrl), await stranded('evm-local')]
  const [adapter, misled, alone] = adapters as [ChainAdapter, ChainAdapter, ChainAdapter]
  return {
    control: node.control,
    adapter,
    misled,
    stranded: alone,
    newKey: newEvmKey,
    funds: 10n ** 18n,
    amount: 1_234_567_890_123n,
    foreignAddress: solanaAddress,
    malformedAddress: evmAddress.replace('f39F', 'F39F'),
    sendMethod: 'eth_sendRawTransaction',
    kill: (_attempt, payAgain) => payAgain(),
    stop: async () => {
      await Promise.all(adapters.map((each) => each.close()))
      await node.stop()
    },
  }
})

chainAdapterCases('Solana', async () => {
  const node = await startSolanaNode({ slotMs: 50 })
  const adapters = [
    only('solana-local', node.rpcUrl),
    only('solana-devnet', node.rpcUrl),
    await stranded('solana-local'),
  ]
  const [adapter, misled, alone] = adapters as [ChainAdapter, ChainAdapter, ChainAdapter]
  return {
    control: node.control,
    adapter,
    misled,
    stranded: alone,
    newKey: newSolanaKey,
    funds: 10n ** 9n,
    amount: 1_234_567n,
    foreignAddress: evmAddress,
    malformedAddress: `${solanaAddress}l`,
    sendMethod: 'sendTransaction',
    kill: async () => await node.control.mine(200),
    stop: async () => {
      await Promise.all(adapters.map((each) => each.close()))
      await node.stop()
    },
  }
})

function only(network: NetworkName, rpcUrl: string): ChainAdapter {
  return createAdapters([{ network, rpcUrl }])[0]!
}

/** An adapter whose node was there once. */
async function stranded(network: NetworkName): Promise<ChainAdapter> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return only(network, `http://127.0.0.1:${port}`)
}
