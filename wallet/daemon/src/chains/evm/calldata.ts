import { parseAddress } from '@waiaas/core'
import { type AbiFunction, decodeData, from, getSelector } from 'ox/AbiFunction'

/**
 * What one call means for a wallet, before tokens have names. `token` is a contract's address. `orItem`: where the
 * contract keeps items, the amount is the number of the one that is meant.
 */
export type Move =
  | { kind: 'spend'; token: string; amount: bigint; to: string; orItem?: true }
  | { kind: 'grant'; token: string; amount: bigint; spender: string; orItem?: true }
  | { kind: 'call'; target: string; selector: string }
  | { kind: 'opaque'; why: string }

export type CallFrame = {
  wallet: string
  target: string
  data: `0x${string}`
  /** The wrapped native coin of the network, where it is known. */
  wrapped: string | undefined
}

export const UNLIMITED = (1n << 256n) - 1n
export const PERMIT2 = '0x000000000022D473030F116dDEE9F6B43aC78BA3'

/**
 * What calldata does to the wallet that sends it. A selector that is known is read to its end, calls inside
 * calls too; any other is a `call`. Arguments that cannot be read are `opaque`.
 */
export function readCalldata(frame: CallFrame): Move[] {
  return readFrame({ ...frame, direct: true, depth: 0, budget: { calls: MAX_CALLS } })
}

/** `direct`: the target sees the wallet as its caller, not a contract in between. `budget` is one for all frames. */
type Frame = CallFrame & { direct: boolean; depth: number; budget: { calls: number } }
/** `undefined`: the call is not about the wallet. */
type Reader = (args: readonly never[], frame: Frame) => Move[] | undefined

const MAX_DEPTH = 4
/** Offsets may let many calls share the same bytes, so their number is not limited by the length of the data. */
const MAX_CALLS = 200

function readFrame(frame: Frame): Move[] {
  const { target, data } = frame
  const selector = data.slice(0, 10).toLowerCase()
  const call: Move = { kind: 'call', target, selector }
  const known = (readers.get(selector) ?? []).filter(({ only }) => only?.(frame) ?? true)
  if (known.length === 0) return [call]
  for (const { abi, read } of known) {
    const args = decode(abi, data)
    if (args !== undefined) return read(args as readonly never[], frame) ?? [call]
  }
  return [call, { kind: 'opaque', why: `the arguments of ${known[0]!.abi.name} cannot be read` }]
}

function decode(abi: AbiFunction, data: `0x${string}`): readonly unknown[] | undefined {
  if (abi.inputs.length === 0) return []
  try {
    return decodeData(abi, data) as readonly unknown[] | undefined
  } catch {
    return undefined
  }
}

const canonical = (text: string): string => {
  const parsed = parseAddress('evm', text)
  if (!parsed.ok) throw new Error(`the decoder gave ${text} for an address`)
  return parsed.address
}
const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase()
const spend = (token: string, amount: bigint, to: string): Move => ({
  kind: 'spend',
  token: canonical(token),
  amount,
  to: canonical(to),
})
const grant = (token: string, amount: bigint, spender: string): Move => ({
  kind: 'grant',
  token: canonical(token),
  amount,
  spender: canonical(spender),
})
/** Permit2 keeps amounts in 160 bits and takes their maximum for no limit. */
const permit2Amount = (amount: bigint) => (amount === (1n << 160n) - 1n ? UNLIMITED : amount)

type Part = { target: string; data: `0x${string}` }

/** The call itself and what is inside it. */
function parts(frame: Frame, inner: readonly Part[], direct: boolean): Move[] {
  const call: Move = { kind: 'call', target: frame.target, selector: frame.data.slice(0, 10).toLowerCase() }
  if (frame.depth >= MAX_DEPTH) return [call, { kind: 'opaque', why: 'calls inside calls, too deep to read' }]
  frame.budget.calls -= inner.length
  if (frame.budget.calls < 0) return [call, { kind: 'opaque', why: 'more calls in one than can be read' }]
  const depth = frame.depth + 1
  return [
    call,
    ...inner.flatMap((part) => readFrame({ ...frame, ...part, target: canonical(part.target), direct, depth })),
  ]
}

/** A contract that runs several calls of its own, in the name of who called it. */
const ownParts = (frame: Frame, datas: readonly `0x${string}`[]) =>
  parts(
    frame,
    datas.map((data) => ({ target: frame.target, data })),
    frame.direct,
  )
/** A contract that calls others in its own name. */
const foreignParts = (frame: Frame, calls: readonly { target: string; callData: `0x${string}` }[]) =>
  parts(
    frame,
    calls.map(({ target, callData }) => ({ target, data: callData })),
    false,
  )

type Address = `0x${string}`
type Hex = `0x${string}`
const onPermit2 = ({ target }: Frame) => same(target, PERMIT2)
const onWrapped = ({ target, wrapped }: Frame) => wrapped !== undefined && same(target, wrapped)

type Known = { abi: AbiFunction; read: Reader; only?: (frame: Frame) => boolean }

function known<Args extends readonly unknown[]>(
  signature: string,
  read: (args: Args, frame: Frame) => Move[] | undefined,
  only?: (frame: Frame) => boolean,
): Known {
  const abi = from(`function ${signature}` as 'function f()') as AbiFunction
  return { abi, read: read as unknown as Reader, ...(only === undefined ? {} : { only }) }
}

const erc20: readonly Known[] = [
  known<[Address, bigint]>('transfer(address to, uint256 value)', ([to, value], { target, direct }) =>
    direct ? [spend(target, value, to)] : undefined,
  ),
  known<[Address, Address, bigint]>(
    'transferFrom(address from, address to, uint256 value)',
    ([owner, to, value], { target, wallet }) =>
      same(owner, wallet) ? [{ ...spend(target, value, to), orItem: true } as Move] : undefined,
  ),
  known<[Address, bigint]>('approve(address spender, uint256 value)', ([spender, value], { target, direct }) =>
    direct ? [{ ...grant(target, value, spender), orItem: true } as Move] : undefined,
  ),
  known<[Address, bigint]>('increaseAllowance(address spender, uint256 added)', ([spender, value], frame) =>
    frame.direct ? [grant(frame.target, value, spender)] : undefined,
  ),
  known<[Address, bigint]>(
    'increaseApproval(address spender, uint256 added)',
    ([spender, value], { target, direct }) => (direct ? [grant(target, value, spender)] : undefined),
  ),
  // What is left of a right that becomes smaller is no more than was given before.
  ...['decreaseAllowance', 'decreaseApproval'].map((name) =>
    known<[Address]>(`${name}(address spender, uint256 subtracted)`, ([spender], { target, direct }) =>
      direct ? [grant(target, 0n, spender)] : undefined,
    ),
  ),
  known<[Address, Address, bigint]>(
    'permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)',
    ([owner, spender, value], { target, wallet }) =>
      same(owner, wallet) ? [grant(target, value, spender)] : undefined,
  ),
  known<[Address, Address, bigint, bigint, boolean]>(
    'permit(address holder, address spender, uint256 nonce, uint256 expiry, bool allowed, uint8 v, bytes32 r, bytes32 s)',
    ([holder, spender, , , allowed], { target, wallet }) =>
      same(holder, wallet) ? [grant(target, allowed ? UNLIMITED : 0n, spender)] : undefined,
  ),
  ...['transferWithAuthorization', 'receiveWithAuthorization'].map((name) =>
    known<[Address, Address, bigint]>(
      `${name}(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)`,
      ([owner, to, value], { target, wallet }) => (same(owner, wallet) ? [spend(target, value, to)] : undefined),
    ),
  ),
]

const items: readonly Known[] = [
  known<[Address, boolean]>('setApprovalForAll(address operator, bool approved)', ([operator, approved], frame) =>
    frame.direct ? [grant(frame.target, approved ? UNLIMITED : 0n, operator)] : undefined,
  ),
  // ERC-777, whose operators may take everything.
  known<[Address]>('authorizeOperator(address operator)', ([operator], { target, direct }) =>
    direct ? [grant(target, UNLIMITED, operator)] : undefined,
  ),
  known<[Address]>('revokeOperator(address operator)', ([operator], { target, direct }) =>
    direct ? [grant(target, 0n, operator)] : undefined,
  ),
  ...['', ', bytes data'].map((rest) =>
    known<[Address, Address, bigint]>(
      `safeTransferFrom(address from, address to, uint256 id${rest})`,
      ([owner, to], { target, wallet }) => (same(owner, wallet) ? [spend(target, 1n, to)] : undefined),
    ),
  ),
  known<[Address, Address, bigint, bigint]>(
    'safeTransferFrom(address from, address to, uint256 id, uint256 amount, bytes data)',
    ([owner, to, , amount], { target, wallet }) => (same(owner, wallet) ? [spend(target, amount, to)] : undefined),
  ),
  known<[Address, Address, readonly bigint[], readonly bigint[]]>(
    'safeBatchTransferFrom(address from, address to, uint256[] ids, uint256[] amounts, bytes data)',
    ([owner, to, , amounts], { target, wallet }) =>
      same(owner, wallet)
        ? [
            spend(
              target,
              amounts.reduce((sum, amount) => sum + amount, 0n),
              to,
            ),
          ]
        : undefined,
  ),
]

type PermitDetails = { token: Address; amount: bigint }
const DETAILS = '(address token, uint160 amount, uint48 expiration, uint48 nonce)'

const permit2: readonly Known[] = [
  known<[Address, Address, bigint]>(
    'approve(address token, address spender, uint160 amount, uint48 expiration)',
    ([token, spender, amount], { direct }) => (direct ? [grant(token, permit2Amount(amount), spender)] : undefined),
    onPermit2,
  ),
  known<[Address, { details: PermitDetails; spender: Address }]>(
    `permit(address owner, (${DETAILS} details, address spender, uint256 sigDeadline) permitSingle, bytes signature)`,
    ([owner, { details, spender }], { wallet }) =>
      same(owner, wallet) ? [grant(details.token, permit2Amount(details.amount), spender)] : undefined,
    onPermit2,
  ),
  known<[Address, { details: readonly PermitDetails[]; spender: Address }]>(
    `permit(address owner, (${DETAILS}[] details, address spender, uint256 sigDeadline) permitBatch, bytes signature)`,
    ([owner, { details, spender }], { wallet }) =>
      same(owner, wallet)
        ? details.map(({ token, amount }) => grant(token, permit2Amount(amount), spender))
        : undefined,
    onPermit2,
  ),
  known<[readonly { token: Address; spender: Address }[]]>(
    'lockdown((address token, address spender)[] approvals)',
    ([approvals], { direct }) =>
      direct ? approvals.map(({ token, spender }) => grant(token, 0n, spender)) : undefined,
    onPermit2,
  ),
  known<[Address, Address, bigint, Address]>(
    'transferFrom(address from, address to, uint160 amount, address token)',
    ([owner, to, amount, token], { wallet }) => (same(owner, wallet) ? [spend(token, amount, to)] : undefined),
    onPermit2,
  ),
  known<[readonly { from: Address; to: Address; amount: bigint; token: Address }[]]>(
    'transferFrom((address from, address to, uint160 amount, address token)[] transfers)',
    ([transfers], { wallet, target }) => {
      const own = transfers.filter((transfer) => same(transfer.from, wallet))
      const moves = own.map(({ token, amount, to }) => spend(token, amount, to))
      const rest: Move[] = own.length === transfers.length ? [] : [{ kind: 'call', target, selector: '0x0d58b1db' }]
      return [...moves, ...rest]
    },
    onPermit2,
  ),
]

const wrapped: readonly Known[] = [
  // What is paid in is the transaction's own value.
  known<[]>('deposit()', (_, { direct }) => (direct ? [] : undefined), onWrapped),
  known<[bigint]>(
    'withdraw(uint256 amount)',
    ([amount], { target, direct }) => (direct ? [spend(target, amount, target)] : undefined),
    onWrapped,
  ),
]

type Call = { target: Address; callData: Hex }

const multicalls: readonly Known[] = [
  known<[readonly Hex[]]>('multicall(bytes[] data)', ([datas], frame) => ownParts(frame, datas)),
  known<[bigint, readonly Hex[]]>('multicall(uint256 deadline, bytes[] data)', ([, datas], frame) =>
    ownParts(frame, datas),
  ),
  known<[Hex, readonly Hex[]]>('multicall(bytes32 previousBlockhash, bytes[] data)', ([, datas], frame) =>
    ownParts(frame, datas),
  ),
  ...['aggregate', 'blockAndAggregate'].map((name) =>
    known<[readonly Call[]]>(`${name}((address target, bytes callData)[] calls)`, ([calls], frame) =>
      foreignParts(frame, calls),
    ),
  ),
  ...['tryAggregate', 'tryBlockAndAggregate'].map((name) =>
    known<[boolean, readonly Call[]]>(
      `${name}(bool requireSuccess, (address target, bytes callData)[] calls)`,
      ([, calls], frame) => foreignParts(frame, calls),
    ),
  ),
  known<[readonly Call[]]>(
    'aggregate3((address target, bool allowFailure, bytes callData)[] calls)',
    ([calls], frame) => foreignParts(frame, calls),
  ),
  known<[readonly Call[]]>(
    'aggregate3Value((address target, bool allowFailure, uint256 value, bytes callData)[] calls)',
    ([calls], frame) => foreignParts(frame, calls),
  ),
]

const readers: ReadonlyMap<string, readonly Known[]> = Map.groupBy(
  [...erc20, ...items, ...permit2, ...wrapped, ...multicalls],
  ({ abi }) => getSelector(abi).toLowerCase(),
)
