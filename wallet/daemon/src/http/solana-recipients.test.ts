import { base58 } from '@scure/base'
import { type Address, getProgramDerivedAddress } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import { generateKeyPairSigner, type KeyPairSigner } from '@solana/kit'
import { createSplMint, createToken2022Mint, type SolanaMint } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  allowTokens,
  SOL,
  type SolanaChain,
  type SolanaPayer,
  solanaPayer,
  startSolanaChain,
} from './testing/solana-chain.ts'

const SYSTEM = '11111111111111111111111111111111' as Address
const MEMO = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr'
const COMPUTE_BUDGET = 'ComputeBudget111111111111111111111111111111'
const SQUADS = 'SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf' as Address
const WRAPPED = 'So11111111111111111111111111111111111111112'

let chain: SolanaChain
let payer: SolanaPayer
let mint: SolanaMint
let mint2022: SolanaMint

beforeAll(async () => {
  chain = await startSolanaChain()
  mint = await createSplMint(chain.mintOptions)
  mint2022 = await createToken2022Mint(chain.mintOptions, () => ({ extensions: [], setUp: () => [] }))
  payer = await solanaPayer(chain, {
    ...allowTokens(mint.address),
    CONTRACT_WHITELIST: { contracts: [{ address: MEMO }] },
  })
  await mint.mintTo(payer.address as Address, 1_000n)
})
afterAll(() => chain?.close())

const newAddress = async () => (await generateKeyPairSigner()).address
const balanceOf = async (address: string): Promise<bigint> => {
  const body = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'getBalance',
    params: [address, { commitment: 'confirmed' }],
  })
  const answer = await fetch(chain.node.rpcUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  return BigInt(((await answer.json()) as { result: { value: number } }).result.value)
}

/** An account with data that belongs to a program. */
async function accountOf(owner: string, space: number, account?: KeyPairSigner): Promise<string> {
  const signer = account ?? (await generateKeyPairSigner())
  await mint.send([createAccount(signer, owner, space)])
  return signer.address
}

function createAccount(account: KeyPairSigner, owner: string, space: number): Instruction {
  const data = Buffer.alloc(52)
  data.writeBigUInt64LE(SOL / 10n, 4)
  data.writeBigUInt64LE(BigInt(space), 12)
  data.set(base58.decode(owner), 20)
  const [from, to] = [mint.authority, account].map((signer) => ({
    ...{ address: signer.address, role: AccountRole.WRITABLE_SIGNER, signer },
  }))
  return { programAddress: SYSTEM, accounts: [from!, to!], data }
}

async function nonceAccount(): Promise<string> {
  const nonce = await generateKeyPairSigner()
  const readonly = (address: string) => ({ address: address as Address, role: AccountRole.READONLY })
  const accounts = [
    { address: nonce.address, role: AccountRole.WRITABLE },
    readonly('SysvarRecentB1ockHashes11111111111111111111'),
    readonly('SysvarRent111111111111111111111111111111111'),
  ]
  const data = Buffer.concat([Buffer.of(6, 0, 0, 0), base58.decode(mint.authority.address)])
  await mint.send([createAccount(nonce, SYSTEM, 80), { programAddress: SYSTEM, accounts, data }])
  return nonce.address
}

describe('SOL is not sent to what is no wallet', () => {
  test.each<[string, () => string | Promise<string>]>([
    ['the mint of a token', () => mint.address],
    ['the mint of a token', () => mint2022.address],
    ['a token account', async () => await mint.mintTo(await newAddress(), 5n)],
    ['a token account', async () => await mint2022.mintTo(await newAddress(), 5n)],
    ['a program', () => 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'],
    ['a program', () => MEMO],
    ['a program', () => SYSTEM],
    ['a program', () => COMPUTE_BUDGET],
    ['a program', () => 'Stake11111111111111111111111111111111111111'],
    ['the data of a program', () => accountOf('BPFLoaderUpgradeab1e11111111111111111111111', 45)],
    ['a sysvar', () => 'SysvarC1ock11111111111111111111111111111111'],
    ['a sysvar', () => 'Sysvar1nstructions1111111111111111111111111'],
    ['the incinerator', () => '1nc1nerator11111111111111111111111111111111'],
    ['a Stake account', () => accountOf('Stake11111111111111111111111111111111111111', 200)],
    ['a Vote account', () => accountOf('Vote111111111111111111111111111111111111111', 3_762)],
    ['a Config account', () => accountOf('Config1111111111111111111111111111111111111', 64)],
    ['a nonce account', nonceAccount],
    ['an account of the program', () => accountOf(SQUADS, 8)],
  ])('%s', async (what, make) => {
    const to = await make()
    const before = await balanceOf(to)
    for (const ask of [payer.send, payer.simulate]) {
      const { status, body } = await ask({ to, humanAmount: '0.1', memo: 'invoice 7' })
      expect([status, body.code, body.message]).toEqual([
        400,
        'INVALID_ADDRESS',
        expect.stringContaining(`${to} is ${what}`),
      ])
    }
    expect(await balanceOf(to)).toBe(before)
  })

  test('nor in a batch, nor by an instruction to the System program', async () => {
    const data = Buffer.alloc(12)
    data.writeUInt32LE(2, 0)
    data.writeBigUInt64LE(SOL, 4)
    const call = {
      programId: SYSTEM,
      instructionData: data.toString('base64'),
      accounts: [
        { pubkey: payer.address, isSigner: true, isWritable: true },
        { pubkey: mint.address, isSigner: false, isWritable: true },
      ],
    }
    const refused = [400, 'INVALID_ADDRESS']
    const alone = await payer.send({ type: 'CONTRACT_CALL', ...call })
    expect([alone.status, alone.body.code]).toEqual(refused)
    const first = { to: await newAddress(), amount: String(SOL) }
    const batch = await payer.send({ type: 'BATCH', instructions: [first, { to: mint.address, amount: '5' }] })
    expect([batch.status, batch.body.code]).toEqual(refused)
  })
})

test('SOL for a token account of wrapped SOL passes only where the account counts it', async () => {
  const account = await wrappedAccount(payer.address)
  const pay = { to: account, amount: String(SOL) }
  const { status, body } = await payer.send(pay)
  expect([status, body.code]).toEqual([400, 'INVALID_ADDRESS'])
  const sync = {
    programId: 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA',
    instructionData: Buffer.of(17).toString('base64'),
    accounts: [{ pubkey: account, isSigner: false, isWritable: true }],
  }
  const simulated = await payer.simulate({ type: 'BATCH', instructions: [pay, sync] })
  expect(simulated.body).toMatchObject({
    tier: 'INSTANT',
    effects: [{ kind: 'spend', amount: String(SOL), to: account }],
  })
})

/** The associated account of the wrapped SOL that somebody else opened for the wallet. */
async function wrappedAccount(owner: string): Promise<string> {
  const token = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'
  const program = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL' as Address
  const seeds = [owner, token, WRAPPED].map((key) => base58.decode(key))
  const [account] = await getProgramDerivedAddress({ programAddress: program, seeds })
  const from = { address: mint.authority.address, role: AccountRole.WRITABLE_SIGNER, signer: mint.authority }
  const others = [owner, WRAPPED, SYSTEM, token].map((each) => ({
    address: each as Address,
    role: AccountRole.READONLY,
  }))
  const accounts = [from, { address: account, role: AccountRole.WRITABLE }, ...others]
  await mint.send([{ programAddress: program, accounts, data: Uint8Array.of(1) }])
  return account
}

test('the vault of a multisig, which has no key, is paid in SOL and, once it is used, in tokens', async () => {
  const seeds = ['multisig', base58.decode(await newAddress()), 'vault', Uint8Array.of(0)]
  const [vault] = await getProgramDerivedAddress({ programAddress: SQUADS, seeds })
  const tokens = { type: 'TOKEN_TRANSFER', to: vault, token: { address: mint.address }, amount: '7' }
  const early = await payer.send(tokens)
  expect([early.status, early.body.code]).toEqual([400, 'INVALID_ADDRESS'])
  for (const request of [{ to: vault, humanAmount: '0.1' }, { to: vault, humanAmount: '0.2' }, tokens]) {
    const { body } = await payer.send(request)
    expect(await payer.ended(body.id)).toMatchObject({ status: 'CONFIRMED' })
  }
  expect(await balanceOf(vault)).toBe((3n * SOL) / 10n)
})

describe('what cannot be built is refused by name', () => {
  const call = (programId: string, pubkey: string, isWritable: boolean, more: object = {}) => ({
    type: 'CONTRACT_CALL',
    programId,
    instructionData: Buffer.from('hi').toString('base64'),
    accounts: [{ pubkey, isSigner: false, isWritable, ...more }],
  })
  const many = async (count: number) =>
    await Promise.all(
      Array.from({ length: count }, async () => ({ pubkey: await newAddress(), isSigner: false, isWritable: true })),
    )

  test.each<[string, () => object | Promise<object>, string, string]>([
    ['a called program that is writable', () => call(MEMO, MEMO, true), 'VALIDATION_FAILED', MEMO],
    ['the wallet as the program', () => call(payer.address, MEMO, false), 'VALIDATION_FAILED', 'wallet itself'],
    ['another signer', () => call(MEMO, SYSTEM, false, { isSigner: true }), 'WALLET_NOT_SIGNER', SYSTEM],
    [
      'a unit price',
      () => ({
        ...call(COMPUTE_BUDGET, MEMO, false),
        instructionData: Buffer.of(3, 1, 0, 0, 0, 0, 0, 0, 0).toString('base64'),
      }),
      'VALIDATION_FAILED',
      'compute units',
    ],
    [
      '64 accounts',
      async () => ({ ...call(MEMO, MEMO, false), accounts: await many(64) }),
      'VALIDATION_FAILED',
      '1232',
    ],
    [
      '40 accounts',
      async () => ({ ...call(MEMO, MEMO, false), accounts: await many(40) }),
      'VALIDATION_FAILED',
      '1232',
    ],
    [
      'data that is too long',
      () => ({ ...call(MEMO, MEMO, false), instructionData: Buffer.alloc(1_200).toString('base64') }),
      'VALIDATION_FAILED',
      '1232',
    ],
    [
      'a batch of 20 calls with accounts of their own',
      async () => {
        const { type: _, ...one } = call(MEMO, MEMO, false)
        const accounts = await Promise.all(Array.from({ length: 20 }, () => many(20)))
        return { type: 'BATCH', instructions: accounts.map((each) => ({ ...one, accounts: each })) }
      },
      'BATCH_SIZE_EXCEEDED',
      '1232',
    ],
  ])('%s', async (_, make, code, message) => {
    const request = await make()
    for (const ask of [payer.send, payer.simulate]) {
      const { status, body } = await ask(request)
      expect([status, body.code, body.message]).toEqual([400, code, expect.stringContaining(message)])
    }
  })
})
