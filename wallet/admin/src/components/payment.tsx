import type { ChallengeView } from '@waiaas/core'
import type { ComponentChildren } from 'preact'
import { grouped, visible } from '../text.ts'
import { Address } from './address.tsx'
import { Icon } from './icons.tsx'

type Approval = ChallengeView['approval']
type Effect = Approval['effects'][number]

/** Everything that the signature says yes to, the money first. */
export function Payment({ approval }: { approval: Approval }) {
  const warnings = approval.reasons.filter(({ rule }) => rule === 'COUNTERPARTY')
  const asked = approval.reasons.filter(({ rule }) => rule !== 'COUNTERPARTY')
  return (
    <article class="payment">
      {approval.effects.map((effect) => (
        <EffectBlock effect={effect} usd={approval.usd} key={JSON.stringify(effect)} />
      ))}
      {warnings.map(({ message }) => (
        <p class="warning" role="note" key={message}>
          <Icon name="warning" /> <span>{visible(message)}</span>
        </p>
      ))}
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
        {approval.balance && (
          <Fact name="Balance">
            <span>
              now {approval.balance.before} {visible(approval.balance.symbol)}
            </span>
            <span>
              then, at least {approval.balance.after} {visible(approval.balance.symbol)}
            </span>
          </Fact>
        )}
        <Fact name="Why it asks">
          {asked.map(({ rule, message }) => (
            <span key={rule + message}>
              {visible(message)} <code class="rule">{rule}</code>
            </span>
          ))}
        </Fact>
      </dl>
    </article>
  )
}

function EffectBlock({ effect, usd }: { effect: Effect; usd: string | undefined }) {
  switch (effect.kind) {
    case 'spend':
      return <Money verb="Send" to="to" effect={effect} address={effect.to} usd={usd} />
    case 'grant':
      return (
        <Money
          verb="Let somebody take, at any time,"
          to="taken by"
          effect={effect}
          address={effect.spender}
          usd={usd}
        />
      )
    case 'call':
      return <Other title={`Call ${visible(effect.selector)}`} detail={effect.target} />
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
}

function Money({ verb, to, effect, address, usd }: MoneyProps) {
  const { asset, amount, humanAmount } = effect
  return (
    <section class="effect">
      <p class="effect-label">{verb}</p>
      <p class="amount">
        {humanAmount} <span class="symbol">{visible(asset.symbol)}</span>
      </p>
      <p class="amount-more">
        {grouped(amount)} base units{usd === undefined ? '' : ` · about USD ${usd}`}
        {asset.address !== undefined && <span class="token">token {visible(asset.address)}</span>}
      </p>
      <p class="effect-label">{to}</p>
      <Address address={address} />
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

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}
