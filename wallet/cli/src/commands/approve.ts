import { type Challenge, WAIaaSOwnerClient } from '@waiaas/sdk'
import { askLine, printable, signWithKey, walletWords } from '../ask-owner.ts'
import { runningUrl } from '../daemon-state.ts'

type Options = { reject?: boolean; keyFile?: string }

/** Shows what a waiting transaction does, takes the owner's signature, and hands it in. */
export async function approve(dataDir: string, transactionId: string, options: Options): Promise<void> {
  const { keyFile } = options
  const owner = new WAIaaSOwnerClient({
    baseUrl: await runningUrl(dataDir),
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

type Effect = Extract<Challenge, { approval: unknown }>['approval']['effects'][number]

function effectText(effect: Effect): string {
  switch (effect.kind) {
    case 'spend':
      return `send ${effect.humanAmount} ${assetText(effect.asset)} to ${effect.to}`
    case 'grant':
      return `let ${effect.spender} take ${effect.humanAmount} ${assetText(effect.asset)}`
    case 'call':
      return `call ${effect.selector} of ${effect.target}`
    case 'opaque':
      return `something that cannot be read: ${effect.why}`
    default:
      return effect.kind
  }
}

/** Anybody may call a token by any symbol: its address tells which it is. */
function assetText(asset: { symbol: string; address?: string | undefined }): string {
  return asset.address === undefined ? asset.symbol : `${asset.symbol} (${asset.address})`
}

async function askSignature(challenge: Challenge): Promise<string> {
  console.error(`\nSign this with the wallet of ${challenge.ownerAddress}, as ${walletWords[challenge.scheme]}:\n`)
  console.error(`${challenge.message}\n\nPaste the signature:`)
  return await askLine()
}
