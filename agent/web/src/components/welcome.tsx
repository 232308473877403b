import { Mark } from './icons.tsx'

type Suggestion = { text: string; what: string }

const commands: readonly Suggestion[] = [
  { text: '/run uname -a', what: 'Run a command. It asks you first.' },
  { text: '/wallet balance', what: 'See what the wallet holds.' },
  { text: '/wallet send 0.001 ETH to ', what: 'Pay somebody, inside your limits.' },
  { text: '/fetch https://example.com', what: 'Read a web page.' },
]

const questions: readonly Suggestion[] = [
  { text: 'What is filling up the disk of this machine?', what: 'It looks, and asks before it runs anything.' },
  { text: 'Summarise https://example.com for me.', what: 'Pages are read as strangers, never obeyed.' },
  { text: '/wallet balance', what: 'See what the wallet holds.' },
  { text: '/wallet send 0.001 ETH to ', what: 'Pay somebody, inside your limits.' },
]

/** What a new session shows: what to try, and without a model how to get one. */
export function Welcome(props: {
  model: string | undefined
  hint: string | undefined
  onPick: (text: string) => void
}) {
  const { model, hint } = props
  const suggestions = model === undefined ? commands : questions
  return (
    <div class="welcome">
      <Mark />
      <h2>What shall we do?</h2>
      <p class="welcome-lead">
        Your agent works on this machine. It asks before it changes anything, and only you can move money.
      </p>
      {model === undefined ? (
        <div class="welcome-hint" role="note">
          <strong>No model yet.</strong> Commands work without one.
          <span>{hint ?? 'Add a model with: openpista auth login'}</span>
        </div>
      ) : null}
      <ul class="suggestions">
        {suggestions.map(({ text, what }) => (
          <li key={text}>
            <button type="button" onClick={() => props.onPick(text)}>
              <span class="suggestion-text" data-command={text.startsWith('/')}>
                {text.trim()}
              </span>
              <span class="suggestion-what">{what}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
