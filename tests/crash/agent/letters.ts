import type { Admission, Channel } from '../../../agent/openpista/src/channels/channel.ts'
import type { ChannelDefinition } from '../../../agent/openpista/src/channels/definition.ts'
import type { Update } from './platform.ts'

/** A messenger as a channel, spoken to over HTTP: updates are asked for, and come again until they are confirmed. */
export function lettersIn(name: string, url: string): ChannelDefinition {
  const ending = new AbortController()
  let listening: Promise<void> = Promise.resolve()

  async function ask<Answer>(path: string, body: unknown): Promise<Answer> {
    const init = { method: 'POST', body: JSON.stringify(body), signal: ending.signal }
    return (await (await fetch(`${url}${path}`, init)).json()) as Answer
  }

  async function listen(admission: Admission): Promise<void> {
    while (!ending.signal.aborted) {
      for (const update of await ask<Update[]>('/updates', {})) {
        await take(admission, update)
        await ask('/confirm', { id: update.id })
      }
    }
  }

  async function take(admission: Admission, update: Update): Promise<void> {
    const { chat } = update
    if (update.kind === 'message') {
      await admission.admit({ channel: name, chat, user: chat, id: update.id, text: update.text, owner: true })
    } else
      await admission.answer({ channel: name, user: chat, owner: true }, `${name}:${chat}`, update.cardId, 'approve')
  }

  const channel: Channel = {
    name,
    approvalSeconds: 900,
    start: async (admission) => {
      listening = listen(admission).catch((error: unknown) => {
        if (!ending.signal.aborted) throw error
      })
    },
    deliver: async (outbound) => {
      const { platformId } = await ask<{ platformId: string }>('/deliver', outbound)
      return { kind: 'delivered', platformId }
    },
    stop: async () => {
      ending.abort()
      await listening
    },
  }
  return { name, create: () => channel }
}
