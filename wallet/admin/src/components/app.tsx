import type { ChallengeView } from '@waiaas/core'
import { useEffect, useMemo, useState } from 'preact/hooks'
import type { Api, OwnerAction } from '../api.ts'
import { createDesk, type Desk } from '../desk.ts'
import type { OwnerWallet } from '../owner-wallets/owner-wallet.ts'
import { timeLeft } from '../text.ts'
import { Decision } from './decision.tsx'
import { Busy, currentSecond, Frame, SignedMessage, useSeconds, useWallets, type WatchWallets } from './frame.tsx'
import { Icon } from './icons.tsx'
import { Closed, Outcome } from './outcome.tsx'
import { Payment } from './payment.tsx'

export type AppProps = {
  api: Api
  /** Undefined for a link that names none. */
  transactionId: string | undefined
  watchWallets: WatchWallets
}

export function App({ api, transactionId, watchWallets }: AppProps) {
  const [desk, setDesk] = useState<Desk>(transactionId === undefined ? BAD_LINK : { step: 'loading' })
  const wallets = useWallets(watchWallets)
  const actions = useMemo(
    () =>
      createDesk({
        api,
        transactionId: transactionId ?? '',
        now: currentSecond,
        onChange: setDesk,
        wait: (millis) => new Promise((resolve) => setTimeout(resolve, millis)),
      }),
    [api, transactionId],
  )
  useEffect(() => {
    if (transactionId !== undefined) void actions.load().then(() => {})
  }, [actions, transactionId])

  return (
    <Frame wallets={wallets}>
      <Content desk={desk} wallets={wallets} onLoad={actions.load} onDecide={actions.decide} />
    </Frame>
  )
}

const BAD_LINK: Desk = { step: 'closed', fault: { code: 'bad_link', message: 'This link is not complete.' } }

function Content(props: {
  desk: Desk
  wallets: readonly OwnerWallet[]
  onLoad: () => Promise<void>
  onDecide: (action: OwnerAction, wallet: OwnerWallet) => Promise<void>
}) {
  const { desk } = props
  switch (desk.step) {
    case 'loading':
      return <Busy />
    case 'closed':
      return <Closed fault={desk.fault} onReload={props.onLoad} />
    case 'decided':
      return (
        <>
          <Outcome desk={desk} />
          {desk.challenge === undefined ? null : (
            <details class="was" open>
              <summary>What it was</summary>
              <Payment approval={desk.challenge.approval} />
            </details>
          )}
        </>
      )
    default:
      return <Question {...props} desk={desk} />
  }
}

function Question(props: {
  desk: Extract<Desk, { challenge: ChallengeView; step: 'asking' | 'signing' | 'sending' }>
  wallets: readonly OwnerWallet[]
  onDecide: (action: OwnerAction, wallet: OwnerWallet) => Promise<void>
}) {
  const { challenge } = props.desk
  const { approval } = challenge
  const left = approval.expiresAt - useSeconds()
  return (
    <>
      <header class="head">
        <h1>Approve this payment?</h1>
        <span class="time" data-soon={left <= 60} role="timer">
          <Icon name="clock" /> {left > 0 ? `${timeLeft(left)} left` : 'Time is over'}
        </span>
      </header>
      <Payment approval={approval} />
      <section class="code">
        <span class="code-value">{approval.shortCode}</span>
        <span>Compare with the code in the chat. If they differ, reject.</span>
      </section>
      <Decision desk={props.desk} wallets={props.wallets} isOver={left <= 0} onDecide={props.onDecide} />
      <SignedMessage question={challenge} />
    </>
  )
}
