import { networkNames, networkOf } from '@waiaas/core'
import fc from 'fast-check'
import { parseTransaction, serializeTransaction } from 'viem/utils'
import { expect, test } from 'vitest'
import { decodeEvm } from './decode.ts'
import { envelopeOf, serializeEnvelope } from './envelope.ts'
import { prepareTransfer } from './transfer.ts'

const evmNetworks = networkNames.map(networkOf).filter((network) => network.chainId !== undefined)
const local = networkOf('evm-local')
const wallet = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266'
const facts = { network: local, wallet, hasCode: () => false, tokens: new Map() }

const anyAddress = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => `0x${Buffer.from(bytes).toString('hex')}`)
const anyAmount = fc.bigInt({ min: 1n, max: (1n << 256n) - 1n })
const anyFee = fc.bigInt({ min: 1n, max: 10n ** 15n })

test('what was built reads as what was asked for', () => {
  const property = fc.property(
    fc.constantFrom(...evmNetworks),
    anyAddress,
    anyAmount,
    anyFee,
    fc.nat(),
    fc.boolean(),
    (network, to, amount, fee, nonce, code) => {
      fc.pre(BigInt(to) !== 0n)
      const prepared = prepareTransfer({ type: 'TRANSFER', to, amount: String(amount) }, network)
      if (!prepared.ok) throw new Error(prepared.message)
      const { call } = prepared
      const plan = { ...call, gas: 21_000n, maxFeePerGas: fee }
      const price = { baseFee: 1n, tip: 2n * fee, maxFeePerGas: 3n * fee }
      const raw = serializeEnvelope(envelopeOf(plan, network, BigInt(nonce), price))
      const asset = { network: network.name, ...network.native }
      const spend = { kind: 'spend', asset, amount, to: call.to }
      const called = { kind: 'call', target: call.to, selector: '0x' }
      expect(decodeEvm(raw, { network, wallet, hasCode: () => code, tokens: new Map() })).toEqual(
        code ? [spend, called] : [spend],
      )
      // Another implementation reads the same, and a price above the plan's was not taken.
      expect(parseTransaction(raw)).toMatchObject({ value: amount, maxFeePerGas: fee, maxPriorityFeePerGas: fee })
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('bytes from outside never make it fail', () => {
  const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => `0x02${Buffer.from(bytes).toString('hex')}`)
  fc.assert(fc.property(anyBytes, (raw) => decodeEvm(raw as `0x${string}`, facts).length === 1))
})

const to = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8'
const fees = { maxFeePerGas: 1n, gas: 21_000n, nonce: 0 }

test.each([
  ['another chain', serializeTransaction({ ...fees, type: 'eip1559', chainId: 1, to, value: 1n })],
  [
    'a legacy transaction',
    serializeTransaction({ gasPrice: 1n, gas: 21_000n, nonce: 0, to, value: 1n, type: 'legacy' }),
  ],
  ['nothing', '0x'],
])('%s is opaque', (_, raw) => {
  expect(decodeEvm(raw as `0x${string}`, facts)).toEqual([{ kind: 'opaque', why: expect.any(String) }])
})

test('a transaction without recipient deploys', () => {
  const raw = serializeTransaction({ ...fees, type: 'eip1559', chainId: 31337, data: '0x6000' })
  expect(decodeEvm(raw as `0x${string}`, facts)).toEqual([{ kind: 'deploy' }])
})
