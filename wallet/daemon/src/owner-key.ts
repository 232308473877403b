import { AppError } from '@openpista/common'
import { base58Bytes } from '@waiaas/core'

/** An owner's key in memory, for scripts and tests. People sign with their own wallet. */
export type OwnerKey = {
  address: string
  /** Signs a challenge's message as its scheme demands. @throws AppError OWNER_KEY_INVALID for another chain's scheme. */
  sign: (challenge: { scheme: 'eip712' | 'siwe' | 'solana'; message: string }) => Promise<string>
}

/**
 * Reads a key: 0x and 64 hex digits for an EVM owner; for a Solana owner the base58 of 64 bytes, or a JSON list
 * of 64 numbers as `solana-keygen` writes it.
 *
 * @throws AppError OWNER_KEY_INVALID.
 */
export async function readOwnerKey(text: string): Promise<OwnerKey> {
  const trimmed = text.trim()
  if (/^0x[0-9a-fA-F]{64}$/.test(trimmed)) return await evmKey(trimmed as `0x${string}`)
  const pair = trimmed.startsWith('[') ? bytesOf(trimmed) : base58Bytes(trimmed)
  if (pair?.length === 64) return await solanaKey(pair)
  throw invalid('This is neither an EVM private key nor a Solana key pair.')
}

async function evmKey(key: `0x${string}`): Promise<OwnerKey> {
  const { privateKeyToAccount } = await import('viem/accounts')
  const account = privateKeyToAccount(key)
  return {
    address: account.address,
    sign: signWith(
      {
        eip712: (message) => account.signTypedData(JSON.parse(message)),
        siwe: (message) => account.signMessage({ message }),
      },
      'The owner has a Solana address, this is an EVM key.',
    ),
  }
}

async function solanaKey(pair: Uint8Array): Promise<OwnerKey> {
  const [{ ed25519 }, { getBase58Decoder }] = await Promise.all([
    import('@noble/curves/ed25519.js'),
    import('@solana/kit'),
  ])
  const text = (bytes: Uint8Array) => getBase58Decoder().decode(bytes)
  const secret = pair.slice(0, 32)
  const publicKey = ed25519.getPublicKey(secret)
  if (!Buffer.from(publicKey).equals(pair.slice(32)))
    throw invalid('The two halves of the key pair do not belong together.')
  return {
    address: text(publicKey),
    sign: signWith(
      { solana: async (message) => text(ed25519.sign(Buffer.from(message, 'utf8'), secret)) },
      'The owner has an EVM address, this is a Solana key.',
    ),
  }
}

type Scheme = Parameters<OwnerKey['sign']>[0]['scheme']

/** Signs by the schemes that a key has; any other belongs to another chain's owner. */
function signWith(
  ways: Partial<Record<Scheme, (message: string) => Promise<string>>>,
  otherwise: string,
): OwnerKey['sign'] {
  return async ({ scheme, message }) => {
    const sign = ways[scheme]
    if (sign === undefined) throw invalid(otherwise)
    return await sign(message)
  }
}

function bytesOf(text: string): Uint8Array | undefined {
  try {
    const list: unknown = JSON.parse(text)
    const bytes = (value: unknown) => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 256
    return Array.isArray(list) && list.every(bytes) ? Uint8Array.from(list) : undefined
  } catch {
    return undefined
  }
}

function invalid(message: string): AppError {
  return new AppError('OWNER_KEY_INVALID', message)
}
