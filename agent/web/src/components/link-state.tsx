import type { Link } from '../connection.ts'
import { useSeconds } from './use-seconds.ts'

/** Whether this page talks to the gateway, in words and with a colour. */
export function LinkState({ link, onRetry }: { link: Link; onRetry: () => void }) {
  const now = useSeconds(link.state === 'waiting')
  return (
    <div class="link" data-state={link.state} role="status">
      <span class="link-dot" aria-hidden="true" />
      <span>{words(link, now)}</span>
      {link.state === 'waiting' || link.state === 'locked' ? (
        <button type="button" class="text-button" onClick={onRetry}>
          Now
        </button>
      ) : null}
    </div>
  )
}

function words(link: Link, now: number): string {
  switch (link.state) {
    case 'connecting':
      return 'Connecting'
    case 'connected':
      return 'Connected'
    case 'waiting': {
      const seconds = Math.max(1, Math.ceil(link.retryAt / 1000 - now))
      return `Reconnecting in ${seconds} s`
    }
    case 'offline':
      return 'Offline'
    case 'locked':
      return 'Not signed in'
  }
}
