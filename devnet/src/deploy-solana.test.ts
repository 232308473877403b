import { createSolanaRpc, generateKeyPairSigner } from '@solana/kit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSplMint, createTransferFeeMint } from './deploy-solana.ts'
import { type SolanaNode, startSolanaNode } from './solana-node.ts'

let node: SolanaNode
let rpc: ReturnType<typeof connect>

beforeAll(async () => {
  node = await startSolanaNode({ slotMs: 20, finalizedAfter: 4 })
  rpc = connect(node)
})

afterAll(() => node.stop())

test('an SPL mint with decimals mints to an owner whose token account is found and parsed', async () => {
  const { address: owner } = await generateKeyPairSigner()
  const mint = await createSplMint({ ...node, decimals: 6 })
  const ata = await mint.mintTo(owner, 1_250_000n)
  await mint.mintTo(owner, 250_000n)

  const { value: accounts } = await rpc
    .getTokenAccountsByOwner(owner, { mint: mint.address }, { encoding: 'jsonParsed' })
    .send()
  expect(accounts.map(({ pubkey }) => pubkey)).toEqual([ata])
  expect(accounts[0]?.account.data).toMatchObject({
    program: 'spl-token',
    parsed: { info: { mint: mint.address, owner, tokenAmount: { amount: '1500000', uiAmountString: '1.5' } } },
  })
  expect((await rpc.getTokenAccountBalance(ata).send()).value).toMatchObject({ amount: '1500000', decimals: 6 })
  expect((await rpc.getTokenSupply(mint.address).send()).value).toMatchObject({
    amount: '1500000',
    uiAmountString: '1.5',
  })
  await node.control.mine(1)
  const [latest] = await rpc.getSignaturesForAddress(ata, { commitment: 'confirmed', limit: 1 }).send()
  const shown = await rpc.getTransaction(latest!.signature, { commitment: 'confirmed', ...JSON_V0 }).send()
  const [before, after] = [shown?.meta?.preTokenBalances?.[0], shown?.meta?.postTokenBalances?.[0]]
  expect(before).toMatchObject({ mint: mint.address, owner, uiTokenAmount: { amount: '1250000' } })
  expect(after).toMatchObject({ mint: mint.address, owner, uiTokenAmount: { amount: '1500000', decimals: 6 } })
})

test('a Token-2022 mint says its transfer fee, and its accounts say what they withhold', async () => {
  const { address: owner } = await generateKeyPairSigner()
  const mint = await createTransferFeeMint({ ...node, decimals: 2, feeBasisPoints: 250, maximumFee: 5_000n })
  const ata = await mint.mintTo(owner, 400_000n)
  const fee = { transferFeeBasisPoints: 250n, maximumFee: 5_000n }
  const { value } = await rpc.getMultipleAccounts([mint.address, ata], { encoding: 'jsonParsed' }).send()
  expect(value[0]?.data).toMatchObject({
    program: 'spl-token-2022',
    parsed: { type: 'mint', info: { decimals: 2, extensions: [{ extension: 'transferFeeConfig' }] } },
  })
  expect(JSON.parse(JSON.stringify(value[0]?.data, bigintsAsNumbers))).toMatchObject({
    parsed: { info: { extensions: [{ state: { newerTransferFee: { ...numbers(fee) } } }] } },
  })
  expect(JSON.stringify(value[1]?.data, bigintsAsNumbers)).toContain('"extension":"transferFeeAmount"')
})

const JSON_V0 = { encoding: 'json', maxSupportedTransactionVersion: 0 } as const

function connect({ rpcUrl }: SolanaNode) {
  return createSolanaRpc(rpcUrl)
}

function numbers(values: Record<string, bigint>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, Number(value)]))
}

function bigintsAsNumbers(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value
}
