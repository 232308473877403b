import type { SolanaFacts } from './facts.ts'
import { type ReadInstruction, selectorOf } from './read-message.ts'
import { TokenInstruction, TRANSFER_CHECKED_WITH_FEE } from './token-instructions.ts'

/** An effect on tokens before they have names. `mint` is an address. */
export type DecodedInstruction =
  | { kind: 'spend'; mint: string; amount: bigint; to: string }
  | { kind: 'grant'; mint: string; amount: bigint; spender: string }
  | { kind: 'call'; target: string; selector: string }
  | { kind: 'opaque'; why: string }

type Facts = Pick<SolanaFacts, 'wallet' | 'tokenAccounts'>
type Reader = (accounts: readonly string[], data: Buffer, facts: Facts) => DecodedInstruction

/** What an instruction of the Token or Token-2022 program does to the wallet. Token-2022 extends Token's numbers. */
export function readTokenInstruction(instruction: ReadInstruction, facts: Facts): DecodedInstruction[] {
  const { program, accounts, data } = instruction
  const tag = data[0]
  if (tag === TokenInstruction.SyncNative) return []
  const why = dangers.get(tag ?? -1)
  if (why !== undefined) return [opaque(`${why} ${accounts[0] ?? 'an account'}`)]
  const read = tag === TokenInstruction.TransferFee ? feeReader(data) : readers.get(tag ?? -1)
  return [
    read === undefined ? { kind: 'call', target: program, selector: selectorOf(data) } : read(accounts, data, facts),
  ]
}

const dangers: ReadonlyMap<number, string> = new Map([
  [TokenInstruction.SetAuthority, 'gives away an authority (SetAuthority) over'],
  [TokenInstruction.CloseAccount, 'closes the token account'],
  [TokenInstruction.ConfidentialTransfer, 'hides amounts (ConfidentialTransfer) of'],
  [TokenInstruction.ConfidentialMintBurn, 'hides amounts (ConfidentialMintBurn) of'],
  [TokenInstruction.Batch, 'runs several instructions in one (Batch), beginning with'],
])

/** Amount, decimals and fee have fixed places; anything else than exactly them is not read. */
const bytes = { amount: 9, checked: 10, withFee: 19 }

function feeReader(data: Buffer): Reader | undefined {
  if (data[1] !== TRANSFER_CHECKED_WITH_FEE) return undefined
  return (accounts, _, facts) => {
    const [source, mint, target, authority] = accounts
    return transfer({ source, mint, target, authority }, data, bytes.withFee, 2, facts)
  }
}

const readers: ReadonlyMap<number, Reader> = new Map<number, Reader>([
  [
    TokenInstruction.Transfer,
    ([source, target, authority], data, facts) => {
      const mint = source === undefined ? undefined : facts.tokenAccounts.get(source)?.mint
      return transfer({ source, mint, target, authority }, data, bytes.amount, 1, facts)
    },
  ],
  [
    TokenInstruction.TransferChecked,
    ([source, mint, target, authority], data, facts) =>
      transfer({ source, mint, target, authority }, data, bytes.checked, 1, facts),
  ],
  [
    TokenInstruction.Approve,
    ([source, delegate, owner], data, facts) => {
      const mint = source === undefined ? undefined : facts.tokenAccounts.get(source)?.mint
      return grant({ mint, delegate, owner }, data, bytes.amount, facts)
    },
  ],
  [
    TokenInstruction.ApproveChecked,
    ([, mint, delegate, owner], data, facts) => grant({ mint, delegate, owner }, data, bytes.checked, facts),
  ],
  [
    TokenInstruction.Revoke,
    ([source, owner], data, facts) => {
      const account = source === undefined ? undefined : facts.tokenAccounts.get(source)
      if (account === undefined || owner !== facts.wallet || data.length !== 1) return opaque('takes back a delegation')
      return { kind: 'grant', mint: account.mint, amount: 0n, spender: account.delegate ?? account.owner }
    },
  ],
  [
    TokenInstruction.Burn,
    ([source, mint, authority], data, facts) =>
      transfer({ source, mint, target: mint, authority }, data, bytes.amount, 1, facts),
  ],
  [
    TokenInstruction.BurnChecked,
    ([source, mint, authority], data, facts) =>
      transfer({ source, mint, target: mint, authority }, data, bytes.checked, 1, facts),
  ],
])

type Names = Record<'source' | 'mint' | 'target' | 'authority', string | undefined>

function transfer(names: Names, data: Buffer, length: number, amountAt: number, facts: Facts): DecodedInstruction {
  const { source, mint, target, authority } = names
  if (source === undefined || mint === undefined || target === undefined || authority === undefined) {
    return opaque('transfer of tokens with accounts missing')
  }
  if (data.length !== length) return opaque('transfer of tokens that cannot be read')
  const from = facts.tokenAccounts.get(source)
  if (from !== undefined && from.owner !== facts.wallet) return opaque('transfer of tokens of another account')
  if (from === undefined && authority !== facts.wallet) return opaque('transfer of tokens of another account')
  if (from !== undefined && from.mint !== mint) return opaque('transfer of tokens of another mint')
  const to = facts.tokenAccounts.get(target)?.owner ?? target
  return { kind: 'spend', mint, amount: data.readBigUInt64LE(amountAt), to }
}

function grant(
  { mint, delegate, owner }: Record<'mint' | 'delegate' | 'owner', string | undefined>,
  data: Buffer,
  length: number,
  { wallet }: Facts,
): DecodedInstruction {
  if (mint === undefined || delegate === undefined || data.length !== length) {
    return opaque('delegation of tokens that cannot be read')
  }
  if (owner !== wallet) return opaque('delegation of tokens of another account')
  return { kind: 'grant', mint, amount: data.readBigUInt64LE(1), spender: delegate }
}

function opaque(why: string): DecodedInstruction {
  return { kind: 'opaque', why }
}
