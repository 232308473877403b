import { type Hex, keccak256, toHex } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { expect } from 'vitest'
import type { EvmNode } from '../evm-node.ts'
import type { EvmPersonality, EvmSituation } from '../personalities/evm-personality.ts'
import { startEvmProxy } from './evm-proxy.ts'

export const GWEI = 10n ** 9n
export const ETHER = 10n ** 18n
export const PAYEE = '0x00000000000000000000000000000000000000aa'

let accounts = 0

export type Fields = {
  nonce?: number
  value?: bigint
  gas?: bigint
  maxFeePerGas?: bigint
  maxPriorityFeePerGas?: bigint
  chainId?: number
  data?: Hex
}
export type Answer = { result?: unknown; error?: { code: number; message: string; data?: unknown } }

/** A node with a personality, and an account of its own on the chain that all share. */
export async function open(evm: EvmNode, personality: EvmPersonality) {
  const node = await startEvmProxy({ upstream: evm.rpcUrl, personality })
  accounts += 1
  const account = privateKeyToAccount(keccak256(toHex(`${personality.name} ${accounts}`)))
  await evm.control.fund(account.address, 10n * ETHER)
  return { node, account, send: sender(node.rpcUrl, account), call: caller(node.rpcUrl) }
}

export function caller(rpcUrl: string) {
  return async (method: string, params: readonly unknown[]): Promise<Answer> => {
    const response = await post(rpcUrl, { jsonrpc: '2.0', id: 1, method, params })
    return (await response.json()) as Answer
  }
}

export function post(url: string, body: unknown): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

export function sender(rpcUrl: string, account: PrivateKeyAccount) {
  const call = caller(rpcUrl)
  return async (fields: Fields): Promise<Answer> => call('eth_sendRawTransaction', [await sign(account, fields)])
}

export function sign(account: PrivateKeyAccount, fields: Fields): Promise<Hex> {
  return account.signTransaction({
    type: 'eip1559',
    chainId: foundry.id,
    to: PAYEE,
    value: 1n,
    gas: 21_000n,
    nonce: 0,
    maxFeePerGas: 100n * GWEI,
    maxPriorityFeePerGas: 50n * GWEI,
    ...fields,
  })
}

/** The personality's error as a pattern: placeholders stand for anything. */
export function matcher({ says, name }: EvmPersonality, situation: EvmSituation) {
  const words = says[situation]
  if (!words) throw new Error(`${name} has no words for ${situation}`)
  const escaped = words.message.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '.*')
  return { code: words.code, message: expect.stringMatching(new RegExp(`^${escaped}$`)) }
}
