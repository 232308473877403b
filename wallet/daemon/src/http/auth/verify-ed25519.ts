/**
 * True for a signature by the strict rules of RFC 8032: point and scalar in their one encoding, and no key of small
 * order, which would "sign" any message. Never rejects.
 */
export async function verifyEd25519(signature: Uint8Array, message: Uint8Array, key: Uint8Array): Promise<boolean> {
  const { ed25519 } = await import('@noble/curves/ed25519.js')
  if (signature.length !== 64 || key.length !== 32) return false
  try {
    return ed25519.verify(signature, message, key, { zip215: false })
  } catch {
    // Bytes that are no point or no scalar are a wrong signature.
    return false
  }
}
