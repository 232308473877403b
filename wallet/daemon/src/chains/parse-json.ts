type Reviver = (key: string, value: unknown) => unknown

/** A bare number of so many digits may be above 2^53. */
const LONG_NUMBER = /[:,[\s]-?\d{16}/

/** JSON whose integers above 2^53 become bigint instead of losing digits. */
export function parseJson(text: string): unknown {
  if (!LONG_NUMBER.test(text)) return JSON.parse(text)
  const exact = (_key: string, value: unknown, { source }: { source?: string }) =>
    source !== undefined && typeof value === 'number' && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? BigInt(source)
      : value
  return JSON.parse(text, exact as Reviver)
}
