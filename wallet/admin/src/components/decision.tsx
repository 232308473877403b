import type { ChallengeView } from '@waiaas/core'
import { useState } from 'preact/hooks'
import type { Fault, OwnerAction } from '../api.ts'
import type { Desk } from '../desk.ts'
import type { OwnerWallet } from '../owner-wallets/owner-wallet.ts'
import { visible } from '../text.ts'
import { Address } from './address.tsx'

export type DecisionProps = {
  desk: Extract<Desk, { challenge: ChallengeView; step: 'asking' | 'signing' | 'sending' }>
  wallets: readonly OwnerWallet[]
  /** The time to decide has run out. */
  isOver: boolean
  onDecide: (action: OwnerAction, wallet: OwnerWallet) => Promise<void>
}

/** The two answers, with the wallet of this browser that gives them. */
export function Decision({ desk, wallets, isOver, onDecide }: DecisionProps) {
  const [chosen, setChosen] = useState<string>()
  const { challenge } = desk
  const fitting = wallets.filter(({ scheme }) => scheme === challenge.scheme)
  const wallet = fitting.find(({ id }) => id === chosen) ?? fitting[0]
  if (isOver) {
    return (
      <section class="decision">
        <p class="fault" role="alert">
          The time to decide is over. Nothing was paid.
        </p>
      </section>
    )
  }
  if (wallet === undefined) return <NoWallet ownerAddress={challenge.ownerAddress} />
  const busy = busyWords(desk)
  return (
    <section class="decision" aria-label="Your decision">
      {desk.step === 'asking' && desk.fault && <FaultNote fault={desk.fault} />}
      {fitting.length > 1 && <Choice wallets={fitting} chosen={wallet.id} onChoose={setChosen} />}
      <div class="answers">
        <button
          type="button"
          class="button"
          data-look="danger"
          disabled={busy !== undefined}
          onClick={() => onDecide('reject', wallet)}
        >
          Reject
        </button>
        <button
          type="button"
          class="button"
          data-look="main"
          disabled={busy !== undefined}
          onClick={() => onDecide('approve', wallet)}
        >
          {busy ?? `Approve · ${inShort(challenge)}`}
        </button>
      </div>
      {wallet.isPlayMoney ? (
        <p class="signed-by" data-look="play">
          Signed at once by {visible(wallet.name)}: play money.
        </p>
      ) : (
        <p class="signed-by">Both answers are signed in {visible(wallet.name)}, by the owner.</p>
      )}
    </section>
  )
}

/** What to do about faults that come without advice. */
const hints: Readonly<Record<string, string>> = {
  INVALID_SIGNATURE: "Choose the owner's account in the wallet, then try again.",
  declined: 'You can decide again.',
  unreachable: 'Check that the wallet daemon runs, then try again. Approving twice never pays twice.',
  wallet_failed: 'Try again, or use another wallet that holds the same account.',
}

export function FaultNote({ fault }: { fault: Fault }) {
  const hint = fault.hint ?? hints[fault.code]
  return (
    <div class="fault" role="alert">
      <p>
        <strong>{visible(fault.message)}</strong>
      </p>
      {hint !== undefined && <p>{visible(hint)}</p>}
    </div>
  )
}

export function Choice(props: { wallets: readonly OwnerWallet[]; chosen: string; onChoose: (id: string) => void }) {
  return (
    <fieldset class="choice">
      <legend>Sign with</legend>
      {props.wallets.map(({ id, name, icon, isPlayMoney }) => (
        <label key={id}>
          <input
            type="radio"
            name="wallet"
            value={id}
            checked={id === props.chosen}
            onChange={() => props.onChoose(id)}
          />
          {icon !== undefined && <img src={icon} alt="" width="20" height="20" />}
          <span>{visible(name)}</span>
          {isPlayMoney && <span class="tag">play money</span>}
        </label>
      ))}
    </fieldset>
  )
}

export function NoWallet({ ownerAddress }: { ownerAddress: string }) {
  return (
    <section class="decision">
      <div class="fault" role="alert">
        <p>
          <strong>No wallet found in this browser.</strong> Open this page where the wallet with the owner's key is:
        </p>
        <Address address={ownerAddress} />
      </div>
    </section>
  )
}

function busyWords(desk: DecisionProps['desk']): string | undefined {
  if (desk.step === 'signing') return `Answer in ${visible(desk.walletName)} …`
  return desk.step === 'sending' ? 'Handing it in …' : undefined
}

/** What one payment comes to; more than one thing at once is called by number. */
function inShort({ approval: { effects } }: ChallengeView): string {
  const [effect] = effects
  if (effects.length !== 1 || effect === undefined) return `${effects.length} effects`
  if (effect.kind !== 'spend' && effect.kind !== 'grant') return effect.kind
  return `${effect.humanAmount} ${visible(effect.asset.symbol)}`
}
