import { type BalanceChange, type Effect, isOutflow } from '@waiaas/core'
import { tokenAsset } from '../token.ts'
import type { SolanaFacts } from './facts.ts'
import { SYSTEM_PROGRAM } from './programs.ts'
import type { TokenAccount } from './token-state.ts'
import { type Trial, tokenAccountsIn } from './trial.ts'

/** What a trial moved, and the effects that its message does not tell: what programs did on their own. */
export function observe(
  told: readonly Effect[],
  trial: Trial,
  facts: SolanaFacts,
  fee: bigint,
): { effects: Effect[]; changes?: BalanceChange[] } {
  if (trial.after === undefined) {
    const blind = told.some((effect) => runsProgram(effect, facts))
    const why = 'this node does not tell what a call moves'
    return { effects: blind ? [...told, { kind: 'opaque', why }] : [...told] }
  }
  const accounts: TokenPair[] = pairs(tokenAccountsIn(trial.before), tokenAccountsIn(trial.after))
  const changes = [...coinChanges(told, trial, facts, fee), ...tokenChanges(accounts, facts)]
  const own = accounts.filter(({ before }) => before?.owner === facts.wallet)
  const target = told.flatMap((effect) => (effect.kind === 'call' ? [effect.target] : []))[0] ?? SYSTEM_PROGRAM
  return {
    effects: [
      ...told,
      ...outflows(told, changes, facts.wallet, target),
      ...own.flatMap((pair) => grantOf(pair, told, facts)),
      ...own.flatMap(handedOver),
      ...walletHandedOver(trial, facts.wallet),
    ],
    changes,
  }
}

/** True for calls, and for transfers of tokens at which a program of the issuer runs. */
function runsProgram(effect: Effect, { mints }: SolanaFacts): boolean {
  if (effect.kind === 'call') return true
  const mint = effect.kind === 'spend' ? mints.get(effect.asset.address ?? '') : undefined
  return mint?.hook !== undefined
}

type TokenPair = { address: string; before: TokenAccount | undefined; after: TokenAccount | undefined }

function pairs(before: ReadonlyMap<string, TokenAccount>, after: ReadonlyMap<string, TokenAccount>): TokenPair[] {
  const addresses = new Set([...before.keys(), ...after.keys()])
  return [...addresses].map((address) => ({ address, before: before.get(address), after: after.get(address) }))
}

/** Coins of the wallet, without the fee, and of those that it pays. */
function coinChanges(
  told: readonly Effect[],
  { before, after }: Trial,
  facts: SolanaFacts,
  fee: bigint,
): BalanceChange[] {
  const { network, wallet } = facts
  const asset = { network: network.name, ...network.native }
  const paid = told.flatMap((effect) =>
    effect.kind === 'spend' && effect.asset.address === undefined ? [effect.to] : [],
  )
  return [...new Set([wallet, ...paid])].flatMap((account) => {
    const from = before.get(account)?.lamports ?? 0n
    const to = (after?.get(account)?.lamports ?? 0n) + (account === wallet ? fee : 0n)
    return from === to || !before.has(account) ? [] : [{ account, asset, before: from, after: to }]
  })
}

/** Tokens by owner and mint, over all accounts that the transaction may write. */
function tokenChanges(accounts: readonly TokenPair[], { network, mints }: SolanaFacts): BalanceChange[] {
  const sums = new Map<string, BalanceChange>()
  for (const { before, after } of accounts) {
    for (const [side, account] of [
      ['before', before],
      ['after', after],
    ] as const) {
      if (account === undefined) continue
      const key = `${account.owner} ${account.mint}`
      const asset = tokenAsset(network, account.mint, mints.get(account.mint))
      const sum = sums.get(key) ?? { account: account.owner, asset, before: 0n, after: 0n }
      sums.set(key, { ...sum, [side]: sum[side] + account.amount })
    }
  }
  return [...sums.values()].filter(({ before, after }) => before !== after)
}

/**
 * What leaves the wallet beyond what the message says. Where nothing is called, no coins can: what seems to is another
 * payment, which a node had before the trial and another one only after it.
 */
function outflows(told: readonly Effect[], changes: readonly BalanceChange[], wallet: string, to: string): Effect[] {
  const isPlain = !told.some(({ kind }) => kind === 'call' || kind === 'opaque')
  return changes.flatMap(({ account, asset, before, after }): Effect[] => {
    if (account !== wallet || (isPlain && asset.address === undefined)) return []
    const spent = told.reduce(
      (sum, effect) =>
        isOutflow(effect, wallet) && effect.asset.address === asset.address ? sum + effect.amount : sum,
      0n,
    )
    const beyond = before - after - spent
    return beyond > 0n ? [{ kind: 'spend', asset, amount: beyond, to }] : []
  })
}

function grantOf({ before, after }: TokenPair, told: readonly Effect[], { network, mints }: SolanaFacts): Effect[] {
  const spender = after?.delegate
  if (before === undefined || after === undefined || spender === undefined) return []
  const had = before.delegate === spender ? before.delegatedAmount : 0n
  const isTold = told.some(
    (effect) =>
      effect.kind === 'grant' &&
      effect.asset.address === after.mint &&
      effect.spender === spender &&
      effect.amount >= after.delegatedAmount,
  )
  if (after.delegatedAmount <= had || isTold) return []
  const asset = tokenAsset(network, after.mint, mints.get(after.mint))
  return [{ kind: 'grant', asset, amount: after.delegatedAmount, spender }]
}

function handedOver({ address, before, after }: TokenPair): Effect[] {
  if (before === undefined || after === undefined) return []
  const lost = after.owner !== before.owner ? `the token account ${address} goes to ${after.owner}` : undefined
  const closer = after.closeAuthority
  const closable =
    closer !== undefined && closer !== before.closeAuthority ? `${closer} may close ${address}` : undefined
  return [lost, closable].flatMap((why): Effect[] => (why === undefined ? [] : [{ kind: 'opaque', why }]))
}

function walletHandedOver({ before, after }: Trial, wallet: string): Effect[] {
  const [was, is] = [before.get(wallet)?.owner, after?.get(wallet)?.owner]
  if (was === undefined || is === undefined || was === is) return []
  return [{ kind: 'opaque', why: `the wallet itself goes to program ${is}` }]
}
