import type { Address } from '@solana/addresses'
import { createSolanaRpc, generateKeyPairSigner, type Instruction } from '@solana/kit'
import {
  AccountState,
  type ExtensionArgs,
  findAssociatedTokenPda,
  getInitializeDefaultAccountStateInstruction,
  getInitializeInterestBearingMintInstruction,
  getInitializePausableConfigInstruction,
  getInitializePermanentDelegateInstruction,
  getInitializeScaledUiAmountMintInstruction,
  getInitializeTransferHookInstruction,
  getUpdateMultiplierScaledUiMintInstruction,
} from '@solana-program/token-2022'
import type { EffectView, WalletAssetsView } from '@waiaas/core'
import { createSplMint, createToken2022Mint, createTransferFeeMint, type SolanaMint } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allowTokens,
  type SolanaChain,
  type SolanaPayer,
  solanaPayer,
  startSolanaChain,
} from './testing/solana-chain.ts'

const SYSTEM = '11111111111111111111111111111111' as Address
const RENT = 2_039_280n

let chain: SolanaChain

beforeAll(async () => {
  chain = await startSolanaChain()
})
afterAll(() => chain?.close())

type Extend = (authority: Address, mint: Address) => { extension: ExtensionArgs; setUp: Instruction }[]

/** A Token-2022 mint with extensions. */
const extended = (extend: Extend): Promise<SolanaMint> =>
  createToken2022Mint(chain.mintOptions, (authority) => ({
    extensions: extend(authority, SYSTEM).map(({ extension }) => extension),
    setUp: (mint) => extend(authority, mint).map(({ setUp }) => setUp),
  }))

/** An agent that may pay with a token, and has one million base units of it. */
async function holder(
  mint: SolanaMint,
  policies: Record<string, unknown> = {},
  agent: object = {},
): Promise<SolanaPayer> {
  const payer = await solanaPayer(chain, { ...allowTokens(mint.address), ...policies }, { ...agent })
  await mint.mintTo(payer.address as Address, 1_000_000n)
  return payer
}

const newAddress = async () => (await generateKeyPairSigner()).address
const rpc = () => createSolanaRpc(chain.node.rpcUrl)
const transfer = (mint: SolanaMint, to: string, amount: object) => ({
  type: 'TOKEN_TRANSFER',
  to,
  token: { address: mint.address },
  ...amount,
})
const spendOf = (effects: readonly EffectView[], { address }: SolanaMint) =>
  effects.find((effect) => effect.kind === 'spend' && effect.asset.address === address)
const assetsOf = async (payer: SolanaPayer) => {
  const answer = await payer.read('/v1/wallet/assets?network=solana-local')
  return ((await answer.json()) as WalletAssetsView).assets
}

/** Base units that an owner has, as the chain says. */
async function heldBy(owner: string, { address, program }: SolanaMint): Promise<bigint> {
  const [ata] = await findAssociatedTokenPda({ mint: address, owner: owner as Address, tokenProgram: program })
  const { value } = await rpc().getTokenAccountBalance(ata, { commitment: 'confirmed' }).send()
  return BigInt(value.amount)
}

describe('a mint that scales what wallets show (ScaledUiAmount)', () => {
  const scaled = (multiplier: number) =>
    extended((authority, mint) => [
      {
        extension: {
          __kind: 'ScaledUiAmountConfig',
          authority,
          multiplier,
          newMultiplierEffectiveTimestamp: 0n,
          newMultiplier: multiplier,
        },
        setUp: getInitializeScaledUiAmountMintInstruction({ mint, authority, multiplier }),
      },
    ])
  const change = (mint: SolanaMint, multiplier: number, effectiveTimestamp: bigint) =>
    mint.send([
      getUpdateMultiplierScaledUiMintInstruction({
        mint: mint.address,
        authority: mint.authority,
        multiplier,
        effectiveTimestamp,
      }),
    ])

  test('humanAmount is what wallets show, and both numbers are told everywhere', async () => {
    const mint = await scaled(10)
    const payer = await holder(mint)
    const to = await newAddress()
    const request = transfer(mint, to, { humanAmount: '1' })
    const both = { amount: '100000', humanAmount: '1', unscaledAmount: '0.1', asset: { multiplier: '10' } }

    const simulated = await payer.simulate(request)
    expect(simulated.body).toMatchObject({ amount: '100000', humanAmount: '1', tier: 'INSTANT' })
    expect(spendOf(simulated.body.effects, mint)).toMatchObject(both)
    const { body } = await payer.send(request)
    const sent = await payer.ended(body.id)
    expect(sent).toMatchObject({ status: 'CONFIRMED', amount: '100000', humanAmount: '1' })
    expect(spendOf(sent.effects, mint)).toMatchObject(both)
    expect(await heldBy(to, mint)).toBe(100_000n)
    expect((await assetsOf(payer)).find(({ address }) => address === mint.address)).toMatchObject({
      balance: '900000',
      humanBalance: '9',
      unscaledBalance: '0.9',
      multiplier: '10',
      notes: expect.arrayContaining([expect.stringContaining('10 times')]),
    })
  })

  test('a new multiplier counts from its time on, and near that time only base units are taken', async () => {
    const mint = await scaled(10)
    const payer = await holder(mint)
    const to = await newAddress()
    const amountNow = async () => (await payer.simulate(transfer(mint, to, { humanAmount: '1' }))).body
    await change(mint, 20, 4_000_000_000n)
    const later = await amountNow()
    expect(later).toMatchObject({ amount: '100000', humanAmount: '1' })
    expect(JSON.stringify(later.effects)).toContain('from 2096-10-02T07:06:40Z on 20 times')
    await change(mint, 20, BigInt(Math.floor(Date.now() / 1000) + 60))
    expect(await amountNow()).toMatchObject({
      code: 'VALIDATION_FAILED',
      message: expect.stringContaining('base units'),
    })
    expect((await payer.simulate(transfer(mint, to, { amount: '5' }))).body).toMatchObject({ amount: '5' })
    await change(mint, 20, 0n)
    expect(await amountNow()).toMatchObject({ amount: '50000', humanAmount: '1' })
  })

  test('an amount between two base units is rounded down, and said so by what is shown', async () => {
    const mint = await scaled(3)
    const payer = await holder(mint)
    const { body } = await payer.simulate(transfer(mint, await newAddress(), { humanAmount: '1' }))
    expect(body).toMatchObject({ amount: '333333', humanAmount: '0.999999' })
    const nothing = await payer.send(transfer(mint, await newAddress(), { humanAmount: '0.000001' }))
    expect([nothing.status, nothing.body.code]).toEqual([400, 'VALIDATION_FAILED'])
  })
})

test('a mint that adds interest takes base units, and shows what wallets show', async () => {
  const rate = 5_000
  const config = { initializationTimestamp: 0n, preUpdateAverageRate: rate, lastUpdateTimestamp: 0n, currentRate: rate }
  const mint = await extended((authority, address) => [
    {
      extension: { __kind: 'InterestBearingConfig', rateAuthority: authority, ...config },
      setUp: getInitializeInterestBearingMintInstruction({ mint: address, rateAuthority: authority, rate }),
    },
  ])
  const payer = await holder(mint)
  const to = await newAddress()
  const human = await payer.send(transfer(mint, to, { humanAmount: '1' }))
  expect([human.status, human.body.code, human.body.message]).toEqual([
    400,
    'VALIDATION_FAILED',
    expect.stringContaining('base units'),
  ])
  const { body } = await payer.send(transfer(mint, to, { amount: '5' }))
  const sent = await payer.ended(body.id)
  expect(sent.status).toBe('CONFIRMED')
  expect(JSON.stringify(spendOf(sent.effects, mint))).toContain('interest of 50 % a year')
})

describe('what an issuer may do to every holder is shown, and allowed with the token', () => {
  const powers: Record<string, [extend: Extend, note: (authority: string) => string]> = {
    PermanentDelegate: [
      (delegate, mint) => [
        {
          extension: { __kind: 'PermanentDelegate', delegate },
          setUp: getInitializePermanentDelegateInstruction({ mint, delegate }),
        },
      ],
      (authority) => `${authority} may take or burn the tokens of every holder (PermanentDelegate).`,
    ],
    Pausable: [
      (authority, mint) => [
        {
          extension: { __kind: 'PausableConfig', authority, paused: false },
          setUp: getInitializePausableConfigInstruction({ mint, authority }),
        },
      ],
      (authority) => `${authority} may pause all transfers (Pausable).`,
    ],
    'a hook that may be set': [
      (authority, mint) => [
        {
          extension: { __kind: 'TransferHook', authority, programId: SYSTEM },
          setUp: getInitializeTransferHookInstruction({ mint, authority, programId: null }),
        },
      ],
      (authority) => `${authority} may have a program run at every transfer (TransferHook).`,
    ],
    'the power to freeze': [() => [], (authority) => `${authority} may freeze the tokens of every holder.`],
  }

  test.each(Object.entries(powers))(
    '%s',
    async (_, [extend, note]) => {
      const mint = await extended(extend)
      const payer = await holder(mint)
      const to = await newAddress()
      const notes = expect.arrayContaining([note(mint.authority.address)])
      const { status, body } = await payer.send(transfer(mint, to, { humanAmount: '0.5' }))
      expect([status, spendOf(body.effects, mint)]).toMatchObject([201, { asset: { notes } }])
      expect(await payer.ended(body.id)).toMatchObject({ status: 'CONFIRMED' })
      expect(await heldBy(to, mint)).toBe(500_000n)
      expect((await assetsOf(payer)).find(({ address }) => address === mint.address)).toMatchObject({ notes })
    },
    30_000,
  )

  test('of a token that nobody allowed, the token is what is missing', async () => {
    const mint = await extended(powers.PermanentDelegate![0])
    const payer = await solanaPayer(chain)
    await mint.mintTo(payer.address as Address, 5n)
    const { status, body } = await payer.send(transfer(mint, await newAddress(), { amount: '5' }))
    expect([status, body.code]).toEqual([403, 'TOKEN_NOT_ALLOWED'])
  })

  test('an owner who is asked sees it', async () => {
    const mint = await extended(powers.PermanentDelegate![0])
    const limit = { instant_max: '1', delay_max: '1' }
    const token_limits = { [`solana-local/${mint.address}`]: limit }
    const asks = { SPENDING_LIMIT: { instant_max: `${10n ** 30n}`, token_limits } }
    const payer = await holder(mint, asks, { ownerAddress: await newAddress() })
    const { status, body } = await payer.send(transfer(mint, await newAddress(), { humanAmount: '0.5' }))
    expect([status, body.status, body.tier]).toEqual([202, 'QUEUED', 'APPROVAL'])
    expect(JSON.stringify(body.effects)).toContain('PermanentDelegate')
  })

  test('accounts that begin frozen, and a fee on every transfer', async () => {
    const frozen = await extended((_, mint) => [
      {
        extension: { __kind: 'DefaultAccountState', state: AccountState.Frozen },
        setUp: getInitializeDefaultAccountStateInstruction({ mint, state: AccountState.Frozen }),
      },
    ])
    const taxed = await createTransferFeeMint({ ...chain.mintOptions, feeBasisPoints: 150, maximumFee: 1_000n })
    const payer = await solanaPayer(chain, allowTokens(frozen.address, taxed.address))
    const told = JSON.stringify(await assetsOf(payer))
    expect(told).toContain('New accounts begin frozen')
    expect(told).toContain('1.5 % of every transfer is withheld, at most 0.001')
  })
})

describe('the account that a recipient gets with the first tokens belongs to them', () => {
  let mint: SolanaMint
  beforeAll(async () => {
    mint = await createSplMint(chain.mintOptions)
  })

  test('a recipient on the list is paid without one, and its deposit is shown and counted', async () => {
    const to = await newAddress()
    const payer = await holder(mint, { WHITELIST: { allowed_addresses: [to] } })
    const [account] = await findAssociatedTokenPda({ mint: mint.address, owner: to, tokenProgram: mint.program })
    const { status, body } = await payer.send(transfer(mint, to, { amount: '5' }))
    expect([status, body.effects[0]]).toMatchObject([
      201,
      { kind: 'spend', asset: { symbol: 'SOL' }, amount: String(RENT), to, depositFor: account },
    ])
    expect(await payer.ended(body.id)).toMatchObject({ status: 'CONFIRMED' })
    expect(await heldBy(to, mint)).toBe(5n)
  })

  test('one who is not on the list is paid nothing, and gets no account either', async () => {
    const payer = await holder(mint, { WHITELIST: { allowed_addresses: [await newAddress()] } })
    const { status, body } = await payer.send(transfer(mint, await newAddress(), { amount: '5' }))
    expect([status, body.code]).toEqual([403, 'WHITELIST_DENIED'])
  })

  test('the deposit counts in the limit for coins', async () => {
    const limits = allowTokens(mint.address).SPENDING_LIMIT as object
    const coins = { windows: [{ seconds: 3600, asset: 'native:solana', max: String(RENT - 1n) }] }
    const payer = await holder(mint, { SPENDING_LIMIT: { ...limits, ...coins } })
    const { status, body } = await payer.send(transfer(mint, await newAddress(), { amount: '5' }))
    expect([status, body.code]).toEqual([403, 'SPENDING_LIMIT_EXCEEDED'])
  })
})
