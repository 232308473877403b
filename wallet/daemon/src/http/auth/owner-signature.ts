import { base58Bytes, parseAddress } from '@waiaas/core'

export type OwnerScheme = 'eip712' | 'solana'

/**
 * True when `signature` is the owner's over exactly this message. EVM: `message` is typed data as JSON,
 * `signature` 65 bytes as 0x hex with low s (EIP-2). Solana: `message` is the text whose UTF-8 bytes were
 * signed, `signature` 64 bytes as base58, padded base64 or 0x hex, checked by the strict rules of RFC 8032.
 */
export async function verifyOwnerSignature(proof: {
  scheme: OwnerScheme
  ownerAddress: string
  message: string
  signature: string
}): Promise<boolean> {
  return await verifiers[proof.scheme](proof)
}

type Verifier = (proof: { ownerAddress: string; message: string; signature: string }) => Promise<boolean>

const verifiers: Record<OwnerScheme, Verifier> = { eip712: verifyTypedData, solana: verifyText }

async function verifyTypedData(proof: Parameters<Verifier>[0]): Promise<boolean> {
  if (!/^0x[0-9a-fA-F]{130}$/.test(proof.signature)) return false
  const bytes = Buffer.from(proof.signature.slice(2), 'hex')
  const recovery = ([27, 28, 0, 1] as const).indexOf(bytes[64] as 27) % 2
  if (recovery < 0) return false
  const [{ hashTypedData, publicKeyToAddress }, { secp256k1 }] = await Promise.all([
    import('viem/utils'),
    import('@noble/curves/secp256k1.js'),
  ])
  const hash = Buffer.from(hashTypedData(JSON.parse(proof.message)).slice(2), 'hex')
  try {
    const signature = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact')
    if (signature.hasHighS()) return false
    const key = signature.addRecoveryBit(recovery).recoverPublicKey(hash)
    const signer = parseAddress('evm', publicKeyToAddress(`0x${key.toHex(false)}`))
    return signer.ok && signer.address === proof.ownerAddress
  } catch {
    // A signature that is no point of the curve is a wrong signature.
    return false
  }
}

async function verifyText(proof: Parameters<Verifier>[0]): Promise<boolean> {
  const { ed25519 } = await import('@noble/curves/ed25519.js')
  const signature = signatureBytes(proof.signature)
  const key = base58Bytes(proof.ownerAddress)
  if (signature?.length !== 64 || key?.length !== 32) return false
  try {
    return ed25519.verify(signature, Buffer.from(proof.message, 'utf8'), key, { zip215: false })
  } catch {
    // Bytes that are no point or no scalar are a wrong signature.
    return false
  }
}

/** Solana's own form is base58; some wallets hand out padded base64 or 0x hex. The three cannot be confused. */
function signatureBytes(text: string): Uint8Array | undefined {
  if (/^0x[0-9a-fA-F]{128}$/.test(text)) return Buffer.from(text.slice(2), 'hex')
  if (/^[A-Za-z0-9+/]{86}==$/.test(text)) return Buffer.from(text, 'base64')
  return text.length <= 88 ? base58Bytes(text) : undefined
}
