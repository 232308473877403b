import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import type { Effect } from '@waiaas/core'
import { networkOf } from '@waiaas/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeSolana } from './decode.ts'
import type { SolanaFacts } from './facts.ts'
import { buildMessage, type Lifetime, memoInstruction } from './message.ts'
import { observe } from './observe.ts'
import { ATA_PROGRAM, SYSTEM_PROGRAM, TOKEN_2022_PROGRAM, TOKEN_PROGRAM } from './programs.ts'
import { approveTokensInstruction, createAccountInstruction, transferTokensInstruction } from './token-instructions.ts'
import type { Mint } from './token-state.ts'

const network = networkOf('solana-local')
const lifetime = { blockhash: base58.encode(new Uint8Array(32).fill(9)), lastValidBlockHeight: 1n } as Lifetime
const addressOf = (fill: number) => base58.encode(new Uint8Array(32).fill(fill)) as Address
const [wallet, other, mintAddress, source, target, stranger] = [1, 2, 3, 4, 5, 6].map(addressOf) as [
  Address,
  Address,
  Address,
  Address,
  Address,
  Address,
]
const mint: Mint = {
  address: mintAddress,
  symbol: 'T',
  decimals: 6,
  program: TOKEN_PROGRAM,
  frozenAtFirst: false,
  nonTransferable: false,
  paused: false,
  fee: undefined,
  unknown: [],
  humanFault: undefined,
  hook: undefined,
}
const facts: SolanaFacts = {
  network,
  wallet,
  tokenAccounts: new Map([
    [source, { mint: mintAddress, owner: wallet, delegate: other }],
    [target, { mint: mintAddress, owner: other }],
  ]),
  mints: new Map([[mintAddress, mint]]),
  created: new Map([[target, 2_039_280n]]),
  tables: new Map(),
}
const asset = { network: network.name, address: mintAddress, symbol: 'T', decimals: 6 }
const coin = { network: network.name, ...network.native }
const budget = { units: 1, unitPrice: 1n }
const place = { mint, owner: wallet, account: source }

const read = (instructions: Instruction[], known: Partial<SolanaFacts> = {}) =>
  decodeSolana(buildMessage(wallet, instructions, budget, lifetime), { ...facts, ...known })

const anyAddress = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => base58.encode(bytes) as Address)
const anyAmount = fc.bigInt({ min: 1n, max: (1n << 64n) - 1n })

test('what was built reads as what was asked for', () => {
  const property = fc.property(
    fc.uniqueArray(anyAddress, { minLength: 5, maxLength: 5 }),
    anyAmount,
    fc.option(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
    fc.nat(9),
    fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM),
    fc.constantFrom('transfer', 'transfer to a new account', 'approve'),
    ([from, to, token, own, theirs], amount, fee, decimals, program, kind) => {
      const tokens = { ...mint, address: token!, decimals, program }
      const known = {
        ...facts,
        wallet: from!,
        tokenAccounts: new Map([
          [own!, { mint: token!, owner: from! }],
          [theirs!, { mint: token!, owner: to! }],
        ]),
        mints: new Map([[token!, tokens]]),
        created: new Map([[theirs!, 7n]]),
      }
      const held = { mint: tokens, owner: from!, account: own! }
      const transfer = transferTokensInstruction(held, theirs!, amount, fee ?? undefined)
      const create = createAccountInstruction(from!, { mint: tokens, owner: to!, account: theirs! })
      const units = { network: network.name, address: token!, symbol: 'T', decimals }
      const spend: Effect = { kind: 'spend', asset: units, amount, to: to! }
      const cases: Record<typeof kind, [Instruction[], Effect[]]> = {
        transfer: [[memoInstruction('m'), transfer], [spend]],
        'transfer to a new account': [
          [create, transfer],
          [{ kind: 'spend', asset: coin, amount: 7n, to: to!, depositFor: theirs! }, spend],
        ],
        approve: [
          [approveTokensInstruction(held, to!, amount)],
          [{ kind: 'grant', asset: units, amount, spender: to! }],
        ],
      }
      const [instructions, effects] = cases[kind]
      expect(decodeSolana(buildMessage(from!, instructions, budget, lifetime), known)).toEqual(effects)
    },
  )
  fc.assert(property, { numRuns: 300 })
})

const u64 = (value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return bytes
}
const instruction = (program: string, data: Uint8Array, accounts: readonly string[]): Instruction => ({
  programAddress: program as Address,
  accounts: accounts.map((address) => ({
    address: address as Address,
    role: address === wallet ? AccountRole.WRITABLE_SIGNER : AccountRole.WRITABLE,
  })),
  data,
})
const token = (data: number[] | Uint8Array, accounts: readonly string[]) =>
  instruction(TOKEN_PROGRAM, Uint8Array.from(data), accounts)
const five = u64(5n)
const opaque = (why: string) => [{ kind: 'opaque', why: expect.stringContaining(why) }]
const spend = { kind: 'spend', asset, amount: 5n, to: other }

test.each<[string, Instruction, unknown[]]>([
  ['an unchecked transfer', token([3, ...five], [source, target, wallet]), [spend]],
  ['a transfer by a delegate', token([3, ...five], [source, target, other]), [spend]],
  ['a burn', token([8, ...five], [source, mintAddress, wallet]), [{ ...spend, to: mintAddress }]],
  [
    'an unchecked approval',
    token([4, ...five], [source, other, wallet]),
    [{ kind: 'grant', asset, amount: 5n, spender: other }],
  ],
  ['a revocation', token([5], [source, wallet]), [{ kind: 'grant', asset, amount: 0n, spender: other }]],
  [
    'a transfer with its accounts in another order',
    token([12, ...five, 6], [source, target, mintAddress, wallet]),
    opaque('another mint'),
  ],
  [
    'a transfer of what others have',
    token([12, ...five, 6], [target, mintAddress, source, wallet]),
    opaque('another account'),
  ],
  [
    'a transfer of unknown accounts by another',
    token([3, ...five], [stranger, target, other]),
    opaque('accounts missing'),
  ],
  [
    'a transfer with a byte too many',
    token([12, ...five, 6, 0], [source, mintAddress, target, wallet]),
    opaque('cannot be read'),
  ],
  ['a transfer without accounts', token([12, ...five, 6], [source]), opaque('missing')],
  ['a transfer with nothing', token([12], [source, mintAddress, target, wallet]), opaque('cannot be read')],
  ['SetAuthority', token([6, 2, 1, ...new Uint8Array(32)], [source, wallet]), opaque('SetAuthority')],
  ['CloseAccount', token([9], [source, other, wallet]), opaque('closes')],
  ['a batch of the token program', token([255, 1, 2], [source, wallet]), opaque('Batch')],
  [
    'a hidden transfer',
    instruction(TOKEN_2022_PROGRAM, Uint8Array.of(27, 5), [source, wallet]),
    opaque('ConfidentialTransfer'),
  ],
  ['SyncNative', token([17], [source]), []],
  [
    'minting',
    token([7, ...five], [mintAddress, source, wallet]),
    [{ kind: 'call', target: TOKEN_PROGRAM, selector: '0x0705000000000000' }],
  ],
  ['nothing', token([], []), [{ kind: 'call', target: TOKEN_PROGRAM, selector: '0x' }]],
  [
    'an unknown program',
    instruction(stranger, Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9]), [wallet]),
    [{ kind: 'call', target: stranger, selector: '0x0102030405060708' }],
  ],
  [
    'the stake program',
    instruction('Stake11111111111111111111111111111111111111', Uint8Array.of(1), [wallet]),
    opaque('Stake'),
  ],
  [
    'a loader',
    instruction('BPFLoaderUpgradeab1e11111111111111111111111', Uint8Array.of(4), [wallet]),
    opaque('loader'),
  ],
  [
    'Assign',
    instruction(SYSTEM_PROGRAM, Buffer.concat([Buffer.of(1, 0, 0, 0), Buffer.alloc(32)]), [wallet]),
    opaque('Assign'),
  ],
  [
    'a durable nonce',
    instruction(SYSTEM_PROGRAM, Uint8Array.of(4, 0, 0, 0), [other, stranger, wallet]),
    opaque('durable nonce'),
  ],
  [
    'AuthorizeNonce',
    instruction(SYSTEM_PROGRAM, Buffer.alloc(36, 7).fill(Buffer.of(7, 0, 0, 0), 0, 4), [other, wallet]),
    opaque('AuthorizeNonce'),
  ],
  [
    'RecoverNested',
    instruction(ATA_PROGRAM, Uint8Array.of(2), [source, mintAddress, target, wallet, wallet, wallet]),
    opaque('Associated Token'),
  ],
])('%s is what it does', (_, built, effects) => {
  expect(read([built])).toEqual(effects)
})

test('a new account is paid for once, and its price must be known', () => {
  const create = createAccountInstruction(wallet, { mint, owner: other, account: target })
  const rent = { kind: 'spend', asset: coin, amount: 2_039_280n, to: other, depositFor: target }
  expect(read([create, create])).toEqual([rent])
  expect(read([create], { created: new Map([[target, 0n]]) })).toEqual([])
  expect(read([create], { created: new Map() })).toEqual(opaque('not known'))
  const own = createAccountInstruction(wallet, { mint, owner: wallet, account: target })
  expect(read([own])).toEqual([{ kind: 'spend', asset: coin, amount: 2_039_280n, to: target }])
})

test('a token with an extension that nobody knows is opaque, and says which', () => {
  const transfer = transferTokensInstruction(place, target, 5n, undefined)
  const risky = { ...mint, unknown: ['it has an extension that is not known here (number 999)'] }
  expect(read([transfer, transfer], { mints: new Map([[mintAddress, risky]]) })).toEqual([
    spend,
    spend,
    ...opaque('999'),
  ])
  expect(read([transfer], { mints: new Map() })).toMatchObject([{ kind: 'spend', amount: 5n }, ...opaque('no mint')])
})

test('bytes of strangers in token instructions never make it fail', () => {
  const accounts = fc.array(fc.constantFrom(wallet, source, target, mintAddress, other, stranger), { maxLength: 7 })
  const programs = fc.constantFrom(TOKEN_PROGRAM, TOKEN_2022_PROGRAM, ATA_PROGRAM, SYSTEM_PROGRAM)
  const property = fc.property(programs, fc.uint8Array({ maxLength: 40 }), accounts, (program, data, named) => {
    for (const effect of read([instruction(program, data, named)])) {
      if (effect.kind === 'spend') expect(effect.amount).toBeGreaterThanOrEqual(0n)
    }
  })
  fc.assert(property, { numRuns: 1_000 })
})

const held = (fields: object = {}) => {
  const bytes = Buffer.alloc(165)
  const {
    owner = wallet,
    amount = 100n,
    delegate,
    delegated = 0n,
    closer,
  } = fields as {
    owner?: string
    amount?: bigint
    delegate?: string
    delegated?: bigint
    closer?: string
  }
  bytes.set(base58.decode(mintAddress), 0)
  bytes.set(base58.decode(owner), 32)
  bytes.writeBigUInt64LE(amount, 64)
  if (delegate) bytes.set([1, 0, 0, 0, ...base58.decode(delegate)], 72)
  bytes[108] = 1
  bytes.writeBigUInt64LE(delegated, 121)
  if (closer) bytes.set([1, 0, 0, 0, ...base58.decode(closer)], 129)
  return { lamports: 1n, owner: TOKEN_PROGRAM, executable: false, data: bytes }
}
const coins = (lamports: bigint, owner: string = SYSTEM_PROGRAM) => ({
  lamports,
  owner,
  executable: false,
  data: new Uint8Array(),
})

/** What a call of an unknown program is found to do when it leaves these accounts behind. */
function found(after: { account?: object; wallet?: ReturnType<typeof coins>; gone?: true }) {
  const call: Effect = { kind: 'call', target: stranger, selector: '0x01' }
  const trial = {
    before: new Map([
      [wallet as string, coins(1_000n)],
      [source as string, held()],
    ]),
    after: new Map([
      [wallet as string, after.wallet ?? coins(995n)],
      [source as string, after.gone ? null : held(after.account)],
    ]),
    err: null,
    unitsConsumed: 1n,
  }
  return observe([call], trial, facts, 5n).effects.slice(1)
}

test('what a program does on its own is found by the trial', () => {
  expect(found({})).toEqual([])
  expect(found({ account: { amount: 60n } })).toEqual([{ kind: 'spend', asset, amount: 40n, to: stranger }])
  expect(found({ gone: true })).toEqual([{ kind: 'spend', asset, amount: 100n, to: stranger }])
  expect(found({ wallet: coins(900n) })).toEqual([{ kind: 'spend', asset: coin, amount: 95n, to: stranger }])
  expect(found({ account: { delegate: other, delegated: 9n } })).toEqual([
    { kind: 'grant', asset, amount: 9n, spender: other },
  ])
  expect(found({ account: { closer: other } })).toEqual(opaque('may close'))
  expect(found({ account: { owner: other } })).toEqual([
    { kind: 'spend', asset, amount: 100n, to: stranger },
    ...opaque(`goes to ${other}`),
  ])
  expect(found({ wallet: coins(995n, stranger) })).toEqual(opaque('the wallet itself'))
})

test('where a node does not tell what a call moved, it is opaque', () => {
  const call: Effect = { kind: 'call', target: stranger, selector: '0x01' }
  const trial = { before: new Map(), after: undefined, err: null, unitsConsumed: undefined }
  expect(observe([call], trial, facts, 0n)).toEqual({ effects: [call, ...opaque('does not tell')] })
})
