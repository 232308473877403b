import { base58Bytes, type ChainFamily, parseAddress, parseSignIn } from '@waiaas/core'
import { verifyEd25519 } from './verify-ed25519.ts'

export type OwnerScheme = 'eip712' | 'siwe' | 'solana'

export type OwnerProof = {
  scheme: OwnerScheme
  /** Typed data as JSON, or the text whose UTF-8 bytes were signed. */
  message: string
  ownerAddress: string
  signature: string
}

/** Asks a contract account whether a signature over a hash is its own (ERC-1271). */
export type AskContract = (hash: Uint8Array, signature: Uint8Array) => Promise<boolean>

/**
 * True when `signature` is the owner's over exactly this message. EVM: EIP-712 or EIP-191, 65 bytes as 0x hex
 * with low s (EIP-2); a contract owner says so itself. Solana: 64 bytes as base58, padded base64 or 0x hex,
 * checked by the strict rules of RFC 8032.
 *
 * @param contract set where the owner is a contract; then no key signs for it.
 */
export async function verifyOwnerSignature(proof: OwnerProof, contract: AskContract | undefined): Promise<boolean> {
  return await verifiers[proof.scheme](proof, contract)
}

type Verifier = (proof: OwnerProof, contract: AskContract | undefined) => Promise<boolean>

const verifiers: Readonly<Record<OwnerProof['scheme'], Verifier>> = {
  eip712: async (proof, contract) => await verifyHash(await typedDataHash(proof.message), proof, contract),
  siwe: async (proof, contract) =>
    isSignInOf('evm', proof) && (await verifyHash(await textHash(proof.message), proof, contract)),
  solana: async (proof) => isSignInOf('solana', proof) && (await verifyText(proof)),
}

/** A message that is no sign-in message of this address is never taken, whoever issued it. */
function isSignInOf(family: ChainFamily, { message, ownerAddress }: OwnerProof): boolean {
  const signIn = parseSignIn(message)
  return signIn?.family === family && signIn.address === ownerAddress && signIn.expirationTime !== undefined
}

async function typedDataHash(message: string): Promise<Uint8Array> {
  const { hashTypedData } = await import('viem/utils')
  return Buffer.from(hashTypedData(JSON.parse(message)).slice(2), 'hex')
}

async function textHash(message: string): Promise<Uint8Array> {
  const { hashMessage } = await import('viem/utils')
  return Buffer.from(hashMessage(message).slice(2), 'hex')
}

const MAX_CONTRACT_SIGNATURE = 8192

async function verifyHash(hash: Uint8Array, proof: OwnerProof, contract: AskContract | undefined): Promise<boolean> {
  const { signature } = proof
  if (contract !== undefined) {
    if (!/^0x([0-9a-fA-F]{2})*$/.test(signature) || signature.length > MAX_CONTRACT_SIGNATURE) return false
    return await contract(hash, Buffer.from(signature.slice(2), 'hex'))
  }
  if (!/^0x[0-9a-fA-F]{130}$/.test(signature)) return false
  const bytes = Buffer.from(signature.slice(2), 'hex')
  const recovery = ([27, 28, 0, 1] as const).indexOf(bytes[64] as 27) % 2
  if (recovery < 0) return false
  const [{ publicKeyToAddress }, { secp256k1 }] = await Promise.all([
    import('viem/utils'),
    import('@noble/curves/secp256k1.js'),
  ])
  try {
    const parsed = secp256k1.Signature.fromBytes(bytes.subarray(0, 64), 'compact')
    if (parsed.hasHighS()) return false
    const key = parsed.addRecoveryBit(recovery).recoverPublicKey(hash)
    const signer = parseAddress('evm', publicKeyToAddress(`0x${key.toHex(false)}`))
    return signer.ok && signer.address === proof.ownerAddress
  } catch {
    // A signature that is no point of the curve is a wrong signature.
    return false
  }
}

async function verifyText(proof: OwnerProof): Promise<boolean> {
  const signature = signatureBytes(proof.signature)
  const key = base58Bytes(proof.ownerAddress)
  if (signature === undefined || key === undefined) return false
  return await verifyEd25519(signature, Buffer.from(proof.message, 'utf8'), key)
}

/** Solana's own form is base58; some wallets hand out padded base64 or 0x hex. The three cannot be confused. */
function signatureBytes(text: string): Uint8Array | undefined {
  if (/^0x[0-9a-fA-F]{128}$/.test(text)) return Buffer.from(text.slice(2), 'hex')
  if (/^[A-Za-z0-9+/]{86}==$/.test(text)) return Buffer.from(text, 'base64')
  return text.length <= 88 ? base58Bytes(text) : undefined
}
