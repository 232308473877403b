import { checksumAddress, networkOf } from '@waiaas/core'
import fc from 'fast-check'
import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { PERMIT2, readCalldata, UNLIMITED } from './calldata.ts'
import { calldata } from './contracts.fixture.ts'
import { decodeEvm } from './decode.ts'
import { envelopeOf, serializeEnvelope } from './envelope.ts'

const network = networkOf('evm-local')
const address = (digit: string) => checksumAddress(digit.repeat(40)) as Hex
const [wallet, target, other, third] = [address('1'), address('2'), address('3'), address('4')] as [Hex, Hex, Hex, Hex]
const wrapped = address('5')
const read = (data: Hex, at: string = target) => readCalldata({ wallet, target: at, data, wrapped })
const call = (data: Hex, at: string = target) => ({ kind: 'call', target: at, selector: data.slice(0, 10) })
const spend = (amount: bigint, to: string, token: string = target) => ({ kind: 'spend', token, amount, to })
const grant = (amount: bigint, spender: string, token: string = target) => ({ kind: 'grant', token, amount, spender })
/** The amount of the same call to a collection is the number of an item. */
const orItem = <Move>(move: Move) => ({ ...move, orItem: true })
const opaque = { kind: 'opaque', why: expect.any(String) }

const transferFrom = calldata('transferFrom(address,address,uint256)', wallet, other, 7n)
const approve = calldata('approve(address,uint256)', other, UNLIMITED)
const ERC20_PERMIT = 'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)'
const word = `0x${'0'.repeat(64)}` as Hex
const PERMIT =
  '((address token,uint160 amount,uint48 expiration,uint48 nonce) details,address spender,uint256 sigDeadline)'
const permitOf = (token: string, amount: bigint) => ({
  details: { token, amount, expiration: 1, nonce: 0 },
  spender: other,
  sigDeadline: 1n,
})

test.each([
  ['a transfer', calldata('transfer(address,uint256)', other, 5n), [spend(5n, other)]],
  ['a transferFrom of the wallet', transferFrom, [orItem(spend(7n, other))]],
  ['an approval', approve, [orItem(grant(UNLIMITED, other))]],
  ['an increase', calldata('increaseAllowance(address,uint256)', other, 5n), [grant(5n, other)]],
  ['a permit of the wallet', calldata(ERC20_PERMIT, wallet, other, 5n, 1n, 27, word, word), [grant(5n, other)]],
  [
    'a permit that has no amount',
    calldata(
      'permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)',
      wallet,
      other,
      0n,
      0n,
      true,
      27,
      word,
      word,
    ),
    [grant(UNLIMITED, other)],
  ],
  ['rights over all items', calldata('setApprovalForAll(address,bool)', other, true), [grant(UNLIMITED, other)]],
  ['rights over items taken back', calldata('setApprovalForAll(address,bool)', other, false), [grant(0n, other)]],
  ['an item', calldata('safeTransferFrom(address,address,uint256)', wallet, other, 99n), [spend(1n, other)]],
])('%s is what it does', (_, data, moves) => {
  expect(read(data)).toEqual(moves)
})

test('what moves or grants what others have is only a call', () => {
  const theirs = calldata('transferFrom(address,address,uint256)', third, other, 7n)
  expect(read(theirs)).toEqual([call(theirs)])
  const permit = calldata(ERC20_PERMIT, third, other, 5n, 1n, 27, word, word)
  expect(read(permit)).toEqual([call(permit)])
})

test('Permit2 is read at its own address only, and its maximum is no limit', () => {
  const most = (1n << 160n) - 1n
  const permit2Approve = calldata('approve(address,address,uint160,uint48)', target, other, most, 1)
  expect(read(permit2Approve, PERMIT2)).toEqual([grant(UNLIMITED, other)])
  expect(read(permit2Approve)).toEqual([call(permit2Approve)])
  const single = calldata(
    `permit(address owner,${PERMIT} permitSingle,bytes signature)`,
    wallet,
    permitOf(target, 5n),
    '0x',
  )
  expect(read(single, PERMIT2)).toEqual([grant(5n, other)])
  const moved = calldata('transferFrom(address,address,uint160,address)', wallet, other, 5n, target)
  expect(read(moved, PERMIT2)).toEqual([spend(5n, other)])
  const tuple = '((address from,address to,uint160 amount,address token)[] transfers)'
  const own = { from: wallet, to: other, amount: 5n, token: target }
  const many = calldata(`transferFrom${tuple}`, [own, { ...own, from: third }])
  expect(read(many, PERMIT2)).toEqual([spend(5n, other), call(many, PERMIT2)])
})

test('the wrapped coin goes in by value and out by amount', () => {
  expect(read(calldata('deposit()'), wrapped)).toEqual([])
  expect(read(calldata('deposit()'))).toEqual([call(calldata('deposit()'))])
  const withdraw = calldata('withdraw(uint256)', 5n)
  expect(read(withdraw, wrapped)).toEqual([spend(5n, wrapped, wrapped)])
  expect(read(withdraw)).toEqual([call(withdraw)])
})

test('calls inside calls are read to their end', () => {
  const inner = calldata('multicall(bytes[])', [transferFrom, approve])
  const outer = calldata('multicall(uint256,bytes[])', 1n, [inner, '0x12345678'])
  expect(read(outer)).toEqual([
    call(outer),
    call(inner),
    orItem(spend(7n, other)),
    orItem(grant(UNLIMITED, other)),
    { kind: 'call', target, selector: '0x12345678' },
  ])
})

test('a contract that calls others acts in its own name, except where it was allowed to take', () => {
  const calls = [
    { target: third, allowFailure: true, callData: transferFrom },
    { target: third, allowFailure: true, callData: approve },
  ]
  const data = calldata('aggregate3((address target,bool allowFailure,bytes callData)[])', calls)
  expect(read(data)).toEqual([call(data), orItem(spend(7n, other, third)), call(approve, third)])
})

test('calls nested deeper than can be followed, or too many of them, are opaque', () => {
  let data = transferFrom
  for (let depth = 0; depth < 6; depth++) data = calldata('multicall(bytes[])', [data])
  expect(read(data).at(-1)).toEqual(opaque)
  expect(read(calldata('multicall(bytes[])', Array(300).fill('0x')))).toEqual([expect.anything(), opaque])
})

test('arguments that cannot be read are opaque', () => {
  expect(read('0xa9059cbb')).toEqual([call('0xa9059cbb'), opaque])
  expect(read(transferFrom.slice(0, -2) as Hex)).toEqual([call(transferFrom), opaque])
})

const anyData = fc
  .tuple(
    fc.constantFrom('0x', '0xa9059cbb', '0xac9650d8', '0x82ad56cb', '0x2a2d80d1', '0x0d58b1db', '0xd505accf'),
    fc.uint8Array({ maxLength: 600 }),
  )
  .map(([selector, bytes]) => `${selector}${Buffer.from(bytes).toString('hex')}` as Hex)

test('calldata from outside never makes it fail, and never means nothing', () => {
  fc.assert(
    fc.property(anyData, fc.constantFrom(target, PERMIT2), (data, at) => {
      expect(read(data, at).length).toBeGreaterThan(0)
    }),
    { numRuns: 1_000 },
  )
})

const amount = fc.bigInt({ min: 1n, max: UNLIMITED })
const party = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => checksumAddress(Buffer.from(bytes).toString('hex')) as Hex)

test('what was built reads as what was asked for', () => {
  const property = fc.property(
    party,
    party,
    amount,
    fc.nat(36),
    fc.boolean(),
    (token, to, value, decimals, isGrant) => {
      const asset = { network: network.name, address: token, symbol: 'T', decimals }
      const data = calldata(isGrant ? 'approve(address,uint256)' : 'transfer(address,uint256)', to, value)
      const plan = { to: token, value: 0n, data, gas: 50_000n, maxFeePerGas: 2n }
      const raw = serializeEnvelope(envelopeOf(plan, network, 1n, { tip: 1n, maxFeePerGas: 2n }))
      const tokens = new Map([[token as string, { address: token, symbol: 'T', decimals }]])
      const effect = isGrant
        ? { kind: 'grant', asset, amount: value, spender: to }
        : { kind: 'spend', asset, amount: value, to }
      expect(decodeEvm(raw, { network, wallet, hasCode: () => true, tokens })).toEqual([effect])
      const unknown = decodeEvm(raw, { network, wallet, hasCode: () => true, tokens: new Map() })
      const isSized = isGrant && value === UNLIMITED
      expect(unknown.some(({ kind }) => kind === 'opaque')).toBe(!isSized)
    },
  )
  fc.assert(property, { numRuns: 300 })
})
