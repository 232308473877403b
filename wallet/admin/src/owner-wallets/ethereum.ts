import type { Result } from '../api.ts'
import { type OwnerWallet, type ToSign, walletFault, wrongAccount } from './owner-wallet.ts'

/** EIP-1193. */
export type EthereumProvider = {
  request: (call: { method: string; params?: readonly unknown[] }) => Promise<unknown>
}

/** EIP-6963. */
type Announcement = { info: { uuid: string; name: string; icon?: string; rdns?: string }; provider: EthereumProvider }

/**
 * Wallets that are injected into the page: those that announce themselves (EIP-6963), and `window.ethereum` as long
 * as nobody else has announced the same.
 *
 * @returns ends the watch.
 */
export function watchEthereumWallets(page: Window, onFound: (wallet: OwnerWallet) => void): () => void {
  const known = new Set<EthereumProvider>()
  const add = (provider: EthereumProvider, about: { id: string; name: string; icon?: string }) => {
    if (known.has(provider)) return
    known.add(provider)
    onFound(ethereumWallet(provider, about))
  }
  const onAnnounce = (event: Event) => {
    const { info, provider } = (event as CustomEvent<Announcement>).detail
    if (typeof provider?.request !== 'function') return
    const icon = typeof info.icon === 'string' && info.icon.startsWith('data:image/') ? { icon: info.icon } : {}
    add(provider, { id: info.uuid, name: `${info.name}`.slice(0, 60), ...icon })
  }
  page.addEventListener('eip6963:announceProvider', onAnnounce)
  page.dispatchEvent(new Event('eip6963:requestProvider'))
  const { ethereum } = page as Window & { ethereum?: EthereumProvider }
  if (known.size === 0 && ethereum !== undefined) add(ethereum, { id: 'window.ethereum', name: 'Browser wallet' })
  return () => page.removeEventListener('eip6963:announceProvider', onAnnounce)
}

function ethereumWallet(provider: EthereumProvider, about: { id: string; name: string; icon?: string }): OwnerWallet {
  return { ...about, scheme: 'eip712', isPlayMoney: false, sign: (challenge) => sign(provider, about.name, challenge) }
}

async function sign(provider: EthereumProvider, name: string, challenge: ToSign): Promise<Result<string>> {
  const { ownerAddress, message } = challenge
  try {
    const accounts = await provider.request({ method: 'eth_requestAccounts' })
    const connected = Array.isArray(accounts) ? accounts.filter((account) => typeof account === 'string') : []
    const account = connected.find((address) => address.toLowerCase() === ownerAddress.toLowerCase())
    if (account === undefined) return wrongAccount(name, connected, ownerAddress)
    const signature = await provider.request({ method: 'eth_signTypedData_v4', params: [account, message] })
    if (typeof signature === 'string' && /^0x[0-9a-fA-F]{130}$/.test(signature)) return { ok: true, value: signature }
    return walletFault(name, { message: 'it answered no 65-byte signature' })
  } catch (error) {
    return walletFault(name, error)
  }
}
