import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Address } from '@solana/addresses'
import { isWritableRole } from '@solana/instructions'
import { createSolanaRpc } from '@solana/kit'
import { findAssociatedTokenPda, getTransferCheckedInstruction } from '@solana-program/token-2022'
import { checksumAddress, type NetworkName } from '@waiaas/core'
import { createSplMint, deployErc20, type SolanaNode, startEvmNode, startSolanaNode } from '@waiaas/devnet'
import { serializeTransaction } from 'viem/utils'
import { type ConformanceChain, chainAdapterCases } from './chain-adapter.conformance.ts'
import type { ChainAdapter } from './chain-adapter.ts'
import { anvil, calldata } from './evm/contracts.fixture.ts'
import { buildMessage, transferInstruction, withSignature } from './solana/message.ts'
import { testAdapters } from './test-adapters.fixture.ts'
import { newEvmKey, newSolanaKey } from './test-keys.fixture.ts'

const solanaAddress = 'b9u6zLtcAjKXVLmRcUifDZbGmjNcsvVjf7kip8muSae'
const evmAddress = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'

chainAdapterCases('EVM', async () => {
  const node = await startEvmNode({})
  const adapters = [only('evm-local', node.rpcUrl), only('ethereum-sepolia', node.rpcUrl), await stranded('evm-local')]
  const [adapter, misled, alone] = adapters as [ChainAdapter, ChainAdapter, ChainAdapter]
  return {
    ...(await evmTokens(node.rpcUrl)),
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
    ...(await solanaTokens(node)),
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

async function evmTokens(rpcUrl: string): Promise<Pick<ConformanceChain, 'token' | 'tokenCall' | 'outside'>> {
  const issuer = newEvmKey().account.address as `0x${string}`
  const dollar = { rpcUrl, name: 'Dollar', symbol: 'USDX', decimals: 6, supply: 10n ** 12n, owner: issuer }
  const address = checksumAddress(await deployErc20(dollar))
  await anvil(rpcUrl, 'anvil_impersonateAccount', issuer)
  await anvil(rpcUrl, 'anvil_setBalance', issuer, '0xde0b6b3a7640000')
  const transfer = (to: string, amount: bigint) => calldata('transfer(address,uint256)', to, amount)
  return {
    token: {
      address,
      give: async (owner, amount) => {
        await anvil(rpcUrl, 'eth_sendTransaction', { from: issuer, to: address, data: transfer(owner, amount) })
        await anvil(rpcUrl, 'evm_mine')
      },
    },
    tokenCall: async (_from, to, amount) => ({ type: 'CONTRACT_CALL', to: address, calldata: transfer(to, amount) }),
    outside: async (_from, to, value) =>
      serializeTransaction({
        type: 'eip1559',
        chainId: 31337,
        nonce: 0,
        gas: 21_000n,
        maxFeePerGas: 10n ** 11n,
        maxPriorityFeePerGas: 1n,
        to: to as `0x${string}`,
        value,
      }),
  }
}

async function solanaTokens(node: SolanaNode): Promise<Pick<ConformanceChain, 'token' | 'tokenCall' | 'outside'>> {
  const mint = await createSplMint({ rpcUrl: node.rpcUrl, wsUrl: node.wsUrl, control: node.control, decimals: 6 })
  const account = async (owner: string) => {
    const place = { mint: mint.address, owner: owner as Address, tokenProgram: mint.program }
    return (await findAssociatedTokenPda(place))[0]
  }
  return {
    token: {
      address: mint.address,
      give: async (owner, amount) => void (await mint.mintTo(owner as Address, amount)),
    },
    tokenCall: async (from, to, amount) => {
      const { data, accounts, programAddress } = getTransferCheckedInstruction(
        {
          source: await account(from),
          mint: mint.address,
          destination: await account(to),
          authority: from as Address,
          amount,
          decimals: 6,
        },
        { programAddress: mint.program },
      )
      return {
        type: 'CONTRACT_CALL',
        programId: programAddress,
        instructionData: Buffer.from(data).toString('base64'),
        accounts: accounts.map(({ address: pubkey, role }) => ({
          pubkey,
          isSigner: pubkey === from,
          isWritable: isWritableRole(role),
        })),
      }
    },
    outside: async (from, to, amount) => {
      const { value } = await createSolanaRpc(node.rpcUrl).getLatestBlockhash({ commitment: 'confirmed' }).send()
      const message = buildMessage(
        from,
        [transferInstruction(from, to, amount)],
        { units: 1_000, unitPrice: 0n },
        value,
      )
      return Buffer.from(withSignature(message, new Uint8Array(64))).toString('base64')
    },
  }
}

function only(network: NetworkName, rpcUrl: string): ChainAdapter {
  return testAdapters([{ network, rpcUrls: [rpcUrl] }])[0]!
}

/** An adapter whose node was there once. */
async function stranded(network: NetworkName): Promise<ChainAdapter> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return only(network, `http://127.0.0.1:${port}`)
}
