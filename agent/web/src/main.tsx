import { render } from 'preact'
import { createClient } from './client.ts'
import { App } from './components/app.tsx'
import { createKeep } from './keep.ts'
import './styles/base.css'
import './styles/frame.css'
import './styles/conversation.css'
import './styles/card.css'

const socketUrl = new URL('ws', document.baseURI)
socketUrl.protocol = socketUrl.protocol === 'https:' ? 'wss:' : 'ws:'

const client = createClient({
  url: socketUrl.href,
  keep: createKeep(localStorage, () => crypto.randomUUID()),
  newId: () => crypto.randomUUID(),
  isOnline: () => navigator.onLine,
  isLockedOut: () =>
    fetch(new URL('ws', document.baseURI), { cache: 'no-store' }).then(
      ({ status }) => status === 401 || status === 403,
      () => false,
    ),
  random: Math.random,
})

addEventListener('online', client.reconnect)
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') client.reconnect()
})
const root = document.getElementById('app')
if (root === null) throw new Error('index.html has no element #app')
render(<App client={client} />, root)

if ('serviceWorker' in navigator && import.meta.env.PROD) {
  navigator.serviceWorker.register('./service-worker.js').catch((error: unknown) => {
    // The page works without: only opening it while the gateway is down does not.
    console.info('No service worker:', error)
  })
}
