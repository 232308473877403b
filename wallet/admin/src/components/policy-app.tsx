import type { PolicyChallengeView } from '@waiaas/core'
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { Api, Fault, PolicyProposal } from '../api.ts'
import { base64url } from '../bytes.ts'
import { findPolicyContradiction } from '../check-message.ts'
import type { OwnerWallet } from '../owner-wallets/owner-wallet.ts'
import { timeLeft, visible } from '../text.ts'
import { CopyButton } from './address.tsx'
import { Choice, FaultNote, NoWallet } from './decision.tsx'
import { Busy, Frame, SignedMessage, useSeconds, useWallets, type WatchWallets } from './frame.tsx'
import { Icon } from './icons.tsx'
import { Closed } from './outcome.tsx'

/** Where the owner's yes to a looser policy stands. */
type Step =
  | { is: 'loading' }
  | { is: 'closed'; fault: Fault }
  | { is: 'asking' | 'signing'; question: PolicyChallengeView; fault: Fault | undefined }
  /** `proof` goes to the operator, who carries the change out. */
  | { is: 'signed'; question: PolicyChallengeView; proof: string }

export type PolicyAppProps = {
  api: Api
  /** Undefined for a link that is not whole. */
  proposal: PolicyProposal | undefined
  watchWallets: WatchWallets
}

/** Asks the owner whether a policy may be loosened. The page signs; only the operator can make the change. */
export function PolicyApp({ api, proposal, watchWallets }: PolicyAppProps) {
  const [step, setStep] = useState<Step>(proposal === undefined ? { is: 'closed', fault: BAD_LINK } : { is: 'loading' })
  const wallets = useWallets(watchWallets)
  const load = useCallback(async () => {
    if (proposal === undefined) return
    setStep({ is: 'loading' })
    const answer = await api.policyChallenge(proposal)
    setStep(
      answer.ok ? { is: 'asking', question: answer.value, fault: undefined } : { is: 'closed', ...closed(answer) },
    )
  }, [api, proposal])
  useEffect(() => {
    void load().then(() => {})
  }, [load])
  const sign = async (question: PolicyChallengeView, wallet: OwnerWallet) => {
    const contradiction = findPolicyContradiction(question)
    if (contradiction !== undefined) return setStep({ is: 'asking', question, fault: contradicted(contradiction) })
    setStep({ is: 'signing', question, fault: undefined })
    const signed = await wallet.sign(question)
    if (!signed.ok) return setStep({ is: 'asking', question, fault: signed.fault })
    const { ownerAddress: address, message } = question
    setStep({ is: 'signed', question, proof: base64url(JSON.stringify({ address, message, signature: signed.value })) })
  }
  return (
    <Frame wallets={wallets}>
      {step.is === 'loading' && <Busy />}
      {step.is === 'closed' && <Closed fault={step.fault} onReload={load} />}
      {step.is === 'signed' && <Signed {...step} />}
      {(step.is === 'asking' || step.is === 'signing') && (
        <Question step={step} wallets={wallets} onSign={sign} onReload={load} />
      )}
    </Frame>
  )
}

function Question(props: {
  step: Extract<Step, { is: 'asking' | 'signing' }>
  wallets: readonly OwnerWallet[]
  onSign: (question: PolicyChallengeView, wallet: OwnerWallet) => Promise<void>
  onReload: () => void
}) {
  const { question, fault, is } = props.step
  const [chosen, setChosen] = useState<string>()
  const left = question.expiresAt - useSeconds()
  const fitting = props.wallets.filter(({ scheme }) => scheme === question.scheme)
  const wallet = fitting.find(({ id }) => id === chosen) ?? fitting[0]
  return (
    <>
      <header class="head">
        <h1>Loosen this policy?</h1>
        <span class="time" data-soon={left <= 60} role="timer">
          <Icon name="clock" /> {left > 0 ? `${timeLeft(left)} left` : 'Time is over'}
        </span>
      </header>
      <Change question={question} />
      <section class="code">
        <span class="code-value">{question.policyChange.shortCode}</span>
        <span>Compare with the code in the operator's terminal. If they differ, do not sign.</span>
      </section>
      {left <= 0 && (
        <button type="button" class="button" onClick={props.onReload}>
          Ask again
        </button>
      )}
      {left > 0 && wallet === undefined && <NoWallet ownerAddress={question.ownerAddress} />}
      {left > 0 && wallet !== undefined && (
        <section class="decision" aria-label="Your decision">
          {fault && <FaultNote fault={fault} />}
          {fitting.length > 1 && <Choice wallets={fitting} chosen={wallet.id} onChoose={setChosen} />}
          <div class="answers">
            <button
              type="button"
              class="button"
              data-look="main"
              disabled={is === 'signing'}
              onClick={() => props.onSign(question, wallet)}
            >
              {is === 'signing' ? `Answer in ${visible(wallet.name)} …` : 'Sign: let it be loosened'}
            </button>
          </div>
          <p class="signed-by">If you do not want it, close this page: nothing changes without your signature.</p>
        </section>
      )}
      <SignedMessage question={question} />
    </>
  )
}

/** The change in the words that are signed. */
function Change({ question }: { question: PolicyChallengeView }) {
  const { agents, lines, policyVersion } = question.policyChange
  const [what, ...values] = lines
  return (
    <article class="payment">
      <section class="effect" data-look="other">
        <p class="amount-words">{visible(what ?? '')}</p>
        <ul class="changes">
          {values.map((line) => (
            <li key={line}>{visible(line)}</li>
          ))}
        </ul>
      </section>
      <p class="warning" role="note">
        <Icon name="warning" />
        <span>
          From then on more may be spent without asking you, by {agents.map(({ name }) => visible(name)).join(', ')}.
        </span>
      </p>
      <dl class="facts">
        <dt>Policies now</dt>
        <dd>version {policyVersion}</dd>
      </dl>
    </article>
  )
}

function Signed({ proof, question }: { proof: string; question: PolicyChallengeView }) {
  return (
    <section class="outcome" data-look="good" role="status">
      <span class="outcome-sign">
        <Icon name="check" />
      </span>
      <h2>Signed</h2>
      <p>
        Give this to the operator, who pastes it into the terminal within five minutes. It is good for this change only.
      </p>
      <p class="hash">
        <span>Signature</span>
        <code>{proof}</code>
        <CopyButton text={proof} label="Copy signature" />
      </p>
      <p>{visible(question.policyChange.lines[0] ?? '')}</p>
    </section>
  )
}

const BAD_LINK: Fault = { code: 'bad_link', message: 'This link is not complete.' }

/** The words for payments do not fit here. */
function closed({ fault }: { fault: Fault }): { fault: Fault } {
  const own = words[fault.code]
  return { fault: own === undefined ? fault : { ...fault, ...own } }
}

const words: Readonly<Record<string, Fault>> = {
  APPROVAL_NOT_FOUND: {
    code: 'nothing_to_sign',
    message: 'There is nothing to sign',
    hint: 'This change loosens nothing any more: the operator can make it alone.',
  },
}

function contradicted(what: string): Fault {
  return {
    code: 'contradiction',
    message: `Not signed: ${what} than this page shows.`,
    hint: 'Do not sign this. Reload the page; if it stays, tell the operator of this wallet.',
  }
}
