import type { Effect } from '@waiaas/core'
import { tokenAsset } from '../token.ts'
import { type DecodedInstruction, readTokenInstruction } from './decode-token.ts'
import type { SolanaFacts } from './facts.ts'
import {
  ATA_PROGRAM,
  COMPUTE_BUDGET_PROGRAM,
  guardedPrograms,
  MEMO_PROGRAM,
  MEMO_V1_PROGRAM,
  SYSTEM_PROGRAM,
  SYSTEM_TRANSFER,
  tokenPrograms,
} from './programs.ts'
import { type ReadInstruction, readMessage, selectorOf } from './read-message.ts'
import { ATA_CREATE_IDEMPOTENT } from './token-instructions.ts'

/** What a message (legacy, version 0 or 1) does when the wallet signs it. What it cannot read is `opaque`. */
export function decodeSolana(bytes: Uint8Array, facts: SolanaFacts): Effect[] {
  const read = readMessage(bytes, facts.tables)
  if (!read.ok) return [opaque(read.why)]
  const { signers, instructions } = read.message
  if (!signers.includes(facts.wallet)) return [opaque('not signed by this wallet')]
  const made = new Set<string>()
  const effects = instructions.flatMap((each) => effectsOf(each, facts, made))
  if (effects.length === 0) return memosAlone(instructions)
  return [...effects, ...unknownTokens(effects, facts)]
}

/** Words in the wallet's name and nothing else: a call of the memo program, which somebody has to allow. */
function memosAlone(instructions: readonly ReadInstruction[]): Effect[] {
  const memo = instructions.find(({ program }) => program === MEMO_PROGRAM || program === MEMO_V1_PROGRAM)
  return memo === undefined ? [] : [{ kind: 'call', target: memo.program, selector: selectorOf(memo.data) }]
}

function effectsOf(instruction: ReadInstruction, facts: SolanaFacts, made: Set<string>): Effect[] {
  const { program, data } = instruction
  if (tokenPrograms.includes(program)) return tokenEffects(readTokenInstruction(instruction, facts), facts)
  switch (program) {
    case SYSTEM_PROGRAM:
      return systemEffects(instruction, facts)
    case ATA_PROGRAM:
      return accountEffects(instruction, facts, made)
    case COMPUTE_BUDGET_PROGRAM:
    case MEMO_PROGRAM:
    case MEMO_V1_PROGRAM:
      return []
  }
  const guarded = guardedPrograms[program]
  if (guarded !== undefined) return [opaque(`instruction of the ${guarded} program`)]
  return [{ kind: 'call', target: program, selector: selectorOf(data) }]
}

function tokenEffects(decoded: DecodedInstruction[], { network, mints }: SolanaFacts): Effect[] {
  return decoded.map((each): Effect => {
    if (each.kind !== 'spend' && each.kind !== 'grant') return each
    const { mint, ...rest } = each
    return { ...rest, asset: tokenAsset(network, mint, mints.get(mint)) } as Effect
  })
}

/** Tokens whose transfers may do anything, and those that are not known at all. */
function unknownTokens(effects: readonly Effect[], { mints }: SolanaFacts): Effect[] {
  const addresses = effects.flatMap((effect) =>
    effect.kind === 'spend' || effect.kind === 'grant' ? (effect.asset.address ?? []) : [],
  )
  return [...new Set(addresses)].flatMap((address) => {
    const mint = mints.get(address)
    if (mint === undefined) return [opaque(`${address} is no mint that can be read`)]
    return mint.unknown.map((why) => opaque(`token ${mint.address}: ${why}`))
  })
}

const systemNames: Readonly<Record<number, string>> = {
  0: 'creates an account',
  1: 'hands an account to a program (Assign)',
  3: 'creates an account with a seed',
  4: 'uses a durable nonce: it can be sent at any later time',
  5: 'withdraws from a nonce account',
  6: 'makes a nonce account',
  7: 'gives away a nonce account (AuthorizeNonce)',
}

function systemEffects({ accounts, data }: ReadInstruction, { wallet, network }: SolanaFacts): Effect[] {
  const tag = data.length >= 4 ? data.readUInt32LE(0) : -1
  if (tag !== SYSTEM_TRANSFER || data.length !== 12 || accounts.length !== 2) {
    return [opaque(`instruction of the System program that ${systemNames[tag] ?? 'is not known here'}`)]
  }
  const [from, to] = accounts as [string, string]
  if (from !== wallet) return [opaque('payment out of another account')]
  const asset = { network: network.name, ...network.native }
  return [{ kind: 'spend', asset, amount: data.readBigUInt64LE(4), to }]
}

/**
 * A new token account costs its payer the deposit that keeps it alive. Whoever owns the account gets that back by
 * closing it (token program, `CloseAccount`), so the deposit goes to them; in an account of the wallet it stays there.
 */
function accountEffects({ accounts, data }: ReadInstruction, facts: SolanaFacts, made: Set<string>): Effect[] {
  const { wallet, network, created } = facts
  const [payer, account, owner] = accounts
  const tag = data.length === 0 ? 0 : data[0]!
  if (
    data.length > 1 ||
    tag > ATA_CREATE_IDEMPOTENT ||
    accounts.length < 6 ||
    account === undefined ||
    owner === undefined
  ) {
    return [opaque('instruction of the Associated Token program')]
  }
  if (payer !== wallet || made.has(account)) return []
  made.add(account)
  const amount = created.get(account)
  if (amount === undefined) return [opaque(`what the new token account ${account} costs is not known`)]
  const asset = { network: network.name, ...network.native }
  if (amount === 0n) return []
  return [
    owner === wallet
      ? { kind: 'spend', asset, amount, to: account }
      : { kind: 'spend', asset, amount, to: owner, depositFor: account },
  ]
}

function opaque(why: string): Effect {
  return { kind: 'opaque', why }
}
