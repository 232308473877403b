import type { Asset, Network, TokenRef } from '@waiaas/core'
import { type Refusal, refuse } from './payment.ts'

/** What a chain says of a token. */
export type Token = {
  address: string
  symbol: string
  decimals: number
  /** Where the mint scales what wallets show; see `Asset`. */
  multiplier?: string
  /** What the issuer may do to every holder; see `Asset`. */
  notes?: string[]
}

/** What a contract keeps: amounts of a token, or items (ERC-721) of which each is one. */
export type Kept = Token & { isItems?: boolean }

/** How much of a token an account has, in base units. */
export type Holding = Token & { amount: bigint }

/** Decimals above this are nobody's money, and amounts with them cannot be shown so that a person reads them. */
export const MAX_DECIMALS = 36
const MAX_SYMBOL = 16

/**
 * A name that a stranger chose, made safe to show: printable ASCII only, everything else a question mark,
 * so that it can neither forge a line nor look like another coin. Without one, the ends of the address.
 */
export function safeSymbol(text: string, address: string): string {
  const shown = [...text.replace(/[\p{Cc}\p{Cf}\s]/gu, '')].slice(0, MAX_SYMBOL)
  const symbol = shown.map((character) => (/^[\x21-\x7e]$/.test(character) ? character : '?')).join('')
  return symbol === '' ? `${address.slice(0, 6)}…${address.slice(-4)}` : symbol
}

export function tokenAsset(network: Network, address: string, token: Token | undefined): Asset {
  const known = token ?? { symbol: safeSymbol('', address), decimals: 0 }
  return { network: network.name, address, symbol: known.symbol, decimals: known.decimals, ...tokenWords(known) }
}

/** How a token's amounts are shown and what is to be said of it, where it has such. */
export function tokenWords({ multiplier, notes }: Partial<Token>): Pick<Token, 'multiplier' | 'notes'> {
  return {
    ...(multiplier === undefined ? {} : { multiplier }),
    ...(notes === undefined || notes.length === 0 ? {} : { notes }),
  }
}

/** The refusal where a request says other things of a token than its chain; `undefined` where they agree. */
export function checkDeclared(declared: TokenRef, token: Token): Refusal | undefined {
  if (declared.decimals !== undefined && declared.decimals !== token.decimals) {
    const message = `${token.address} has ${token.decimals} decimals, not ${declared.decimals}.`
    return refuse('VALIDATION_FAILED', message)
  }
  if (declared.symbol !== undefined && safeSymbol(declared.symbol, token.address) !== token.symbol) {
    return refuse('VALIDATION_FAILED', `${token.address} calls itself ${token.symbol}, not ${declared.symbol}.`)
  }
  return undefined
}

export function notAToken(address: string, network: Network, why: string): Refusal {
  return refuse('TOKEN_NOT_FOUND', `${address} is no token on ${network.name}: ${why}.`)
}
