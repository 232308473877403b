import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import type { OwnerWallet, ToSign } from '../owner-wallets/owner-wallet.ts'

/** Calls back for every wallet that this browser has; the answer ends the watch. */
export type WatchWallets = (onFound: (wallet: OwnerWallet) => void) => () => void

/** What stands around every question to the owner. */
export function Frame({ wallets, children }: { wallets: readonly OwnerWallet[]; children: ComponentChildren }) {
  return (
    <div class="page">
      {wallets.some(({ isPlayMoney }) => isPlayMoney) ? (
        <p class="demo">
          <strong>Demo</strong> This is play money. The owner's key lies on this machine and signs at a click.
        </p>
      ) : null}
      <main class="sheet">{children}</main>
      <p class="foot">
        This page is served by your own wallet at <b>{location.host}</b>. It never asks for a password or a seed phrase.
      </p>
    </div>
  )
}

export function useWallets(watchWallets: WatchWallets): readonly OwnerWallet[] {
  const [wallets, setWallets] = useState<readonly OwnerWallet[]>([])
  useEffect(() => watchWallets((wallet) => setWallets((known) => [...known, wallet])), [watchWallets])
  return wallets
}

export function Busy() {
  return (
    <p class="busy" role="status">
      <span class="spinner" /> Asking the wallet …
    </p>
  )
}

export function SignedMessage({ question }: { question: ToSign }) {
  return (
    <details class="message">
      <summary>The message that is signed</summary>
      <pre>{readable(question)}</pre>
    </details>
  )
}

function readable({ scheme, message }: ToSign): string {
  if (scheme !== 'eip712') return message
  try {
    return JSON.stringify(JSON.parse(message), null, 2)
  } catch {
    // Shown as it came; it is refused before anybody signs it.
    return message
  }
}

/** Unix seconds, a new value every second. */
export function useSeconds(): number {
  const [now, setNow] = useState(currentSecond)
  useEffect(() => {
    const timer = setInterval(() => setNow(currentSecond()), 1000)
    return () => clearInterval(timer)
  }, [])
  return now
}

export function currentSecond(): number {
  return Math.floor(Date.now() / 1000)
}
