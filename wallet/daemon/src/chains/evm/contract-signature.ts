import { bytesToHex } from '@noble/hashes/utils.js'
import { decode, from as parametersFrom } from 'ox/AbiParameters'
import type { ChainAdapter } from '../chain-adapter.ts'
import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'
import { isExecutionFailure } from './node-errors.ts'
import { Data } from './quantity.ts'

/** `isValidSignature(bytes32,bytes)`, and what it answers for a valid one (ERC-1271). */
const MAGIC = '1626ba7e'
const VALID = `0x${MAGIC}${'00'.repeat(28)}`

/** Who asks: nobody's address, since some accounts accept everything from the zero address, to have gas estimated. */
const ASKER = '0x00000000000000000000000000000000c0117e57'

/**
 * Asks a contract account by ERC-1271, or where the signature is wrapped by ERC-6492 and the account has no code yet,
 * deploys it and asks it in the same call. Only a call that was executed says that it did not sign: by a revert,
 * another answer, or no code.
 */
export async function contractSigned(
  rpc: Pick<RpcPool, 'onOne'>,
  address: string,
  hash: Uint8Array,
  signature: Uint8Array,
): ReturnType<NonNullable<ChainAdapter['contractSigned']>> {
  const wrapped = unwrap(signature)
  const question =
    wrapped === undefined
      ? { from: ASKER, to: address, data: `0x${questionOf(hash, bytesToHex(signature))}` }
      : { from: ASKER, data: deployAndAsk(address, wrapped, questionOf(hash, wrapped.signature)) }
  const answer = await rpc.onOne((node) => ask(node, question))
  if (!answer.ok) return { ok: false, message: answer.failure.message }
  return { ok: true, signed: answer.value === VALID }
}

async function ask(node: NodeReader, question: object): Promise<RpcResult<string | undefined>> {
  const answer = await node.read('eth_call', [question, 'latest'], Data)
  if (answer.ok) return { ok: true, value: answer.value.toLowerCase() }
  if (isExecutionFailure(answer.failure)) return { ok: true, value: undefined }
  // Whatever else a node objects to, another may execute the call.
  const { failure } = answer
  return { ok: false, failure: failure.kind === 'error' ? { ...failure, kind: 'unable' } : failure }
}

function questionOf(hash: Uint8Array, signature: string): string {
  const length = signature.length / 2
  const padding = '00'.repeat((32 - (length % 32)) % 32)
  return `${MAGIC}${bytesToHex(hash)}${word(64)}${word(length)}${signature}${padding}`
}

type Wrapped = { factory: string; deploy: string; signature: string }

/** What ERC-6492 appends to a wrapped signature. */
const WRAPPED = '6492'.repeat(16)
const parameters = parametersFrom('address factory, bytes deploy, bytes signature')

function unwrap(signature: Uint8Array): Wrapped | undefined {
  const hex = bytesToHex(signature)
  if (!hex.endsWith(WRAPPED)) return undefined
  try {
    const [factory, deploy, inner] = decode(parameters, `0x${hex.slice(0, -WRAPPED.length)}`)
    return { factory: factory.slice(2).toLowerCase(), deploy: deploy.slice(2), signature: inner.slice(2) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    return undefined
  }
}

/**
 * Creation code that calls the factory where the account has no code, asks the account, and returns its answer where
 * that is one word, else zero. An account that is there is only asked, so that nothing a signature carries changes it.
 * A factory that does not bind the keys to the address lets anybody deploy the account with keys of their own: so it
 * does on the chain.
 */
function deployAndAsk(account: string, { factory, deploy }: Wrapped, question: string): `0x${string}` {
  const code = assemble(deploy.length / 2, question.length / 2)
  return `0x${code}${account.slice(2).toLowerCase().padStart(64, '0')}${factory.padStart(64, '0')}${deploy}${question}`
}

/** Behind the code lie the account and the factory as words, what the factory gets, and what the account gets. */
function assemble(deployBytes: number, questionBytes: number): string {
  const code = (at: { data: number; deployed: number }) => {
    const push = (value: number) => `63${value.toString(16).padStart(8, '0')}`
    const [account, factory] = ['600051', '602051']
    const [data, asked] = [push(0x40), push(at.data + 0x40 + deployBytes)]
    const until = [
      // The two words to memory 0; nothing more to do before asking where the account has code.
      `6040${push(at.data)}600039`,
      `${account}3b${push(at.deployed)}57`,
      `${push(deployBytes)}${push(at.data + 0x40)}${data}39`,
      `60006000${push(deployBytes)}${data}6000${factory}5af150`,
    ].join('')
    const rest = [
      `5b${push(questionBytes)}${asked}${data}39`,
      // The answer to memory 0x20, which is zero before; zero too unless the call worked and answered one word.
      '60006020526020',
      `6020${push(questionBytes)}${data}${account}5afa`,
      '60203d14166020510260005260206000f3',
    ].join('')
    return { until, rest }
  }
  const { until, rest } = code({ data: 0, deployed: 0 })
  const at = { deployed: until.length / 2, data: (until.length + rest.length) / 2 }
  const placed = code(at)
  return placed.until + placed.rest
}

function word(value: number): string {
  return value.toString(16).padStart(64, '0')
}
