/** UTF-8 bytes of a text as base64url without padding (RFC 4648, part 5). */
export function base64url(text: string): string {
  return base64(new TextEncoder().encode(text)).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
}

/** Padded base64 (RFC 4648, part 4). */
export function base64(bytes: Uint8Array): string {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
}
