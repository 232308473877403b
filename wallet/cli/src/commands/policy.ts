import { existsSync, readFileSync } from 'node:fs'
import {
  type Challenge,
  type OwnerProof,
  ownerProof,
  type PolicyChange,
  type WAIaaSAdminClient,
  WAIaaSError,
  WAIaaSOwnerClient,
} from '@waiaas/sdk'
import { asOperator, findAgent } from '../as-operator.ts'
import { askLine, printable, signWithKey, walletWords } from '../ask-owner.ts'
import { runningDaemon } from '../daemon-state.ts'
import { CliError } from '../fault.ts'

type Owner = { keyFile?: string }
type Daemon = Awaited<ReturnType<typeof runningDaemon>>
type Rules = { rules?: string; rulesFile?: string }
type CreateOptions = Owner & Rules & { agent?: string; network?: string; priority?: string }
type UpdateOptions = Owner & Rules & { priority?: string; enable?: boolean; disable?: boolean }

export async function listPolicies(dataDir: string, options: { agent?: string }): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const agentId = options.agent === undefined ? undefined : (await findAgent(admin, options.agent)).id
    for (const policy of await admin.listPolicies(agentId === undefined ? {} : { agentId })) {
      const scope = [policy.agentId ?? 'all agents', policy.network ?? 'all networks']
      const state = policy.enabled ? [] : ['disabled']
      console.log([policy.id, policy.type, ...scope, ...state].join('  '))
      console.log(`  ${printable(JSON.stringify(policy.rules))}`)
    }
  })
}

export async function createPolicy(dataDir: string, type: string, options: CreateOptions): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const agentId = options.agent === undefined ? undefined : (await findAgent(admin, options.agent)).id
    const policy = { agentId, network: options.network, type, rules: readRules(options), ...priorityOf(options) }
    // The daemon knows the types and networks; what it does not know it refuses with the path of the fault.
    await carryOut(dataDir, admin, { kind: 'create', policy } as PolicyChange, options)
  })
}

export async function updatePolicy(dataDir: string, id: string, options: UpdateOptions): Promise<void> {
  if (options.enable === true && options.disable === true)
    throw new CliError('--enable and --disable exclude each other.')
  const hasRules = options.rules !== undefined || options.rulesFile !== undefined
  const change = {
    ...(hasRules ? { rules: readRules(options) } : {}),
    ...priorityOf(options),
    ...(options.enable === true ? { enabled: true } : options.disable === true ? { enabled: false } : {}),
  }
  await asOperator(dataDir, (admin) => carryOut(dataDir, admin, { kind: 'update', id, change }, options))
}

export async function deletePolicy(dataDir: string, id: string, options: Owner): Promise<void> {
  await asOperator(dataDir, (admin) => carryOut(dataDir, admin, { kind: 'delete', id }, options))
}

/** Makes the change; where it loosens what an owner has locked, with that owner's signature. */
async function carryOut(dataDir: string, admin: WAIaaSAdminClient, change: PolicyChange, by: Owner): Promise<void> {
  try {
    await handIn(admin, change, {})
  } catch (error) {
    const agentId = error instanceof WAIaaSError ? error.details?.agentId : undefined
    if (!(error instanceof WAIaaSError) || error.code !== 'OWNER_APPROVAL_REQUIRED') throw error
    if (typeof agentId !== 'string') throw error
    await handIn(admin, change, await askOwner(await runningDaemon(dataDir), agentId, change, by))
  }
}

async function handIn(admin: WAIaaSAdminClient, change: PolicyChange, proof: OwnerProof): Promise<void> {
  if (change.kind === 'delete') {
    await admin.deletePolicy(change.id, proof)
    return console.log(`Removed policy ${change.id}.`)
  }
  if (change.kind === 'update') {
    const policy = await admin.updatePolicy(change.id, change.change, proof)
    return console.log(`Changed policy ${policy.id}. The policies are at version ${policy.version}.`)
  }
  const policy = await admin.createPolicy(change.policy, proof)
  console.log(`Added policy ${policy.id}. The policies are at version ${policy.version}.`)
}

async function askOwner(daemon: Daemon, agentId: string, change: PolicyChange, by: Owner): Promise<OwnerProof> {
  const { keyFile } = by
  let fromPage: OwnerProof | undefined
  const owner = new WAIaaSOwnerClient({
    ...daemon,
    sign: async (challenge) => {
      show(challenge)
      if (keyFile !== undefined) return await signWithKey(keyFile, challenge)
      const link = `${daemon.baseUrl}/approve/policy#${base64url({ resourceId: agentId, change })}`
      console.error(`Have the owner sign on this page, and paste the result:\n\n${link}\n`)
      console.error(`Or sign this with the wallet of ${challenge.ownerAddress}, as ${walletWords[challenge.scheme]}:\n`)
      console.error(`${challenge.message}\n\nPaste the signature:`)
      const line = await askLine(
        'Paste the signature, name a key with --key-file, or sign on the page that the link opens.',
      )
      fromPage = readPageAnswer(line)
      return line
    },
  })
  const own = await owner.provePolicyChange(agentId, change)
  return fromPage ?? own
}

function show(challenge: Challenge): void {
  if (!('policyChange' in challenge)) return
  const { agents, lines, shortCode } = challenge.policyChange
  const text = [
    'This relaxes a limit that the owner has locked, so the owner must sign.',
    ...agents.map(({ id, name }) => `Agent     ${name} (${id})`),
    ...lines.map((line) => `Change    ${line}`),
    `Code      ${shortCode}`,
    `Until     ${new Date(challenge.expiresAt * 1000).toISOString()}`,
  ]
  console.error(`${text.map(printable).join('\n')}\n`)
}

/** What the signing page gives: message and signature in one piece. */
function readPageAnswer(line: string): OwnerProof | undefined {
  if (!line.startsWith('eyJ')) return undefined
  try {
    const { address, message, signature } = JSON.parse(Buffer.from(line, 'base64url').toString('utf8'))
    return ownerProof({ ownerAddress: `${address}`, message: `${message}` }, `${signature}`)
  } catch (error) {
    throw new CliError('This is not the complete result of the page.', { hint: 'Copy all of it.', cause: error })
  }
}

function readRules({ rules, rulesFile }: Rules): Record<string, unknown> {
  if ((rules === undefined) === (rulesFile === undefined)) throw new CliError('Give --rules or --rules-file.')
  if (rulesFile !== undefined && !existsSync(rulesFile)) throw new CliError(`The file ${rulesFile} does not exist.`)
  try {
    return JSON.parse(rules ?? readFileSync(rulesFile!, 'utf8'))
  } catch (error) {
    throw new CliError(`The rules are not valid JSON: ${(error as Error).message}`, {
      hint: `Such as: --rules '{"instant_max": "1000"}'`,
      cause: error,
    })
  }
}

function priorityOf({ priority }: { priority?: string }): { priority?: number } {
  if (priority === undefined) return {}
  if (!/^-?\d{1,4}$/.test(priority)) throw new CliError(`--priority ${priority} is not a whole number.`)
  return { priority: Number(priority) }
}

function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
