import type { AnswerOf, BodyOf } from '@waiaas/sdk'
import { asOperator, findAgent } from '../as-operator.ts'
import { printable } from '../ask-owner.ts'
import { effectText } from '../effect-text.ts'
import { CliError } from '../fault.ts'

type Payment = { to: string; amount?: string; humanAmount?: string; network?: string; token?: string }

/** Tells what a payment would do and what the policy would say. Nothing is stored, nothing is sent. */
export async function simulate(dataDir: string, agentName: string, payment: Payment): Promise<void> {
  const { to, amount, humanAmount, network, token } = payment
  if ((amount === undefined) === (humanAmount === undefined)) {
    throw new CliError('Give exactly one of --amount (human units, such as 0.5) and --base-units.')
  }
  const kind = token === undefined ? {} : { type: 'TOKEN_TRANSFER', token: { address: token } }
  const request = { ...kind, to, amount, humanAmount, network } as BodyOf<'simulatePolicy'>['request']
  await asOperator(dataDir, async (admin) => {
    const { id: agentId } = await findAgent(admin, agentName)
    const told = await admin.simulatePolicy({ agentId, request })
    const lines = [
      ...told.effects.map((effect) => `Does      ${effectText(effect)}`),
      `Fee       at most ${told.humanMaxFee}`,
      `Verdict   ${verdictText(told)}`,
      ...told.reasons.map(reasonLine),
      `Policies  version ${told.policyVersion}, trace ${told.traceHash}`,
    ]
    print(lines)
  })
}

/** Tells why a transaction was treated as it was. */
export async function trace(dataDir: string, transactionId: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const told = await admin.getTrace(transactionId)
    print([
      `Transaction  ${told.transactionId} on ${told.network}, ${told.status}`,
      `Enforced     ${told.tier ?? 'never judged'}`,
      ...told.reasons.map(reasonLine),
      ...told.judgements.flatMap(judgementLines),
    ])
  })
}

type Judgement = AnswerOf<'getTrace'>['judgements'][number]

function judgementLines(judgement: Judgement): string[] {
  const at = new Date(judgement.at * 1000).toISOString()
  const proof = judgement.reproduced ? 'the same when asked again' : 'NOT the same when asked again'
  return [
    '',
    `Judged       ${at}: ${verdictText(judgement)}, policies version ${judgement.policyVersion}`,
    `Trace        ${judgement.traceHash}, ${proof}`,
    ...judgement.effects.map((effect) => `Does         ${effectText(effect)}`),
    ...Object.entries(judgement.facts.spent).map(([question, total]) => `Counted      ${question} = ${total}`),
    ...judgement.reasons.map(reasonLine),
  ]
}

function verdictText({ tier, code }: { tier: string; code?: string | undefined }): string {
  return code === undefined ? tier : `${tier} (${code})`
}

function reasonLine({ rule, tier, message }: { rule: string; tier: string; message: string }): string {
  return `  ${tier.padEnd(8)} ${rule}: ${message}`
}

function print(lines: readonly string[]): void {
  for (const line of lines) console.log(printable(line))
}
