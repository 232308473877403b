import type { Result } from '../api.ts'
import { base64 } from '../bytes.ts'
import { type OwnerWallet, type ToSign, walletFault, wrongAccount } from './owner-wallet.ts'

/** What this page uses of the Wallet Standard. */
type StandardAccount = { address: string }
type StandardWallet = {
  name: string
  icon?: string
  features: {
    'standard:connect'?: { connect: () => Promise<{ accounts: readonly StandardAccount[] }> }
    'solana:signMessage'?: {
      signMessage: (input: {
        account: StandardAccount
        message: Uint8Array
      }) => Promise<readonly { signedMessage: Uint8Array; signature: Uint8Array }[]>
    }
  }
}
type Register = (...wallets: readonly StandardWallet[]) => () => void

/**
 * Solana wallets by the Wallet Standard: each registers itself whether it was loaded before this page or after it.
 *
 * @returns ends the watch.
 */
export function watchStandardWallets(page: Window, onFound: (wallet: OwnerWallet) => void): () => void {
  const known = new Set<StandardWallet>()
  const register: Register = (...wallets) => {
    for (const wallet of wallets) {
      const canSign = wallet.features?.['standard:connect'] !== undefined && 'solana:signMessage' in wallet.features
      if (!canSign || known.has(wallet)) continue
      known.add(wallet)
      onFound(standardWallet(wallet))
    }
    return () => {}
  }
  const onRegister = (event: Event) =>
    (event as CustomEvent<(api: { register: Register }) => void>).detail({ register })
  page.addEventListener('wallet-standard:register-wallet', onRegister)
  page.dispatchEvent(new CustomEvent('wallet-standard:app-ready', { detail: { register } }))
  return () => page.removeEventListener('wallet-standard:register-wallet', onRegister)
}

function standardWallet(wallet: StandardWallet): OwnerWallet {
  const name = `${wallet.name}`.slice(0, 60)
  return {
    id: `standard:${name}`,
    name,
    ...(wallet.icon?.startsWith('data:image/') ? { icon: wallet.icon } : {}),
    scheme: 'solana',
    isPlayMoney: false,
    sign: (challenge) => sign(wallet, name, challenge),
  }
}

async function sign(wallet: StandardWallet, name: string, challenge: ToSign): Promise<Result<string>> {
  const connect = wallet.features['standard:connect']
  const signMessage = wallet.features['solana:signMessage']
  if (connect === undefined || signMessage === undefined) return walletFault(name, { message: 'it signs no messages' })
  try {
    const { accounts } = await connect.connect()
    const account = accounts.find(({ address }) => address === challenge.ownerAddress)
    if (account === undefined) {
      const connected = accounts.map(({ address }) => address)
      return wrongAccount(name, connected, challenge.ownerAddress)
    }
    const message = new TextEncoder().encode(challenge.message)
    const [signed] = await signMessage.signMessage({ account, message })
    if (signed?.signature.length !== 64) return walletFault(name, { message: 'it answered no 64-byte signature' })
    if (base64(signed.signedMessage) !== base64(message))
      return walletFault(name, { message: 'it signed another text' })
    return { ok: true, value: base64(signed.signature) }
  } catch (error) {
    return walletFault(name, error)
  }
}
