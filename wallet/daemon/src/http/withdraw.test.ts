import type { Address } from '@solana/kit'
import { createKeyPairSignerFromPrivateKeyBytes } from '@solana/kit'
import { checksumAddress, type TransactionView, type WithdrawView } from '@waiaas/core'
import { createSplMint, createTransferFeeMint, deployErc20 } from '@waiaas/devnet'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, fundedAgent, type LocalChains, type Payer, startLocalChains } from './testing/local-chains.ts'
import { answerOwner, askOwner } from './testing/owner.ts'
import { payer, startPaying, told } from './testing/real-engine.ts'
import { post, type TestHttp } from './testing/start-http.ts'

const owner = privateKeyToAccount(generatePrivateKey())
const COIN = 10n ** 18n

let chains: LocalChains
let http: TestHttp
/** The owner's wallet on the other chain. */
let home: string

beforeAll(async () => {
  chains = await startLocalChains()
  http = chains.http
  home = (await createKeyPairSignerFromPrivateKeyBytes(crypto.getRandomValues(new Uint8Array(32)))).address
})
afterAll(() => chains.close())

async function lock(on: TestHttp, id: string): Promise<void> {
  const asked = await askOwner(on, 'verify', id)
  const signature = await owner.signMessage({ message: asked.message })
  const answer = await answerOwner(on, 'POST', `/v1/agents/${id}/owner/verify`, asked, signature)
  expect(await told(answer)).toBe('ok')
}

async function nameAddress(id: string, address: string, signed = address): Promise<string> {
  const asked = await askOwner(http, 'withdraw_address', id, { address: signed })
  const signature = await owner.signMessage({ message: asked.message })
  const path = `/v1/agents/${id}/withdraw-address`
  return await told(await answerOwner(http, 'PUT', path, asked, signature, {}, { address }))
}

const withdraw = (id: string, on = http) => on.operate<WithdrawView>('POST', `/v1/agents/${id}/withdraw`)
const ends = ({ items }: WithdrawView) => Promise.all(items.map(({ id }) => http.engine.wait(id, 20)))

/** What a wallet has on a chain, as the daemon's own adapters read it. */
async function balances(address: string, network: 'evm-local' | 'solana-local', tokens: string[]): Promise<bigint[]> {
  const adapter = chains.adapters.get(network)!
  const [coins, held] = await Promise.all([adapter.balance(address), adapter.holdings(address, tokens)])
  if (!coins.ok || !held.ok) throw new Error('a node did not answer')
  return [coins.amount, ...tokens.map((token) => held.holdings.find((each) => each.address === token)?.amount ?? 0n)]
}

async function lockedAgent(): Promise<Payer> {
  const agent = await fundedAgent(chains, { instant_max: `${1000n * COIN}` }, { ownerAddress: owner.address })
  await lock(http, agent.id)
  return agent
}

test('everything on both chains goes home, tokens and deposits too, even of a suspended agent', async () => {
  const agent = await lockedAgent()
  const { rpcUrl, wsUrl, control } = chains.solana
  const withFee = { rpcUrl, wsUrl, control, decimals: 2, feeBasisPoints: 100, maximumFee: 1000n }
  const [feeMint, spam, empty] = await Promise.all([
    createTransferFeeMint(withFee),
    createSplMint({ rpcUrl, wsUrl, control, decimals: 0 }),
    createSplMint({ rpcUrl, wsUrl, control, decimals: 0 }),
  ])
  const erc20 = { rpcUrl: chains.evm.rpcUrl, name: 'Gold', symbol: 'GLD', decimals: 3, supply: 5000n } as const
  const gold = checksumAddress(await deployErc20({ ...erc20, owner: agent.evm as `0x${string}` }))
  await chains.giveSolanaToken(agent.solana, 7_000_000n)
  for (const [mint, amount] of [
    [feeMint, 20_000n],
    [spam, 1n],
    [empty, 0n],
  ] as const) {
    await mint.mintTo(agent.solana as Address, amount)
  }
  const listed = [
    { network: 'evm-local', address: gold },
    { network: 'solana-local', address: chains.tokens.solana },
    { network: 'solana-local', address: feeMint.address },
  ]
  for (const token of listed) await http.operate('POST', '/v1/tokens', token)

  const first = await withdraw(agent.id)
  expect(first.skipped, 'nobody has named an address on Solana').toContainEqual({
    network: 'solana-local',
    why: expect.stringContaining('withdraw-address'),
  })
  expect((await ends(first)).map(({ status, network }) => [network, status])).toEqual([
    ['evm-local', 'CONFIRMED'],
    ['evm-local', 'CONFIRMED'],
  ])
  expect(await balances(owner.address, 'evm-local', [gold])).toEqual([expect.any(BigInt), 5000n])
  const [dust] = await balances(agent.evm, 'evm-local', [])
  expect(first.left).toEqual([expect.objectContaining({ network: 'evm-local', symbol: 'ETH', balance: `${dust}` })])
  expect(dust).toBeLessThan(COIN / 1000n)

  expect(await nameAddress(agent.id, home)).toBe('ok')
  await http.operate('POST', `/v1/agents/${agent.id}/suspend`)
  const second = await withdraw(agent.id)
  const sent = await ends(second)
  expect(sent.map(({ status }) => status)).toEqual(sent.map(() => 'CONFIRMED'))
  expect(second.skipped).toContainEqual({
    network: 'solana-local',
    asset: `solana-local/${spam.address}`,
    symbol: expect.any(String),
    why: expect.stringContaining('POST /v1/tokens'),
  })
  expect(second.left, 'only what was never ours stays').toEqual([
    expect.objectContaining({ network: 'evm-local', balance: `${dust}` }),
    expect.objectContaining({ network: 'solana-local', address: spam.address, balance: '1' }),
  ])
  const tokens = [chains.tokens.solana, feeMint.address]
  expect((await balances(home, 'solana-local', tokens)).slice(1), 'the mint keeps 1 %').toEqual([7_000_000n, 19_800n])
  const [lamports] = await balances(agent.solana, 'solana-local', [])
  expect(lamports).toBe(0n)
})

test('asked twice at once, and again, it sends everything once', async () => {
  const agent = await lockedAgent()
  const [one, two] = await Promise.all([withdraw(agent.id), withdraw(agent.id)])
  expect(one!.items.map(({ id }) => id)).toEqual(two!.items.map(({ id }) => id))
  await ends(one!)
  expect((await withdraw(agent.id)).items).toEqual([])
})

test('what comes after the end goes home as well', async () => {
  const agent = await lockedAgent()
  expect(await nameAddress(agent.id, home)).toBe('ok')
  const listed = { network: 'evm-local', address: chains.tokens.evm }
  await http.operate('POST', '/v1/tokens', listed)
  await ends(await withdraw(agent.id))
  expect(await http.operate('DELETE', `/v1/agents/${agent.id}`)).toMatchObject({ status: 'TERMINATED' })
  await chains.evm.control.fund(agent.evm, 3n * COIN)
  const [late] = await ends(await withdraw(agent.id))
  expect(late).toMatchObject({ status: 'CONFIRMED', to: owner.address })
})

test('an agent with a token only is not empty', async () => {
  const agent = await lockedAgent()
  expect(await nameAddress(agent.id, home)).toBe('ok')
  await ends(await withdraw(agent.id))
  await chains.giveSolanaToken(agent.solana, 5n)
  await chains.solana.control.fund(agent.solana, 890_880n * 4n)
  await http.operate('POST', '/v1/tokens', { network: 'solana-local', address: chains.tokens.solana })
  await expect(http.operate('DELETE', `/v1/agents/${agent.id}`)).rejects.toThrow('409 {"code":"AGENT_NOT_EMPTY"')
  await ends(await withdraw(agent.id))
  expect(await http.operate('DELETE', `/v1/agents/${agent.id}`)).toMatchObject({ status: 'TERMINATED' })
})

test('an address for the other chain needs the owner, who names exactly this one', async () => {
  const agent = await lockedAgent()
  const other = (await createKeyPairSignerFromPrivateKeyBytes(crypto.getRandomValues(new Uint8Array(32)))).address
  expect(await nameAddress(agent.id, other, home), 'another one was signed').toBe('401 INVALID_SIGNATURE')
  const asking = async (address: string) => {
    const body = { action: 'withdraw_address', resourceId: agent.id, address }
    return await told(await http.fetch('/v1/owner/challenges', post(body)))
  }
  expect(await asking(agent.evm), 'there the owner has an address').toBe('400 INVALID_ADDRESS')
  expect(await asking('nowhere')).toBe('400 INVALID_ADDRESS')
  const operator = { ...post({ address: home }, { Authorization: `Bearer ${http.adminToken}` }), method: 'PUT' }
  const alone = await http.fetch(`/v1/agents/${agent.id}/withdraw-address`, operator)
  expect(await told(alone)).toBe('401 INVALID_SIGNATURE')
  const asked = await askOwner(http, 'withdraw_address', agent.id, { address: home })
  expect(asked.message).toContain(`everything on solana networks goes to ${home}.`)
  const events = await http.db.selectFrom('events').select('type').where('agent_id', '=', agent.id).execute()
  expect(events.map(({ type }) => type)).not.toContain('WITHDRAW_ADDRESS_SET')
})

test('a new owner is not bound by what the former one has named', async () => {
  const agent = await lockedAgent()
  expect(await nameAddress(agent.id, home)).toBe('ok')
  const next = privateKeyToAccount(generatePrivateKey())
  const asked = await askOwner(http, 'set_owner', agent.id, { newOwner: next.address })
  const signature = await owner.signMessage({ message: asked.message })
  const master = { Authorization: `Bearer ${http.adminToken}` }
  const path = `/v1/agents/${agent.id}/owner`
  await answerOwner(http, 'PUT', path, asked, signature, master, { ownerAddress: next.address })
  const verify = await askOwner(http, 'verify', agent.id)
  await answerOwner(http, 'POST', `${path}/verify`, verify, await next.signMessage({ message: verify.message }))
  const { items, skipped } = await withdraw(agent.id)
  expect(items.map(({ to }) => to)).toEqual([next.address])
  expect(skipped).toEqual([{ network: 'solana-local', why: expect.stringContaining('withdraw-address') }])
})

test('after a restart it goes on with what was on its way, and the kill switch stops it', async () => {
  const own = await startPaying()
  const { agent } = await payer(own, {}, { ownerAddress: owner.address, chains: ['evm'] })
  await lock(own, agent.id)
  own.chains.get('evm-local')!.setMining(false)
  const stop = withdraw(agent.id, own).then(({ items }) => items as TransactionView[])
  const open = async () => await own.db.selectFrom('transactions').select(['id', 'status']).execute()
  while ((await open())[0]?.status !== 'SUBMITTED') await new Promise((resolve) => setTimeout(resolve, 20))
  const [row] = await open()
  await own.close('keep')
  // Whether the call is cut off or answered does not matter: the daemon is gone either way.
  await Promise.allSettled([stop])
  own.chains.get('evm-local')!.setMining(true)
  const again = await startPaying({ folder: own.folder, chains: own.chains })
  try {
    own.chains.get('evm-local')!.mine()
    expect(await again.engine.wait(row!.id, 10)).toMatchObject({ status: 'CONFIRMED' })
    expect((await withdraw(agent.id, again)).items).toEqual([])
    expect(own.chains.get('evm-local')!.books.blocks.filter(({ to }) => to === owner.address)).toHaveLength(1)
    await again.operate('POST', '/v1/admin/kill-switch')
    await expect(withdraw(agent.id, again)).rejects.toThrow('503 {"code":"SYSTEM_LOCKED"')
  } finally {
    await again.close()
  }
})

test('a session cannot ask for it', async () => {
  const agent = await lockedAgent()
  expect(await told(await ask(http, agent.token, `/v1/agents/${agent.id}/withdraw`, undefined))).toBe(
    '401 INVALID_TOKEN',
  )
})
