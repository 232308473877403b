import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { none, some } from '@solana/kit'
import {
  AccountState,
  type ExtensionArgs,
  getMintEncoder,
  getTokenEncoder,
  TOKEN_2022_PROGRAM_ADDRESS,
} from '@solana-program/token-2022'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SYSTEM_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { readMetadataAccount, readMint, readTokenAccount, transferFee } from './token-state.ts'

const key = (fill: number) => base58.encode(new Uint8Array(32).fill(fill)) as Address
const [mintAddress, authority, hook] = [key(1), key(2), key(3)] as [Address, Address, Address]
const state = (data: Uint8Array, owner: string = TOKEN_2022_PROGRAM_ADDRESS) => ({
  lamports: 1n,
  owner,
  executable: false,
  data,
})

function mintOf(extensions: ExtensionArgs[]) {
  const base = { mintAuthority: null, supply: 5n, decimals: 7, isInitialized: true, freezeAuthority: null }
  const data = getMintEncoder().encode({ ...base, extensions: extensions.length === 0 ? null : some(extensions) })
  return readMint(mintAddress, state(Uint8Array.from(data)))
}

test('a plain mint of either program', () => {
  const plain = {
    decimals: 7,
    fee: undefined,
    unknown: [],
    nonTransferable: false,
    paused: false,
    frozenAtFirst: false,
  }
  expect(mintOf([])).toMatchObject({ ...plain, symbol: `${mintAddress.slice(0, 6)}…${mintAddress.slice(-4)}` })
  const bytes = new Uint8Array(82)
  bytes[44] = 7
  bytes[45] = 1
  expect(readMint(mintAddress, state(bytes, TOKEN_PROGRAM), 'USDC')).toMatchObject({ ...plain, symbol: 'USDC' })
})

test.each<[string, ExtensionArgs, object]>([
  ['NonTransferable', { __kind: 'NonTransferable' }, { nonTransferable: true }],
  ['frozen at first', { __kind: 'DefaultAccountState', state: AccountState.Frozen }, { frozenAtFirst: true }],
  ['thawed at first', { __kind: 'DefaultAccountState', state: AccountState.Initialized }, { frozenAtFirst: false }],
  ['paused', { __kind: 'PausableConfig', authority, paused: true }, { paused: true }],
  [
    'not paused',
    { __kind: 'PausableConfig', authority, paused: false },
    { paused: false, notes: [expect.stringContaining(`${authority} may pause`)] },
  ],
  ['a hook', { __kind: 'TransferHook', authority, programId: hook }, { hook, notes: [expect.stringContaining(hook)] }],
  [
    'a hook of no program',
    { __kind: 'TransferHook', authority, programId: SYSTEM_PROGRAM },
    { hook: undefined, notes: [expect.stringContaining(authority)] },
  ],
  [
    'a permanent delegate',
    { __kind: 'PermanentDelegate', delegate: authority },
    { notes: [expect.stringContaining(`${authority} may take`)] },
  ],
  [
    'hidden amounts',
    {
      __kind: 'ConfidentialTransferMint',
      authority: none(),
      autoApproveNewAccounts: false,
      auditorElgamalPubkey: none(),
    },
    { notes: [expect.stringContaining('ConfidentialTransfer')] },
  ],
  ['who may close it', { __kind: 'MintCloseAuthority', closeAuthority: authority }, { unknown: [] }],
  [
    'a name',
    {
      __kind: 'TokenMetadata',
      updateAuthority: none(),
      mint: mintAddress,
      name: 'Dollar',
      symbol: 'U\u202eSD\n',
      uri: '',
      additionalMetadata: new Map(),
    },
    { symbol: 'USD' },
  ],
])('a mint with %s', (_, extension, expected) => {
  expect(mintOf([extension])).toMatchObject(expected)
})

test('an extension that nobody knows is named', () => {
  const bytes = Buffer.alloc(174)
  bytes[44] = 7
  bytes[45] = 1
  bytes[165] = 1
  bytes.writeUInt16LE(999, 166)
  bytes.writeUInt16LE(4, 168)
  expect(readMint(mintAddress, state(bytes))).toMatchObject({ unknown: [expect.stringContaining('999')] })
  bytes.writeUInt16LE(5, 168)
  expect(readMint(mintAddress, state(bytes))).toBeUndefined()
})

test('a token account, its delegate and its wish for a memo', () => {
  const base = {
    mint: mintAddress,
    owner: authority,
    amount: 9n,
    delegate: some(hook),
    state: AccountState.Frozen,
    isNative: null,
    delegatedAmount: 4n,
    closeAuthority: some(hook),
  }
  const memo = { __kind: 'MemoTransfer', requireIncomingTransferMemos: true } as const
  const data = getTokenEncoder().encode({ ...base, extensions: some([memo]) })
  expect(readTokenAccount(state(Uint8Array.from(data)))).toEqual({
    program: TOKEN_2022_PROGRAM_ADDRESS,
    mint: mintAddress,
    owner: authority,
    amount: 9n,
    frozen: true,
    delegate: hook,
    delegatedAmount: 4n,
    closeAuthority: hook,
    needsMemo: true,
  })
  expect(readMint(mintAddress, state(Uint8Array.from(data)))).toBeUndefined()
})

test('bytes of strangers never make a reader fail', () => {
  const anyBytes = fc.uint8Array({ maxLength: 400 })
  const property = fc.property(
    anyBytes,
    fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM_ADDRESS, SYSTEM_PROGRAM),
    (data, owner) => {
      readMint(mintAddress, state(data, owner))
      readTokenAccount(state(data, owner))
      readMetadataAccount(state(data, owner))
    },
  )
  fc.assert(property, { numRuns: 1_000 })
})

const u64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const schedule = fc.record({ epoch: u64, maximum: u64, basisPoints: fc.nat(10_000) })

test('a fee is the least whole number that is not below its share, and never above the maximum', () => {
  const property = fc.property(schedule, schedule, u64, u64, (older, newer, amount, epoch) => {
    const fee = transferFee({ fee: { older, newer } }, amount, epoch)
    const { maximum, basisPoints } = epoch >= newer.epoch ? newer : older
    const share = amount * BigInt(basisPoints)
    expect(fee <= maximum).toBe(true)
    if (fee < maximum) {
      expect(fee * 10_000n >= share).toBe(true)
      expect((fee - 1n) * 10_000n < share).toBe(true)
    } else expect(maximum * 10_000n < share + 10_000n).toBe(true)
  })
  fc.assert(property, { numRuns: 1_000 })
  expect(transferFee({ fee: undefined }, 100n, 1n)).toBe(0n)
})
