import type { Admission, Delivery, Outbound } from '../channels/channel.ts'
import type { ChannelDefinition } from '../channels/definition.ts'

/** A messenger without a platform: tests put messages in and take deliveries out. */
export function createChannelDouble(deliver: (outbound: Outbound) => Delivery = () => ({ kind: 'delivered' })) {
  let admission: Admission
  const out: Outbound[] = []
  const waiters: { kind: string; resolve: (outbound: Outbound) => void }[] = []
  const definition: ChannelDefinition = {
    name: 'letters',
    create: () => ({
      name: 'letters',
      approvalSeconds: 900,
      start: async (given) => {
        admission = given
      },
      deliver: async (outbound) => {
        const delivery = deliver(outbound)
        if (delivery.kind !== 'delivered') return delivery
        const index = waiters.findIndex(({ kind }) => kind === outbound.kind)
        if (index === -1) out.push(outbound)
        else waiters.splice(index, 1)[0]!.resolve(outbound)
        return delivery
      },
      stop: async () => {},
    }),
  }
  return {
    definition,
    /** Ann is the owner; see `agent-fixture.ts`. */
    receive: (id: string, text: string, { chat = 'ann', user = 'ann' } = {}) =>
      admission.admit({ channel: 'letters', chat, user, id, text, owner: false }),
    answer: (cardId: string, decision: 'approve' | 'reject', { user = 'ann', sessionId = 'letters:ann' } = {}) =>
      admission.answer({ channel: 'letters', user, owner: false }, sessionId, cardId, decision),
    cancel: ({ user = 'ann', sessionId = 'letters:ann' } = {}) =>
      admission.cancel({ channel: 'letters', user, owner: false }, sessionId),
    /** The next delivery of this kind. */
    delivered: <Kind extends Outbound['kind']>(kind: Kind) => {
      const index = out.findIndex((outbound) => outbound.kind === kind)
      const { promise, resolve } = Promise.withResolvers<Outbound>()
      if (index === -1) waiters.push({ kind, resolve })
      else resolve(out.splice(index, 1)[0]!)
      return promise as Promise<Extract<Outbound, { kind: Kind }>>
    },
  }
}
