import { type Challenge, WAIaaSOwnerClient } from '@waiaas/sdk'
import { askSignature, printable, signWithKey } from '../ask-owner.ts'
import { runningDaemon } from '../daemon-state.ts'
import { effectText } from '../effect-text.ts'

type Options = { reject?: boolean; keyFile?: string }

/** Shows what a waiting transaction does, takes the owner's signature, and hands it in. */
export async function approve(dataDir: string, transactionId: string, options: Options): Promise<void> {
  const { keyFile } = options
  const owner = new WAIaaSOwnerClient({
    ...(await runningDaemon(dataDir)),
    sign: async (challenge) => {
      if ('approval' in challenge) show(challenge)
      return keyFile === undefined ? await askSignature(challenge) : await signWithKey(keyFile, challenge)
    },
  })
  const decided = options.reject === true ? await owner.reject(transactionId) : await owner.approve(transactionId)
  console.log(`${options.reject === true ? 'Rejected' : 'Approved'}. The transaction is ${decided.status}.`)
}

function show(challenge: Extract<Challenge, { approval: unknown }>): void {
  const { approval } = challenge
  const lines = [
    `Agent     ${approval.agent.name} (${approval.agent.id})`,
    `Network   ${approval.network}`,
    `From      ${approval.from}`,
    ...approval.effects.map((effect) => `Does      ${effectText(effect)}`),
    `Fee       at most ${approval.humanMaxFee} ${approval.feeSymbol}`,
    ...(approval.balance === undefined
      ? []
      : [`Balance   ${approval.balance.before}, then ${approval.balance.after} ${approval.balance.symbol}`]),
    ...approval.reasons.filter(({ tier }) => tier === 'APPROVAL').map(({ message }) => `Why       ${message}`),
    `Code      ${approval.shortCode}`,
    `Until     ${new Date(approval.expiresAt * 1000).toISOString()}`,
  ]
  console.error(lines.map(printable).join('\n'))
}
