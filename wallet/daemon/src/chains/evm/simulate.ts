import { parseAddress } from '@waiaas/core'
import { encodeData, from as functionFrom } from 'ox/AbiFunction'
import { z } from 'zod'
import { clip } from '../clip.ts'
import type { Reader } from '../rpc-pool.ts'
import type { RpcFailure, RpcResult } from '../rpc-result.ts'
import { UNLIMITED } from './calldata.ts'
import { revertReason } from './node-errors.ts'
import type { EvmCall } from './prepared.ts'
import { Data, Quantity, toQuantity } from './quantity.ts'
import { readWord } from './tokens.ts'

/** How much of a token an account has; without a token, of the native coin. */
export type BalanceWatch = { token: string | null; account: string }
export type AllowanceWatch = { token: string; spender: string }

/** What a call would do now. Balances that a contract does not tell are left out. */
export type Simulation =
  | {
      kind: 'ran'
      balances: (BalanceWatch & { before: bigint; after: bigint })[]
      /** What the wallet lets others take. */
      allowances: (AllowanceWatch & { before: bigint; after: bigint })[]
      /** What could not be followed. */
      unclear: string[]
    }
  | { kind: 'failed'; why: string }
  /** No node knows how to. */
  | { kind: 'unable' }
  /** No node answered. */
  | { kind: 'lost'; message: string }

type Watch = { balances: BalanceWatch[]; allowances: AllowanceWatch[] }

const Log = z.object({ address: z.string(), topics: z.array(z.string()), data: z.string() })
type Log = z.output<typeof Log>
const CallResult = z.object({
  status: Quantity,
  returnData: Data.nullish(),
  logs: z.array(Log).nullish(),
  error: z.object({ message: z.string(), data: z.unknown().optional() }).nullish(),
})
type CallResult = z.output<typeof CallResult>
const Blocks = z.array(z.object({ calls: z.array(CallResult) }))

/** An address where a simulation puts code that answers with the native balance of who is asked for. */
const BALANCE_PROBE = '0x00000000000000000000000000000000c0117e57'
const PROBE_CODE = '0x6000353160005260206000f3'
const balanceOf = functionFrom('function balanceOf(address account) view returns (uint256)')
const allowance = functionFrom('function allowance(address owner, address spender) view returns (uint256)')
const MAX_WATCHED = 40

/**
 * Runs a call on the newest state, with balances and allowances asked for before and after it. Tokens that the
 * call's own logs name are asked for in a second run.
 */
export async function simulateCall(
  rpc: Reader,
  wallet: string,
  call: EvmCall,
  balances: readonly BalanceWatch[],
): Promise<Simulation> {
  const watch: Watch = { balances: [{ token: null, account: wallet }, ...balances], allowances: [] }
  const first = await run(rpc, wallet, call, watch)
  if (!first.ok) return notRun(first.failure)
  if (first.value.tx.status !== 1n) return failed(first.value.tx)
  const wider = widen(watch, first.value.tx.logs ?? [], wallet)
  const size = wider.balances.length + wider.allowances.length
  if (size === watch.balances.length) return ran(first.value, wallet, [])
  if (size > MAX_WATCHED) return ran(first.value, wallet, ['it moves more tokens than can be followed'])
  const second = await run(rpc, wallet, call, wider)
  if (!second.ok) return notRun(second.failure)
  return second.value.tx.status === 1n ? ran(second.value, wallet, []) : failed(second.value.tx)
}

/** Nodes without the method refuse it with many words and codes, or answer something else. */
function notRun(failure: RpcFailure): Simulation {
  if (failure.kind === 'unable' || failure.kind === 'error') return { kind: 'unable' }
  return { kind: 'lost', message: failure.message }
}

function ran({ tx, balances, allowances }: Run, wallet: string, unclear: string[]): Simulation {
  const logs = tx.logs ?? []
  return {
    kind: 'ran',
    balances,
    allowances: [...allowances, ...operatorsNamed(logs, wallet), ...itemsGranted(logs, wallet)],
    unclear: [...unclear, ...itemsMoved(logs, wallet)],
  }
}

type Run = { tx: CallResult } & Pick<Extract<Simulation, { kind: 'ran' }>, 'balances' | 'allowances'>

async function run(rpc: Reader, wallet: string, call: EvmCall, watch: Watch): Promise<RpcResult<Run>> {
  const questions = [
    ...watch.balances.map(({ token, account }) => ({
      from: wallet,
      to: token ?? BALANCE_PROBE,
      data: token === null ? `0x${word(account)}` : encodeData(balanceOf, [account as `0x${string}`]),
    })),
    ...watch.allowances.map(({ token, spender }) => ({
      from: wallet,
      to: token,
      data: encodeData(allowance, [wallet as `0x${string}`, spender as `0x${string}`]),
    })),
  ]
  const tx = { from: wallet, to: call.to, value: toQuantity(call.value), data: call.data }
  const calls = [...questions, tx, ...questions]
  const stateOverrides = { [BALANCE_PROBE]: { code: PROBE_CODE } }
  const block = { blockStateCalls: [{ stateOverrides, calls }], validation: false, traceTransfers: false }
  const answer = await rpc.read('eth_simulateV1', [block, 'latest'], z.unknown())
  if (!answer.ok) return answer
  const blocks = Blocks.safeParse(answer.value)
  const results = blocks.data?.[0]?.calls ?? []
  const result = results[questions.length]
  if (results.length !== calls.length || result === undefined) {
    return { ok: false, failure: { kind: 'unable', code: 0, message: 'The node simulated something else.' } }
  }
  const answerAt = (index: number) => {
    const { status, returnData } = results[index]!
    return status === 1n ? readWord(returnData ?? '0x') : undefined
  }
  const pair = <Watched>(watched: readonly Watched[], offset: number) =>
    watched.flatMap((each, index) => {
      const before = answerAt(offset + index)
      const after = answerAt(questions.length + 1 + offset + index)
      return before === undefined || after === undefined ? [] : [{ ...each, before, after }]
    })
  const value = {
    tx: result,
    balances: pair(watch.balances, 0),
    allowances: pair(watch.allowances, watch.balances.length),
  }
  return { ok: true, value }
}

function failed({ returnData, error }: CallResult): Simulation {
  const why = revertReason(returnData ?? error?.data) ?? clip(error?.message ?? 'execution reverted')
  return { kind: 'failed', why }
}

/** keccak-256 of the events' signatures. */
const TRANSFER = '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef'
const APPROVAL = '0x8c5be1e5ebec7d5bd14f71427d1e84f3dd0314c0f7b2291e5b200ac8c7c3b925'
const APPROVAL_FOR_ALL = '0x17307eab39ab6107e8899845ad3d59bd9653f200f220920489ca2b5937696c31'
const TRANSFER_SINGLE = '0xc3d58168c5ae7397731d063d5bbf3d657854427343f4c083240f7aacaa2d0f62'
const TRANSFER_BATCH = '0x4a39dc06d4c0dbc64b70af90fd698a233a518aa5d07e595d983b8c0526c8f7fb'

/** The watch, and every token and spender that a log names together with the wallet. */
function widen(watch: Watch, logs: readonly Log[], wallet: string): Watch {
  const balances = new Map(watch.balances.map((each) => [`${each.token} ${each.account}`, each]))
  const allowances = new Map(watch.allowances.map((each) => [`${each.token} ${each.spender}`, each]))
  for (const { address, topics } of logs) {
    const token = parseAddress('evm', address)
    if (!token.ok) continue
    const [event, first, second] = topics
    if (event === TRANSFER && (isWallet(first, wallet) || isWallet(second, wallet))) {
      const each = { token: token.address, account: wallet }
      balances.set(`${each.token} ${each.account}`, each)
    }
    const spender = event === APPROVAL && isWallet(first, wallet) ? addressIn(second) : undefined
    if (spender !== undefined) {
      const each = { token: token.address, spender }
      allowances.set(`${each.token} ${each.spender}`, each)
    }
  }
  return { balances: [...balances.values()], allowances: [...allowances.values()] }
}

/** Rights over all items of a collection, which are no allowance but weigh like one without limit. */
function operatorsNamed(logs: readonly Log[], wallet: string): (AllowanceWatch & { before: bigint; after: bigint })[] {
  return logs.flatMap(({ address, topics: [event, owner, operator], data }) => {
    if (event !== APPROVAL_FOR_ALL || !isWallet(owner, wallet) || readWord(data) === 0n) return []
    const [token, spender] = [parseAddress('evm', address), addressIn(operator)]
    return token.ok && spender !== undefined ? [{ token: token.address, spender, before: 0n, after: UNLIMITED }] : []
  })
}

/** Rights over one item, which no allowance tells: the number of the item is the fourth topic. */
function itemsGranted(logs: readonly Log[], wallet: string): (AllowanceWatch & { before: bigint; after: bigint })[] {
  return logs.flatMap(({ address, topics }) => {
    const [event, owner, approved] = topics
    if (event !== APPROVAL || topics.length !== 4 || !isWallet(owner, wallet) || BigInt(approved!) === 0n) return []
    const [token, spender] = [parseAddress('evm', address), addressIn(approved)]
    return token.ok && spender !== undefined ? [{ token: token.address, spender, before: 0n, after: 1n }] : []
  })
}

/** Items of collections whose balances cannot be asked for by the address alone. */
function itemsMoved(logs: readonly Log[], wallet: string): string[] {
  return logs.flatMap(({ address, topics: [event, , from] }) =>
    (event === TRANSFER_SINGLE || event === TRANSFER_BATCH) && isWallet(from, wallet)
      ? [`items of ${address} leave the wallet`]
      : [],
  )
}

function isWallet(topic: string | undefined, wallet: string): boolean {
  return topic !== undefined && topic.toLowerCase() === `0x${word(wallet)}`
}

function addressIn(topic: string | undefined): string | undefined {
  const parsed = topic?.length === 66 ? parseAddress('evm', `0x${topic.slice(26).toLowerCase()}`) : undefined
  return parsed?.ok ? parsed.address : undefined
}

function word(address: string): string {
  return address.slice(2).toLowerCase().padStart(64, '0')
}
