import type { Result } from '../api.ts'
import { type OwnerWallet, type ToSign, walletFault, wrongAccount } from './owner-wallet.ts'

const NAME = 'the demo owner'

/** The wallet of the demo: a program on this machine that signs at once, for money that is worth nothing. */
export function demoOwnerWallet(url: string, fetchIt: typeof fetch): OwnerWallet {
  return {
    id: 'demo',
    name: NAME,
    scheme: 'eip712',
    isPlayMoney: true,
    sign: (challenge) => sign(url, fetchIt, challenge),
  }
}

async function sign(url: string, fetchIt: typeof fetch, challenge: ToSign): Promise<Result<string>> {
  try {
    const response = await fetchIt(`${url}/sign`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ scheme: challenge.scheme, message: challenge.message }),
    })
    const body = (await response.json()) as { signature?: unknown; address?: unknown; message?: unknown }
    if (!response.ok) return walletFault(NAME, body)
    const { signature, address } = body
    if (typeof signature !== 'string' || typeof address !== 'string') return walletFault(NAME, {})
    if (address.toLowerCase() !== challenge.ownerAddress.toLowerCase()) {
      return wrongAccount(NAME, [address], challenge.ownerAddress)
    }
    return { ok: true, value: signature }
  } catch {
    return walletFault(NAME, { message: `nobody answers at ${url}` })
  }
}
