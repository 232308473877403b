import { type Effect, type Network, parseAddress } from '@waiaas/core'
import { deserialize } from 'ox/TxEnvelopeEip1559'

export type SerializedEvm = `0x02${string}`

/**
 * What a serialized EIP-1559 transaction does. What it cannot read is `opaque`.
 *
 * A payment to an address with code is also a call: the code runs, with an empty selector.
 */
export function decodeEvm(raw: SerializedEvm, network: Network, hasCode: (address: string) => boolean): Effect[] {
  const envelope = read(raw)
  if (envelope === undefined) return [{ kind: 'opaque', why: 'not an EIP-1559 transaction' }]
  const { chainId, to, value = 0n, data = '0x' } = envelope
  if (chainId !== network.chainId) return [{ kind: 'opaque', why: `for chain ${chainId}` }]
  if (to === undefined || to === null) return [{ kind: 'deploy' }]
  const recipient = parseAddress('evm', to)
  if (!recipient.ok) return [{ kind: 'opaque', why: recipient.fault }]
  if (data !== '0x') return [{ kind: 'opaque', why: 'call data' }]
  const asset = { network: network.name, ...network.native }
  const spend: Effect = { kind: 'spend', asset, amount: value, to: recipient.address }
  return hasCode(recipient.address) ? [spend, { kind: 'call', target: recipient.address, selector: '0x' }] : [spend]
}

function read(raw: SerializedEvm): ReturnType<typeof deserialize> | undefined {
  try {
    return deserialize(raw)
  } catch {
    return undefined
  }
}
