/** How wallets show the amounts of a mint. */
export type UiAmount = {
  /** A plain decimal number, in force now; absent where amounts are shown as they are. */
  multiplier?: string
  /** Why an amount as wallets show it cannot be turned into base units. */
  fault?: string
  notes: string[]
}

/** A change of the multiplier that is nearer than this may come before a transaction lands. */
const SOON_SECONDS = 120n

/**
 * What the extensions ScaledUiAmount and InterestBearing of a mint make of its amounts.
 *
 * @param now unix time on the chain, which decides there; `undefined` where it is not known.
 */
export function uiAmountOf(
  scaled: Buffer | undefined,
  interest: Buffer | undefined,
  now: bigint | undefined,
): UiAmount {
  if (scaled !== undefined) return scaledAmount(scaled, now)
  return interest === undefined ? { notes: [] } : interestAmount(interest, now)
}

/**
 * Authority, multiplier, time of the next multiplier, next multiplier:
 * solana-program/token-2022, interface/src/extension/scaled_ui_amount/mod.rs.
 */
function scaledAmount(bytes: Buffer, now: bigint | undefined): UiAmount {
  if (bytes.length < 56 || now === undefined) return unreadable('ScaledUiAmount')
  const from = bytes.readBigInt64LE(40)
  const [first, next] = [plainNumber(bytes.readDoubleLE(32)), plainNumber(bytes.readDoubleLE(48))]
  const multiplier = now >= from ? next : first
  if (multiplier === undefined) return unreadable('ScaledUiAmount')
  const shown = `Wallets show ${multiplier} times the base amount (ScaledUiAmount), which the issuer may change`
  const isPlanned = now < from && next !== first
  const planned = isPlanned ? `; from ${timeText(from)} on ${next ?? 'an unknown number of'} times` : ''
  return {
    ...(multiplier === '1' ? {} : { multiplier }),
    ...(isPlanned && from - now < SOON_SECONDS
      ? { fault: `What wallets show changes at ${timeText(from)}: wait until then, or give the amount in base units.` }
      : {}),
    notes: [`${shown}${planned}.`],
  }
}

const SECONDS_PER_YEAR = 31_556_736
const BASIS_POINTS = 10_000

/**
 * Authority, start, average rate until the last change, time of the last change, rate since: token-2022,
 * interface/src/extension/interest_bearing_mint/mod.rs. What is shown grows from second to second, so it is rounded
 * here, and no amount is made of it.
 */
function interestAmount(bytes: Buffer, now: bigint | undefined): UiAmount {
  if (bytes.length < 52 || now === undefined) return unreadable('InterestBearing')
  const [start, changed] = [bytes.readBigInt64LE(32), bytes.readBigInt64LE(42)]
  const [average, rate] = [bytes.readInt16LE(40), bytes.readInt16LE(50)]
  const grown = average * Number(changed - start) + rate * Number(now - changed)
  const factor = Math.exp(grown / SECONDS_PER_YEAR / BASIS_POINTS)
  const multiplier = plainNumber(Number(factor.toFixed(4)))
  if (multiplier === undefined) return unreadable('InterestBearing')
  const yearly = `interest of ${rate / 100} % a year (InterestBearing)`
  return {
    ...(multiplier === '1' ? {} : { multiplier }),
    fault: 'What wallets show of this token grows with time: give the amount in base units.',
    notes: [`Wallets show it with ${yearly}, now about ${multiplier} times the base amount; no coins are behind that.`],
  }
}

function unreadable(extension: string): UiAmount {
  const why = `What wallets show of this token cannot be told (${extension})`
  return { fault: `${why}: give the amount in base units.`, notes: [`${why}.`] }
}

/** A positive number without exponent: the shortest that stands for it, which is what its issuer meant by it. */
function plainNumber(value: number): string | undefined {
  if (!Number.isFinite(value) || value <= 0) return undefined
  const [digits = '', exponent = '0'] = String(value).split('e')
  const [whole = '', rest = ''] = digits.split('.')
  const places = rest.length - Number(exponent)
  const all = `${whole}${rest}`
  if (places <= 0) return `${all}${'0'.repeat(-places)}`
  const padded = all.padStart(places + 1, '0')
  return `${padded.slice(0, -places)}.${padded.slice(-places)}`
}

const MAX_DATE_SECONDS = 8_640_000_000_000n

function timeText(seconds: bigint): string {
  if (seconds > MAX_DATE_SECONDS) return 'a time that never comes'
  return `${new Date(Number(seconds) * 1000).toISOString().slice(0, 19)}Z`
}
