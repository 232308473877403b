import { type ErrorCode, errorCodes, errorSpec } from '@waiaas/core'
import { WAIaaSError } from '@waiaas/sdk'
import type { Argument, Command, Option } from 'commander'

/**
 * What to do about an error of the daemon, at a command line. The daemon's own hints are for programs that call it over
 * HTTP: a hint that names routes, headers or fields has other words here, or none. `<transaction>` and `<agent>` become
 * what the command was given.
 */
const hints: Readonly<Partial<Record<ErrorCode, string | undefined>>> = {
  INVALID_TOKEN: 'Run the command again.',
  TOKEN_EXPIRED: 'Run the command again.',
  SESSION_REVOKED: undefined,
  SESSION_EXPIRED: undefined,
  INVALID_SIGNATURE: "Run the command again, and sign with the owner's wallet.",
  INVALID_NONCE: 'Run the command again, and sign within 5 minutes.',
  MASTER_PASSWORD_LOCKED: 'Too many wrong passwords were entered. Try again in a few seconds.',
  SYSTEM_LOCKED: 'See: waiaas kill-switch --status. To start the recovery: waiaas recover',
  SESSION_NOT_FOUND: 'See: waiaas session list <agent>',
  TX_NOT_FOUND: 'See: waiaas tx list',
  TX_ALREADY_PROCESSED: 'See: waiaas tx show <transaction>',
  AGENT_NOT_FOUND: 'See: waiaas agent list',
  POLICY_NOT_FOUND: 'See: waiaas policy list',
  CHAIN_ERROR: 'Try again later. To check the nodes: waiaas doctor',
  OUTCOME_UNKNOWN: 'Look again later: waiaas tx show <transaction>',
  OWNER_SIGNATURE_REQUIRED: 'The owner has to sign.',
  OWNER_ALREADY_CONNECTED:
    'No command can do this: the owner signs the change over the API. See docs/owner-approval.md',
  OWNER_NOT_CONNECTED: 'Register an owner first: waiaas agent set-owner <agent> <address>',
  NO_OWNER: 'Register an owner first: waiaas agent set-owner <agent> <address>',
  WITHDRAW_LOCKED_ONLY: 'The owner must have signed once, such as an approval: waiaas approve <transaction>',
  RECOVERY_ALREADY_STARTED: 'To see when it ends: waiaas kill-switch --status',
  AGENT_NOT_EMPTY: 'Send everything to the owner first: waiaas agent withdraw <agent>',
  RENEWAL_CONFLICT: undefined,
  INVALID_TRANSACTION: undefined,
  ABI_ENCODING_FAILED: undefined,
  CHAIN_ID_MISMATCH: undefined,
  IDEMPOTENCY_KEY_REQUIRED: undefined,
  IDEMPOTENCY_CONFLICT: undefined,
  IDEMPOTENCY_IN_PROGRESS: undefined,
  EQUAL_REQUEST_OPEN: 'An equal payment was given up and may still be made. See: waiaas tx list --open',
  VALIDATION_FAILED: undefined,
  NOT_FOUND: 'The running daemon may be of another version. See: waiaas status',
  UNSUPPORTED_MEDIA_TYPE: undefined,
  TOO_MANY_STREAMS: undefined,
}

/** The option or argument that carries a field of a request, where it has another name. */
const carriers: Readonly<Record<string, readonly string[]>> = {
  address: ['address', 'token'],
  agentId: ['agent'],
  amount: ['base-units', 'amount'],
  defaultNetwork: ['network'],
  humanAmount: ['amount'],
  id: ['transaction', 'policy', 'session', 'agent'],
  maxFee: ['max-fee'],
  ownerAddress: ['owner', 'address'],
  rpcUrl: ['rpc'],
  rules: ['rules', 'rules-file'],
}

/** Message and hint of an error, for the person who ran this command. */
export function inCommandWords(error: Error, command: Command): { message: string; hint: string | undefined } {
  const { message, hint } = error as { message: string; hint?: string }
  if (!(error instanceof WAIaaSError)) return { message, hint }
  const words = hintFor(error)
  return { message: issuesText(error, command) ?? message, hint: words && withArguments(words, command) }
}

/** A hint that the daemon gave for this one case, instead of the usual one of its code, says more than the code. */
function hintFor({ code, hint }: WAIaaSError): string | undefined {
  if (!Object.hasOwn(errorCodes, code)) return hint
  const usual = errorSpec(code as ErrorCode).hint
  const isSpecial = usual !== undefined && hint !== usual
  return Object.hasOwn(hints, code) && !isSpecial ? hints[code as ErrorCode] : hint
}

type Issue = { path: string; message: string }

/** What is wrong with each field, by the name of what carries it; `undefined` where the error names no field. */
function issuesText({ code, details }: WAIaaSError, command: Command): string | undefined {
  if (code !== 'VALIDATION_FAILED' || !Array.isArray(details?.issues)) return undefined
  const lines = (details.issues as Issue[]).map(({ path, message }) => {
    const place = placeText(path, command)
    return place === '' ? message : `${place}: ${message}`
  })
  return lines.join('\n')
}

/** `$.rules.instant_max` is `--rules, instant_max`. What nothing carries keeps its own name. */
function placeText(path: string, command: Command): string {
  const steps = path.split('.').slice(1)
  for (let last = steps.length; last > 0; last--) {
    const carrier = carrierOf(steps[last - 1]!.replace(/\[.*/, ''), command)
    if (carrier !== undefined)
      return [carrier, ...(last < steps.length ? [steps.slice(last).join('.')] : [])].join(', ')
  }
  return steps.join('.')
}

function carrierOf(field: string, command: Command): string | undefined {
  const names = carriers[field] ?? [field]
  const options = names.flatMap((name) => command.options.filter((option) => longName(option) === name))
  const given = options.find((option) => command.getOptionValue(option.attributeName()) !== undefined)
  const option = given ?? options[0]
  if (option !== undefined) return `--${longName(option)}`
  const argument = command.registeredArguments.find((each) => names.includes(each.name()))
  return argument === undefined ? undefined : `<${argument.name()}>`
}

function longName(option: Option): string {
  return option.long?.replace(/^--/, '') ?? ''
}

/** `<transaction>` as it was given, where that is safe to paste into a shell. */
function withArguments(text: string, command: Command): string {
  return text.replaceAll(/<(\w+)>/g, (placeholder, name: string) => {
    const at = command.registeredArguments.findIndex((argument: Argument) => argument.name() === name)
    const value: unknown = at === -1 ? undefined : command.args[at]
    return typeof value === 'string' && /^[\w.-]+$/.test(value) ? value : placeholder
  })
}
