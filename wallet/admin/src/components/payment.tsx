import type { ChallengeView } from '@waiaas/core'
import type { ComponentChildren } from 'preact'
import { grouped, visible } from '../text.ts'
import { Address } from './address.tsx'
import { Icon } from './icons.tsx'

type Approval = ChallengeView['approval']
type Effect = Approval['effects'][number]
type Reason = Approval['reasons'][number]

/** Everything that the signature says yes to, the money first. */
export function Payment({ approval }: { approval: Approval }) {
  const { balance } = approval
  const others = approval.reasons.filter((reason) => !isAboutPayee(reason)).sort(byStrictness)
  return (
    <article class="payment">
      {approval.effects.map((effect, index) => (
        <EffectBlock effect={effect} usd={approval.usd} key={JSON.stringify(effect)}>
          <Warnings reasons={approval.reasons.filter((reason) => isAboutPayee(reason) && reason.effect === index)} />
        </EffectBlock>
      ))}
      <Warnings reasons={approval.reasons.filter((reason) => isAboutPayee(reason) && reason.effect === undefined)} />
      <dl class="facts">
        <Fact name="Paid by">
          <span>agent {visible(approval.agent.name)}</span>
          <Address address={approval.from} />
        </Fact>
        <Fact name="Network">{approval.network}</Fact>
        <Fact name="Fee at most">
          {approval.humanMaxFee} {visible(approval.feeSymbol)}
          <Base amount={approval.maxFee} />
        </Fact>
        {balance && (
          <Fact name="Balance">
            <span>
              now {balance.before} {visible(balance.symbol)}
            </span>
            <span>
              then, at least {balance.after} {visible(balance.symbol)}
            </span>
            {balance.after.startsWith('-') && (
              <strong class="short">There is not enough for this payment and its fee.</strong>
            )}
          </Fact>
        )}
        <Fact name="Why it asks">
          {others.map(({ rule, message }) => (
            <span key={rule + message}>
              {visible(message)} <code class="rule">{rule}</code>
            </span>
          ))}
        </Fact>
      </dl>
    </article>
  )
}

/** What a rule says of an address belongs beside the address. */
function isAboutPayee({ rule }: Reason): boolean {
  return rule === 'COUNTERPARTY' || rule === 'WHITELIST'
}

const STRICTNESS: Readonly<Record<Reason['tier'], number>> = { DENY: 0, APPROVAL: 1, DELAY: 2, NOTIFY: 3, INSTANT: 4 }

/** The rule that asks stands first. */
function byStrictness(a: Reason, b: Reason): number {
  return STRICTNESS[a.tier] - STRICTNESS[b.tier]
}

function Warnings({ reasons }: { reasons: readonly Reason[] }) {
  return reasons.map(({ message }) => (
    <p class="warning" role="note" key={message}>
      <Icon name="warning" /> <span>{visible(message)}</span>
    </p>
  ))
}

const DEPOSIT = 'to, as the deposit of a new token account'

type EffectProps = { effect: Effect; usd: string | undefined; children: ComponentChildren }

function EffectBlock({ effect, usd, children }: EffectProps) {
  switch (effect.kind) {
    case 'spend':
      return (
        <Money
          verb="Send"
          to={effect.depositFor === undefined ? 'to' : DEPOSIT}
          effect={effect}
          address={effect.to}
          usd={usd}
        >
          {children}
        </Money>
      )
    case 'grant':
      return (
        <Money verb="Let somebody take, at any time," to="taken by" effect={effect} address={effect.spender} usd={usd}>
          {children}
        </Money>
      )
    case 'call':
      return (
        <section class="effect" data-look="other">
          <p class="amount-words">Call {visible(effect.selector)}</p>
          <p class="effect-label">of the contract</p>
          <Address address={effect.target} />
          {children}
        </section>
      )
    case 'deploy':
      return <Other title="Deploy a contract" detail="" />
    case 'sign':
      return <Other title="Sign a message" detail={effect.scheme} />
    case 'opaque':
      return <Other title="Something that cannot be read" detail={effect.why} />
  }
}

type MoneyProps = {
  verb: string
  to: string
  effect: Extract<Effect, { kind: 'spend' | 'grant' }>
  address: string
  usd: string | undefined
  children: ComponentChildren
}

function Money({ verb, to, effect, address, usd, children }: MoneyProps) {
  const { asset, amount, humanAmount, unscaledAmount } = effect
  return (
    <section class="effect">
      <p class="effect-label">{verb}</p>
      <p class="amount">
        {humanAmount} <span class="symbol">{visible(asset.symbol)}</span>
      </p>
      <p class="amount-more">
        {grouped(amount)} base units{usd === undefined ? '' : ` · about USD ${usd}`}
      </p>
      {unscaledAmount !== undefined && (
        <p class="amount-more">
          {unscaledAmount} before the multiplier {asset.multiplier} of the token
        </p>
      )}
      {asset.address !== undefined && (
        <>
          <p class="effect-label">of the token</p>
          <Address address={asset.address} />
        </>
      )}
      {asset.notes?.map((note) => (
        <p class="amount-more" key={note}>
          {visible(note)}
        </p>
      ))}
      <p class="effect-label">{to}</p>
      <Address address={address} />
      {children}
    </section>
  )
}

function Other({ title, detail }: { title: string; detail: string }) {
  return (
    <section class="effect" data-look="other">
      <p class="amount-words">{title}</p>
      {detail !== '' && <p class="amount-more">{visible(detail)}</p>}
    </section>
  )
}

function Base({ amount }: { amount: string }) {
  return <span class="base">{grouped(amount)} base units</span>
}

export function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
