import { type Effect, type Network, parseAddress } from '@waiaas/core'
import { type Kept, tokenAsset } from '../token.ts'
import { type Move, readCalldata, UNLIMITED } from './calldata.ts'
import { evmTraits } from './evm-traits.ts'
import { readTransaction } from './read-transaction.ts'

/** What must be known of the chain to read a transaction. */
export type EvmFacts = {
  network: Network
  wallet: string
  hasCode: (address: string) => boolean
  /** By address; a token that is missing does not answer as one. */
  tokens: ReadonlyMap<string, Kept>
}

/**
 * What a serialized transaction (type 0, 1 or 2) does when the wallet signs it. What it cannot read is `opaque`.
 *
 * A payment to an address with code is also a call: the code runs, with an empty selector.
 */
export function decodeEvm(raw: `0x${string}`, facts: EvmFacts): Effect[] {
  const { network, wallet } = facts
  const read = readTransaction(raw)
  if (!read.ok) return [opaque(read.message)]
  const { chainId, to, value, data } = read.transaction
  if (chainId !== network.chainId) return [opaque(`for chain ${chainId}`)]
  const coin = { network: network.name, ...network.native }
  if (to === null) return value === 0n ? [{ kind: 'deploy' }] : [{ kind: 'deploy' }, opaque('pays the new contract')]
  const recipient = parseAddress('evm', to)
  if (!recipient.ok) return [opaque(recipient.fault)]
  const target = recipient.address
  const spend: Effect = { kind: 'spend', asset: coin, amount: value, to: target }
  if (data === '0x') return facts.hasCode(target) ? [spend, { kind: 'call', target, selector: '0x' }] : [spend]
  const moves = readCalldata({ wallet, target, data, wrapped: evmTraits(network.name).wrapped })
  const effects = moves.map((move) => named(move, facts))
  return [...(value === 0n ? [] : [spend]), ...effects, ...unreadableTokens(moves, facts)]
}

/** Addresses of the tokens in effects. */
export function tokensIn(effects: readonly Effect[]): string[] {
  const addresses = effects.flatMap((effect) =>
    (effect.kind === 'spend' || effect.kind === 'grant') && effect.asset.address !== undefined
      ? [effect.asset.address]
      : [],
  )
  return [...new Set(addresses)]
}

function named(move: Move, { network, tokens }: EvmFacts): Effect {
  if (move.kind !== 'spend' && move.kind !== 'grant') return move
  const { token, orItem, amount, ...rest } = move
  const kept = tokens.get(token)
  const asset = tokenAsset(network, token, kept)
  if (!orItem || !kept?.isItems) return { ...rest, amount, asset } as Effect
  // Nobody's address takes a right over an item back.
  const isTakenBack = rest.kind === 'grant' && BigInt(rest.spender) === 0n
  return { ...rest, amount: isTakenBack ? 0n : 1n, asset } as Effect
}

/** An amount without decimals has no size, except the one that means everything. */
function unreadableTokens(moves: readonly Move[], { tokens }: EvmFacts): Effect[] {
  const sized = moves.flatMap((move) =>
    (move.kind === 'spend' || move.kind === 'grant') && move.amount !== 0n && move.amount !== UNLIMITED ? [move] : [],
  )
  const unknown = new Set(sized.map(({ token }) => token).filter((token) => !tokens.has(token)))
  return [...unknown].map((token) => opaque(`${token} does not answer as an ERC-20 token`))
}

function opaque(why: string): Effect {
  return { kind: 'opaque', why }
}
