import type { Address } from '@solana/addresses'
import { generateKeyPairSigner, type Instruction, type KeyPairSigner } from '@solana/kit'
import {
  AccountState,
  type ExtensionArgs,
  ExtensionType,
  findAssociatedTokenPda,
  getEnableMemoTransfersInstruction,
  getFreezeAccountInstruction,
  getInitializeDefaultAccountStateInstruction,
  getInitializeNonTransferableMintInstruction,
  getInitializePausableConfigInstruction,
  getInitializePermanentDelegateInstruction,
  getInitializeTransferHookInstruction,
  getPauseInstruction,
  getReallocateInstruction,
} from '@solana-program/token-2022'
import type { TransactionRequest } from '@waiaas/core'
import {
  createSplMint,
  createToken2022Mint,
  createTransferFeeMint,
  type SolanaMint,
  startSolanaNode,
} from '@waiaas/devnet'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestKey } from '../chain-adapter.conformance.ts'
import { testAdapters } from '../test-adapters.fixture.ts'
import { newSolanaKey } from '../test-keys.fixture.ts'
import { MEMO_PROGRAM, SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.ts'

const node = await startSolanaNode({ slotMs: 50 })
const adapter = testAdapters([{ network: 'solana-local', rpcUrls: [node.rpcUrl] }])[0]!
const { account } = newSolanaKey()
const wallet = account.address as Address
const chain = { rpcUrl: node.rpcUrl, wsUrl: node.wsUrl, control: node.control, decimals: 6 }
const RENT = 2_039_280n
const MAX = (1n << 64n) - 1n
const sol = { network: 'solana-local', symbol: 'SOL', decimals: 9 }
let spl: SolanaMint
let withFee: SolanaMint

beforeAll(async () => {
  await node.control.fund(wallet, 10n ** 9n)
  spl = await createSplMint(chain)
  withFee = await createTransferFeeMint({ ...chain, feeBasisPoints: 150, maximumFee: 1_000n })
  await spl.mintTo(wallet, 1_000_000n)
  await withFee.mintTo(wallet, 1_000_000n)
})
afterAll(async () => {
  await adapter.close()
  await node.stop()
})

const asset = ({ address }: SolanaMint) =>
  expect.objectContaining({
    network: 'solana-local',
    address,
    symbol: expect.stringContaining(address.slice(0, 6)),
    decimals: 6,
  })
const stranger = () => newSolanaKey().account.address as Address

async function draft(request: TransactionRequest, from: TestKey['account'] = account) {
  const result = await adapter.draft(request, from)
  return result.ok ? result.draft : result
}
const send = (mint: SolanaMint, to: string, fields: object = {}) =>
  draft({ type: 'TOKEN_TRANSFER', to, token: { address: mint.address }, amount: '5', ...fields })
const approve = (spender: string, amount: string) =>
  draft({ type: 'APPROVE', spender, token: { address: spl.address }, amount })

test('a token transfer is a spend, and the account that it makes for the recipient one more', async () => {
  const to = stranger()
  const [ata] = await findAssociatedTokenPda({ mint: spl.address, owner: to, tokenProgram: spl.program })
  expect(await send(spl, to)).toMatchObject({
    effects: [
      { kind: 'spend', asset: sol, amount: RENT, to, depositFor: ata },
      { kind: 'spend', asset: asset(spl), amount: 5n, to },
    ],
    amount: 5n,
    to,
    changes: expect.arrayContaining([
      { account: wallet, asset: asset(spl), before: 1_000_000n, after: 999_995n },
      { account: to, asset: asset(spl), before: 0n, after: 5n },
    ]),
  })
  await spl.mintTo(to, 1n)
  expect(await send(spl, to, { amount: undefined, humanAmount: '0.5' })).toMatchObject({
    effects: [{ kind: 'spend', asset: asset(spl), amount: 500_000n, to }],
  })
})

test('a mint’s fee is written into the transfer: rounded up, and never above its maximum', async () => {
  const to = stranger()
  await withFee.mintTo(to, 1n)
  const received = async (amount: bigint) => {
    const result = await send(withFee, to, { amount: String(amount) })
    if (!('effects' in result)) throw new Error(result.message)
    expect(result.effects).toEqual([{ kind: 'spend', asset: asset(withFee), amount, to }])
    const change = result.changes?.find(({ account: owner }) => owner === to)
    return change === undefined ? 0n : change.after - change.before
  }
  expect(await received(1n)).toBe(0n)
  expect(await received(100n)).toBe(98n)
  expect(await received(200n)).toBe(197n)
  expect(await received(1_000_000n)).toBe(999_000n)
})

test.each([
  [{ amount: '1000001' }, 'INSUFFICIENT_TOKEN_BALANCE', 'The wallet has 1 '],
  [{ amount: String(2n ** 63n) }, 'INSUFFICIENT_TOKEN_BALANCE', 'the payment needs'],
  [{ amount: String(2n ** 256n - 1n) }, 'VALIDATION_FAILED', 'above'],
  [{ amount: '0' }, 'VALIDATION_FAILED', 'zero'],
  [{ amount: undefined, humanAmount: '0.0000001' }, 'VALIDATION_FAILED', '6 decimals'],
  [{ to: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266' }, 'INVALID_ADDRESS', 'another chain'],
  [{ token: { address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266' } }, 'INVALID_ADDRESS', 'another chain'],
  [{ token: { address: SYSTEM_PROGRAM } }, 'TOKEN_NOT_FOUND', 'no mint'],
  [{ to: TOKEN_PROGRAM }, 'INVALID_ADDRESS', 'program'],
])('%j is refused', async (fields, code, message) => {
  expect(await send(spl, stranger(), fields)).toMatchObject({
    ok: false,
    code,
    message: expect.stringContaining(message),
  })
})

test('tokens go to wallets, not to token accounts, mints or addresses without a key', async () => {
  const [ata] = await findAssociatedTokenPda({ mint: spl.address, owner: wallet, tokenProgram: spl.program })
  const [nobody] = await findAssociatedTokenPda({ mint: spl.address, owner: stranger(), tokenProgram: spl.program })
  for (const to of [ata, spl.address, nobody]) expect(await send(spl, to)).toMatchObject({ code: 'INVALID_ADDRESS' })
  expect(await send(spl, stranger(), { token: { address: spl.address, decimals: 9 } })).toMatchObject({
    code: 'VALIDATION_FAILED',
  })
})

test('one who never had the token cannot send it', async () => {
  const poor = newSolanaKey()
  await node.control.fund(poor.account.address, 10n ** 9n)
  const request = { type: 'TOKEN_TRANSFER', to: wallet, token: { address: spl.address }, amount: '1' } as const
  expect(await draft(request, poor.account)).toMatchObject({ code: 'INSUFFICIENT_TOKEN_BALANCE' })
})

type Extend = (authority: Address, mint: Address) => { extension: ExtensionArgs; setUp: Instruction }

/** A Token-2022 mint with one extension, of which the wallet has some. */
async function extended(extend: Extend): Promise<SolanaMint> {
  const mint = await createToken2022Mint(chain, (authority) => {
    return {
      extensions: [extend(authority, SYSTEM_PROGRAM).extension],
      setUp: (address) => [extend(authority, address).setUp],
    }
  })
  await mint.mintTo(wallet, 1_000n)
  return mint
}

test('what a mint forbids is refused in words', async () => {
  const refusal = { ok: false, code: 'SIMULATION_FAILED' }
  const bound = await extended((_, mint) => ({
    extension: { __kind: 'NonTransferable' },
    setUp: getInitializeNonTransferableMintInstruction({ mint }),
  }))
  expect(await send(bound, stranger())).toMatchObject({
    ...refusal,
    message: expect.stringContaining('NonTransferable'),
  })

  const hooked = await extended((authority, mint) => ({
    extension: { __kind: 'TransferHook', authority, programId: TOKEN_PROGRAM },
    setUp: getInitializeTransferHookInstruction({ mint, authority, programId: TOKEN_PROGRAM }),
  }))
  expect(await send(hooked, stranger())).toMatchObject({ ...refusal, message: expect.stringContaining(TOKEN_PROGRAM) })

  const pausable = await extended((authority, mint) => ({
    extension: { __kind: 'PausableConfig', authority, paused: false },
    setUp: getInitializePausableConfigInstruction({ mint, authority }),
  }))
  expect(await send(pausable, stranger())).toHaveProperty('effects')
  await pausable.send([getPauseInstruction({ mint: pausable.address, authority: pausable.authority })])
  expect(await send(pausable, stranger())).toMatchObject({ ...refusal, message: expect.stringContaining('paused') })
})

test('what the delegate of a mint may do to every holder is said of the token', async () => {
  const watched = await extended((authority, mint) => ({
    extension: { __kind: 'PermanentDelegate', delegate: authority },
    setUp: getInitializePermanentDelegateInstruction({ mint, delegate: authority }),
  }))
  expect(await send(watched, stranger())).toMatchObject({
    effects: [
      { kind: 'spend', asset: sol },
      {
        kind: 'spend',
        asset: { notes: [expect.stringContaining('PermanentDelegate'), expect.stringContaining('freeze')] },
      },
    ],
  })
})

test('frozen accounts neither pay nor are paid', async () => {
  const frozen = await createToken2022Mint(chain, () => ({
    extensions: [{ __kind: 'DefaultAccountState', state: AccountState.Frozen }],
    setUp: (mint) => [getInitializeDefaultAccountStateInstruction({ mint, state: AccountState.Initialized })],
  }))
  const to = stranger()
  await frozen.mintTo(wallet, 1_000n)
  const target = await frozen.mintTo(to, 1n)
  const freeze = (place: Address) =>
    frozen.send([
      getFreezeAccountInstruction(
        { account: place, mint: frozen.address, owner: frozen.authority },
        { programAddress: frozen.program },
      ),
    ])
  await freeze(target)
  const refusal = { code: 'SIMULATION_FAILED', message: expect.stringContaining('frozen') }
  expect(await send(frozen, to)).toMatchObject(refusal)
  const [own] = await findAssociatedTokenPda({ mint: frozen.address, owner: wallet, tokenProgram: frozen.program })
  await freeze(own)
  expect(await send(frozen, stranger())).toMatchObject(refusal)
})

test('an account that wants a memo gets one', async () => {
  const owner: KeyPairSigner = await generateKeyPairSigner()
  const token = await withFee.mintTo(owner.address, 1n)
  await withFee.send([
    getReallocateInstruction({
      token,
      payer: withFee.authority,
      owner,
      newExtensionTypes: [ExtensionType.MemoTransfer],
    }),
    getEnableMemoTransfersInstruction({ token, owner }),
  ])
  expect(await send(withFee, owner.address)).toMatchObject({
    code: 'VALIDATION_FAILED',
    message: expect.stringContaining('memo'),
  })
  expect(await send(withFee, owner.address, { memo: 'invoice 7' })).toMatchObject({ effects: [{ kind: 'spend' }] })
})

test('an approval is a grant, and one is not turned into another', async () => {
  const spender = stranger()
  const granted = (amount: bigint) => ({ effects: [{ kind: 'grant', asset: asset(spl), amount, spender }] })
  expect(await approve(spender, '7')).toMatchObject(granted(7n))
  expect(await approve(spender, String(MAX))).toMatchObject(granted(MAX))
  expect(await approve(spender, String(MAX + 1n))).toMatchObject({ code: 'VALIDATION_FAILED' })
  expect(await approve(spender, '0')).toMatchObject(granted(0n))
})

const memo = (text: string) => Buffer.from(text).toString('base64')

test('a call tells the program and the first bytes of the instruction', async () => {
  const plain = { type: 'CONTRACT_CALL', programId: MEMO_PROGRAM, instructionData: memo('hi'), accounts: [] }
  const words = { kind: 'call', target: MEMO_PROGRAM, selector: '0x6869' }
  expect(await draft(plain as TransactionRequest)).toMatchObject({ effects: [words] })
  const [ata] = await findAssociatedTokenPda({ mint: spl.address, owner: wallet, tokenProgram: spl.program })
  const data = Buffer.alloc(10)
  data.writeUInt8(12)
  data.writeBigUInt64LE(5n, 1)
  data.writeUInt8(6, 9)
  const to = stranger()
  const target = await spl.mintTo(to, 1n)
  const accounts = [ata, spl.address, target, wallet].map((pubkey, index) => ({
    pubkey,
    isSigner: index === 3,
    isWritable: index === 0 || index === 2,
  }))
  const request = {
    type: 'CONTRACT_CALL',
    programId: TOKEN_PROGRAM,
    instructionData: data.toString('base64'),
    accounts,
  } as const
  expect(await draft({ ...request, accounts: [...accounts] })).toMatchObject({
    effects: [{ kind: 'spend', asset: asset(spl), amount: 5n, to }],
  })
  const shuffled = [accounts[2]!, accounts[1]!, accounts[0]!, accounts[3]!]
  expect(await draft({ ...request, accounts: shuffled })).toMatchObject({ ok: false, code: 'SIMULATION_FAILED' })
  const foreign = [...accounts.slice(0, 3), { pubkey: to, isSigner: true, isWritable: false }]
  expect(await draft({ ...request, accounts: foreign })).toMatchObject({ ok: false, code: 'WALLET_NOT_SIGNER' })
  const evm = { type: 'CONTRACT_CALL', to: wallet, calldata: '0x' } as const
  expect(await draft(evm)).toMatchObject({ code: 'VALIDATION_FAILED' })
})

test('a batch is all of its instructions in one transaction', async () => {
  const [first, second] = [stranger(), stranger()]
  const token = { address: spl.address }
  const instructions = [
    { to: first, amount: '1000000' },
    { to: second, token, amount: '5' },
    { to: second, token, amount: '6' },
    { spender: first, token, amount: '9' },
    { programId: MEMO_PROGRAM, instructionData: memo('hi'), accounts: [] },
  ]
  expect(await draft({ type: 'BATCH', instructions })).toMatchObject({
    effects: [
      { kind: 'spend', asset: sol, amount: 1_000_000n, to: first },
      { kind: 'spend', asset: sol, amount: RENT },
      { kind: 'spend', asset: asset(spl), amount: 5n, to: second },
      { kind: 'spend', asset: asset(spl), amount: 6n, to: second },
      { kind: 'grant', asset: asset(spl), amount: 9n, spender: first },
    ],
    amount: 1_000_000n,
  })
  const tooMuch = [
    { to: second, token, amount: '600000' },
    { to: second, token, amount: '600000' },
  ]
  expect(await draft({ type: 'BATCH', instructions: tooMuch })).toMatchObject({ ok: false })
  const one = [
    { to: first, amount: '1000000' },
    { to: first, token, amount: '0' },
  ]
  expect(await draft({ type: 'BATCH', instructions: one })).toMatchObject({
    message: expect.stringContaining('Instruction 2'),
  })
})

test('a batch that does not fit into a transaction is refused', async () => {
  const instructions = Array.from({ length: 20 }, () => ({ to: stranger(), amount: '1000000', memo: 'x'.repeat(60) }))
  expect(await draft({ type: 'BATCH', instructions })).toMatchObject({ code: 'BATCH_SIZE_EXCEEDED' })
})
