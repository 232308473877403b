import { render } from 'preact'
import { createApi, type PolicyProposal } from './api.ts'
import { App } from './components/app.tsx'
import { PolicyApp } from './components/policy-app.tsx'
import { demoOwnerWallet } from './owner-wallets/demo-owner.ts'
import { watchEthereumWallets } from './owner-wallets/ethereum.ts'
import type { OwnerWallet } from './owner-wallets/owner-wallet.ts'
import { watchStandardWallets } from './owner-wallets/wallet-standard.ts'
import './styles/base.css'
import './styles/page.css'

const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app')

const fetchIt: typeof fetch = (input, init) => fetch(input, init)
const api = createApi(fetchIt)
const demoOwnerUrl = await api.demoOwnerUrl()
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const lastPart = location.pathname.split('/').at(-1) ?? ''

function watchWallets(onFound: (wallet: OwnerWallet) => void): () => void {
  const stops = [watchEthereumWallets(window, onFound), watchStandardWallets(window, onFound)]
  if (demoOwnerUrl !== undefined) onFound(demoOwnerWallet(demoOwnerUrl, fetchIt))
  return () => {
    for (const stop of stops) stop()
  }
}

const page =
  lastPart === 'policy' ? (
    <PolicyApp api={api} proposal={readProposal(location.hash.slice(1))} watchWallets={watchWallets} />
  ) : (
    <App api={api} transactionId={UUID.test(lastPart) ? lastPart : undefined} watchWallets={watchWallets} />
  )
render(page, root)

/** A proposed change stands after the # of its link, which no server sees. */
function readProposal(fragment: string): PolicyProposal | undefined {
  try {
    const bytes = Uint8Array.from(atob(fragment.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0))
    const { resourceId, change } = JSON.parse(new TextDecoder().decode(bytes))
    return { resourceId, change }
  } catch {
    // What cannot be read was cut off.
    return undefined
  }
}
