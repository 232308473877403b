import { type Asset, type BalanceChange, type Effect, isOutflow, isRevocation } from '@waiaas/core'
import { z } from 'zod'
import { describeAmount, type Refusal, refuse } from '../payment.ts'
import { type Kept, tokenAsset } from '../token.ts'
import { decodeEvm, tokensIn } from './decode.ts'
import type { EvmContext } from './draft.ts'
import type { EvmCall, EvmPrepared } from './prepared.ts'
import { toQuantity } from './quantity.ts'
import { type BalanceWatch, type Simulation, simulateCall } from './simulate.ts'
import { callContract, readItems, readWord } from './tokens.ts'

type Ran = Extract<Simulation, { kind: 'ran' }>

/**
 * What a serialized transaction does: what its bytes say, and what the chain does with them now beyond that.
 * Only a call to an address with code is simulated; a plain payment does what it says, and so does one to a person
 * whose account has code, where the chain shows that nothing else moves.
 */
export async function deriveEffects(
  context: EvmContext,
  raw: `0x${string}`,
  call: EvmCall,
  wallet: string,
  code: string,
  moves: EvmPrepared['moves'],
): Promise<{ ok: true; effects: Effect[]; changes?: BalanceChange[] } | Refusal> {
  const { network } = context
  const hasCode = code !== '0x'
  const facts = { network, wallet, hasCode: () => hasCode }
  const unnamed = decodeEvm(raw, { ...facts, tokens: new Map() })
  if (!hasCode && call.data === '0x') return { ok: true, effects: unnamed }
  const named = tokensIn(unnamed)
  const watch = watchFor(named, moves, wallet)
  const [simulation, known] = await Promise.all([
    simulateCall(context.rpc, wallet, call, watch),
    readTokens(context, named),
  ])
  if (!known.ok) return known
  if (simulation.kind === 'failed') {
    return refuse('SIMULATION_FAILED', `The transaction would fail: ${simulation.why}`)
  }
  if (simulation.kind === 'lost') return refuse('CHAIN_ERROR', simulation.message)
  if (simulation.kind === 'unable') {
    const refusal = moves && (await checkAnswer(context, call, wallet))
    if (refusal !== undefined) return refusal
    const effects = decodeEvm(raw, { ...facts, tokens: known.tokens })
    if (isPlainTo(call, code) && (await touchesNothingElse(context, call, wallet, code))) {
      return { ok: true, effects: effects.filter(({ kind }) => kind === 'spend') }
    }
    // A right over what is not known to be a token says nothing of what its contract does.
    const stranger = (effect: Effect) =>
      isRevocation(effect) && tokensIn([effect]).some((token) => !known.tokens.has(token))
    const blind = effects.some((effect) => effect.kind === 'call' || stranger(effect))
    const why = 'this node cannot simulate, so what the call moves is not known'
    return { ok: true, effects: blind ? [...effects, { kind: 'opaque', why }] : effects }
  }
  const seen = [...simulation.balances, ...simulation.allowances].flatMap(({ token }) => token ?? [])
  const all = await readTokens(context, [...named, ...seen])
  if (!all.ok) return all
  const effects = decodeEvm(raw, { ...facts, tokens: all.tokens })
  const changes = changesOf(context, simulation, all.tokens)
  const unpaid = moves && checkMoves(moves, wallet, changes)
  if (unpaid !== undefined) return unpaid
  const observed = complete(effects, simulation, changes, wallet, call, context, all.tokens)
  const isQuiet = observed.length === effects.length && changes.every(({ asset }) => asset.address === undefined)
  if (!isPlainTo(call, code) || !isQuiet) return { ok: true, effects: observed, changes }
  return { ok: true, effects: observed.filter(({ kind }) => kind === 'spend'), changes }
}

/** A payment to a person whose account has delegated to code (EIP-7702): 0xef0100 and the address of the code. */
function isPlainTo(call: EvmCall, code: string): boolean {
  return call.data === '0x' && delegateIn(code) !== undefined
}

function delegateIn(code: string): string | undefined {
  return /^0xef0100([0-9a-f]{40})$/i.exec(code)?.[1]?.toLowerCase()
}

const AccessListResult = z.object({
  accessList: z.array(z.object({ address: z.string() })),
  error: z.string().nullish(),
})

/**
 * For nodes that cannot simulate: whether a call runs nothing but the recipient's own code. Who is called or looked at
 * is in the list that eth_createAccessList makes (go-ethereum, eth/tracers/logger/access_list_tracer.go), which nodes
 * have had for longer.
 */
async function touchesNothingElse({ rpc }: EvmContext, call: EvmCall, wallet: string, code: string): Promise<boolean> {
  const request = { from: wallet, to: call.to, value: toQuantity(call.value) }
  const answer = await rpc.read('eth_createAccessList', [request, 'latest'], AccessListResult)
  if (!answer.ok || (answer.value.error ?? '') !== '') return false
  const own = [call.to.toLowerCase(), `0x${delegateIn(code)}`]
  return answer.value.accessList.every(({ address }) => own.includes(address.toLowerCase()))
}

function watchFor(named: readonly string[], moves: EvmPrepared['moves'], wallet: string): BalanceWatch[] {
  const own = named.map((token) => ({ token, account: wallet }))
  return moves === undefined || moves.to === wallet ? own : [...own, { token: moves.token, account: moves.to }]
}

/** A token, or a collection of items; `undefined` for a contract that is neither. */
async function readKept(
  { tokens, rpc }: Pick<EvmContext, 'tokens' | 'rpc'>,
  address: string,
): Promise<{ ok: true; token: Kept | undefined } | Refusal> {
  const token = await tokens(address)
  if (token.ok || token.code === 'CHAIN_ERROR') return token
  const items = await readItems(rpc, address)
  return items.ok ? { ok: true, token: items.value } : refuse('CHAIN_ERROR', items.failure.message)
}

/** The tokens and collections among these addresses. */
async function readTokens(
  { tokens, rpc }: Pick<EvmContext, 'tokens' | 'rpc'>,
  addresses: readonly string[],
): Promise<{ ok: true; tokens: Map<string, Kept> } | Refusal> {
  const distinct = [...new Set(addresses)]
  const found = await Promise.all(distinct.map((address) => readKept({ tokens, rpc }, address)))
  const known = new Map<string, Kept>()
  for (const [index, answer] of found.entries()) {
    if (answer.ok && answer.token !== undefined) known.set(distinct[index]!, answer.token)
    else if (answer.ok) continue
    else return answer
  }
  return { ok: true, tokens: known }
}

function changesOf({ network }: EvmContext, { balances }: Ran, tokens: ReadonlyMap<string, Kept>): BalanceChange[] {
  const coin = { network: network.name, ...network.native }
  return balances
    .filter(({ before, after }) => before !== after)
    .map(({ token, account, before, after }) => {
      const asset = token === null ? coin : tokenAsset(network, token, tokens.get(token))
      return { account, asset, before, after }
    })
}

/**
 * By how many base units a token that keeps shares may miss an amount. A transfer rounds to whole shares and a balance
 * to whole units, each by less than one, and a share is worth more than a unit: with what shares are worth today that
 * is 2 (stETH moves up to 2 too few, lidofinance/core#442; aTokens that round shares up move up to 2 too many,
 * aave-dao/aave-v3-origin, the rounding properties under docs). One more is room until a share is worth 2 units.
 */
const ROUNDING_UNITS = 3n
/** With fewer decimals a few base units may be money. */
const LEAST_DECIMALS = 6

function roundingOf({ decimals }: Pick<Asset, 'decimals'>): bigint {
  return decimals < LEAST_DECIMALS ? 0n : ROUNDING_UNITS
}

/** A token that takes the call but does not pay is not a payment. */
function checkMoves(
  moves: NonNullable<EvmPrepared['moves']>,
  wallet: string,
  changes: readonly BalanceChange[],
): Refusal | undefined {
  if (moves.to === wallet) return undefined
  const change = (account: string) =>
    changes.find((each) => each.account === account && each.asset.address === moves.token)
  const [left, arrived] = [change(wallet), change(moves.to)]
  const out = left === undefined ? 0n : left.before - left.after
  const inward = arrived === undefined ? 0n : arrived.after - arrived.before
  const { asset } = left ?? arrived ?? { asset: { symbol: 'tokens', decimals: 0 } }
  if (out + roundingOf(asset) >= moves.amount && inward > 0n) return undefined
  const moved = `${describeAmount(out, asset)} would leave and ${describeAmount(inward, asset)} arrive`
  return refuse('SIMULATION_FAILED', `The token would not pay what it is asked for: ${moved}.`)
}

const WHOLE_ANSWER = /^0x([0-9a-f]{64})?$/i

/** For nodes that cannot simulate: a token that answers `false` does not pay. */
async function checkAnswer({ rpc }: EvmContext, call: EvmCall, wallet: string): Promise<Refusal | undefined> {
  const answer = await callContract(rpc, call.to, call.data, wallet)
  if (!answer.ok) return refuse('CHAIN_ERROR', answer.failure.message)
  const paid = answer.value !== undefined && WHOLE_ANSWER.test(answer.value) && readWord(answer.value) !== 0n
  return paid ? undefined : refuse('SIMULATION_FAILED', 'The token would not pay what it is asked for.')
}

/** The effects that the bytes tell, and what leaves or may be taken beyond them. */
function complete(
  told: readonly Effect[],
  { allowances, unclear }: Ran,
  changes: readonly BalanceChange[],
  wallet: string,
  call: EvmCall,
  { network }: EvmContext,
  tokens: ReadonlyMap<string, Kept>,
): Effect[] {
  const effects = [...told]
  for (const { account, asset, before, after } of changes) {
    if (account !== wallet) continue
    const spent = told.reduce(
      (sum, effect) =>
        isOutflow(effect, wallet) && effect.asset.address === asset.address ? sum + effect.amount : sum,
      0n,
    )
    const beyond = before - after - spent
    const tolerated = spent > 0n && asset.address !== undefined ? roundingOf(asset) : 0n
    if (beyond > tolerated) effects.push({ kind: 'spend', asset, amount: beyond, to: call.to })
  }
  for (const { token, spender, before, after } of allowances) {
    if (after <= before) continue
    const at = effects.findIndex(
      (effect) => effect.kind === 'grant' && effect.asset.address === token && effect.spender === spender,
    )
    const grant: Effect = {
      kind: 'grant',
      asset: tokenAsset(network, token, tokens.get(token)),
      amount: after,
      spender,
    }
    const known = effects[at]
    if (known === undefined) effects.push(grant)
    else if (known.kind === 'grant' && known.amount < after) effects[at] = grant
  }
  return [...effects, ...unclear.map((why): Effect => ({ kind: 'opaque', why }))]
}
