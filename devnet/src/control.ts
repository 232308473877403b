import { parseRule, type Rule } from './misbehaviour.ts'

/** What a test or the demo may do to a local chain besides using it. The same for every chain. */
export type Control = {
  /** Adds a rule; see `Misbehaviour`. */
  misbehave(rule: Rule): Promise<void>
  /** Removes every rule. */
  behave(): Promise<void>
} & ChainControl

/** The part of `Control` that each chain implements. */
export type ChainControl = {
  /** Transactions are still accepted, but wait until `resumeMining` or `mine`. */
  pauseMining(): Promise<void>
  resumeMining(): Promise<void>
  /** Makes `blocks` blocks at once; the first includes what waits. */
  mine(blocks: number): Promise<void>
  /** Replaces the newest `depth` blocks by a branch without their transactions: effects and receipts vanish. */
  reorganise(depth: number): Promise<void>
  /**
   * What waits is never included. Where transactions have a lifetime, every one signed until now also becomes
   * invalid; elsewhere the same bytes may be sent again.
   */
  expirePending(): Promise<void>
  /** Adds `amount` of the chain's smallest unit to the balance of `address`. */
  fund(address: string, amount: bigint): Promise<void>
}

/** The path under a node's RPC address where its control endpoint is. */
export const CONTROL_PATH = '/control/'

type Command = (control: Control, input: Record<string, unknown>) => Promise<void>

/** Control commands that only some backends have. */
export type Commands = Readonly<Record<string, Command>>

const COMMANDS: Commands = {
  misbehave: (control, input) => control.misbehave(parseRule(input)),
  behave: (control) => control.behave(),
  'pause-mining': (control) => control.pauseMining(),
  'resume-mining': (control) => control.resumeMining(),
  mine: (control, input) => control.mine(positive(input.blocks, 'blocks')),
  reorganise: (control, input) => control.reorganise(positive(input.depth, 'depth')),
  'expire-pending': (control) => control.expirePending(),
  fund: (control, input) => control.fund(text(input.address, 'address'), amountOf(input.amount)),
}

/** Carries out `POST /control/<name>` and gives the HTTP answer. */
export async function runCommand(
  control: Control,
  name: string,
  body: string,
  own: Commands = {},
): Promise<ControlAnswer> {
  const commands = { ...COMMANDS, ...own }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command)
    return { status: 404, body: { error: `unknown command; there are ${Object.keys(commands).join(', ')}` } }
  try {
    const input: unknown = body === '' ? {} : JSON.parse(body)
    if (typeof input !== 'object' || input === null) throw new TypeError('the body must be a JSON object')
    await command(control, input as Record<string, unknown>)
    return { status: 200, body: { ok: true } }
  } catch (error) {
    return { status: 400, body: { error: error instanceof Error ? error.message : String(error) } }
  }
}

export type ControlAnswer = { status: number; body: { ok: true } | { error: string } }

/** Drives a node that another process runs, over its control endpoint. */
export function connectControl(rpcUrl: string): Control {
  const send = (name: string, input: unknown = {}) => sendCommand(rpcUrl, name, input)
  return {
    misbehave: (rule) => send('misbehave', rule),
    behave: () => send('behave'),
    pauseMining: () => send('pause-mining'),
    resumeMining: () => send('resume-mining'),
    mine: (blocks) => send('mine', { blocks }),
    reorganise: (depth) => send('reorganise', { depth }),
    expirePending: () => send('expire-pending'),
    fund: (address, amount) => send('fund', { address, amount: amount.toString() }),
  }
}

/** Gives one command to a node over its control endpoint; throws what the node says against it. */
export async function sendCommand(rpcUrl: string, name: string, input: unknown): Promise<void> {
  const response = await fetch(new URL(`${CONTROL_PATH}${name}`, rpcUrl), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  const answer = (await response.json()) as ControlAnswer['body']
  if ('error' in answer) throw new Error(`control command ${name}: ${answer.error}`)
}

function positive(value: unknown, name: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < 1)
    throw new TypeError(`${name} must be a whole number above 0`)
  return value as number
}

function text(value: unknown, name: string): string {
  if (typeof value !== 'string' || value === '') throw new TypeError(`${name} must be a text`)
  return value
}

function amountOf(value: unknown): bigint {
  if (typeof value !== 'string' || !/^[0-9]{1,78}$/.test(value)) {
    throw new TypeError('amount must be a decimal text in the smallest unit')
  }
  return BigInt(value)
}
