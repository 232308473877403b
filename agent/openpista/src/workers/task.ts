import type { Inbound } from '../channels/channel.ts'
import { contextMessages } from '../domain/compaction.ts'
import { untrustedSources } from '../domain/history.ts'
import { senderProvenance } from '../domain/provenance.ts'
import { readContext } from '../store/conversation.ts'
import type { Store } from '../store/store.ts'
import { turnMessage } from '../store/turns.ts'
import { WORKER_CHANNEL, type WorkerOrigin } from './worker.ts'

/** More than a model sees, and so never less. */
const EVERY_ROW = Number.MAX_SAFE_INTEGER

/** Begins the message, so that no task is a slash command. */
const INTRO =
  'You are a worker: an agent gave you the task below. Do it with your tools. Your last message is the report that ' +
  'goes back to it, and the only thing of yours that it reads; say in it what you found or did, and what failed. ' +
  'Ask nothing: nobody answers.\n\nTask:\n'

/**
 * A task as the first message of a worker's session. It is the wish of whoever asked in the turn that it comes from,
 * and everybody whose words stand in that conversation may have shaped it.
 */
export async function taskMessage(
  { db }: Store,
  worker: string,
  task: string,
  { sessionId, turnId }: WorkerOrigin,
): Promise<Inbound> {
  const sender = senderProvenance(await turnMessage(db, turnId))
  const untrusted = untrustedSources(contextMessages(await readContext(db, sessionId, EVERY_ROW)))
  return {
    channel: WORKER_CHANNEL,
    chat: worker,
    user: 'agent',
    id: 'task',
    text: `${INTRO}${task}`,
    owner: false,
    work: { kind: 'task', sender, untrusted },
  }
}
