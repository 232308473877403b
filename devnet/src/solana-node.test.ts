import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Address,
  airdropFactory,
  appendTransactionMessageInstructions,
  assertIsTransactionWithBlockhashLifetime,
  type Blockhash,
  createSolanaRpc,
  createSolanaRpcSubscriptions,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  type Instruction,
  isSolanaError,
  type KeyPairSigner,
  lamports,
  pipe,
  SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE,
  sendAndConfirmTransactionFactory,
  setTransactionMessageComputeUnitLimit,
  setTransactionMessageComputeUnitPrice,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit'
import { getTransferSolInstruction } from '@solana-program/system'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectControl } from './control.ts'
import { type SolanaNode, startSolanaNode } from './solana-node.ts'

const SOL = 1_000_000_000n
const folder = mkdtempSync(join(tmpdir(), 'devnet-solana-'))
let node: SolanaNode
let rpc: ReturnType<typeof connect>['rpc']
let rpcSubscriptions: ReturnType<typeof connect>['rpcSubscriptions']

beforeAll(async () => {
  node = await startSolanaNode({ slotMs: 20, finalizedAfter: 4 })
  ;({ rpc, rpcSubscriptions } = connect(node))
})

afterAll(async () => {
  await node.stop()
  rmSync(folder, { recursive: true })
})

test('an airdrop and a transfer are confirmed over the WebSocket as on a real cluster', async () => {
  const payer = await funded(SOL)
  const recipient = await generateKeyPairSigner()
  const transaction = await transfer(payer, recipient.address, SOL / 10n)
  await sendAndConfirmTransactionFactory({ rpc, rpcSubscriptions })(transaction, { commitment: 'confirmed' })

  expect((await rpc.getBalance(recipient.address).send()).value).toBe(SOL / 10n)
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL - SOL / 10n - 5000n)
  const signature = getSignatureFromTransaction(transaction)
  const shown = await rpc
    .getTransaction(signature, { commitment: 'confirmed', encoding: 'json', maxSupportedTransactionVersion: 0 })
    .send()
  expect(shown?.meta?.fee).toBe(5000n)
  expect(shown?.meta?.preBalances[0]).toBe(SOL)
  expect(shown?.meta?.postBalances[1]).toBe(SOL / 10n)
  expect(shown?.transaction.message.accountKeys).toContain(recipient.address)
  const listed = await rpc.getSignaturesForAddress(recipient.address, { commitment: 'confirmed' }).send()
  expect(listed.map((entry) => entry.signature)).toEqual([signature])
})

test('a status ages from processed over confirmed to finalized and is null for the unknown', async () => {
  const payer = await funded(SOL)
  const { control } = node
  await control.pauseMining()
  const signature = await send(await transfer(payer, payer.address, 1n))
  const seen: unknown[] = [await status(signature)]
  for (let slot = 0; slot < 6; slot++) {
    await control.mine(1)
    seen.push((await status(signature))?.confirmationStatus)
  }
  await control.resumeMining()
  expect(seen).toEqual([null, 'processed', 'confirmed', 'confirmed', 'confirmed', 'confirmed', 'finalized'])
})

test.each([
  { units: 1_001, priority: 1_502n },
  { units: undefined, priority: 9_000n },
])('a priority price is part of the fee, estimated and charged, with a limit of $units units', async (given) => {
  const payer = await funded(SOL)
  const { value: latest } = await rpc.getLatestBlockhash().send()
  const instruction = getTransferSolInstruction({ source: payer, destination: payer.address, amount: 1n })
  const message = pipe(baseMessage(payer, latest, [instruction]), (tx) =>
    setTransactionMessageComputeUnitPrice(1_500_000n, tx),
  )
  const transaction = await signTransactionMessageWithSigners(
    given.units === undefined ? message : setTransactionMessageComputeUnitLimit(given.units, message),
  )
  const base64 = Buffer.from(transaction.messageBytes).toString('base64')
  const estimate = await rpc.getFeeForMessage(base64 as Parameters<typeof rpc.getFeeForMessage>[0]).send()
  expect(estimate.value).toBe(5000n + given.priority)
  await send(transaction)
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL - 5000n - given.priority)
})

test('preflight refuses what would fail and says why; without preflight it is included as failed', async () => {
  const payer = await funded(SOL)
  const tooMuch = await transfer(payer, (await generateKeyPairSigner()).address, 2n * SOL)
  const refusal = await send(tooMuch).catch((error: unknown) => error)
  expect(isSolanaError(refusal, SOLANA_ERROR__JSON_RPC__SERVER_ERROR_SEND_TRANSACTION_PREFLIGHT_FAILURE)).toBe(true)
  expect(String((refusal as { context: { logs: string[] } }).context.logs)).toContain('insufficient lamports')
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL)

  const signature = await send(tooMuch, { skipPreflight: true })
  expect((await status(signature))?.err).toEqual({ InstructionError: [0n, { Custom: 1n }] })
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL - 5000n)
})

test('the same transaction sent again answers the same signature and pays once', async () => {
  const payer = await funded(SOL)
  const transaction = await transfer(payer, payer.address, 5n)
  expect(await send(transaction)).toBe(await send(transaction))
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL - 5000n)
})

test('a simulation reports units and logs, needs no signature, and changes nothing', async () => {
  const payer = await funded(SOL)
  const stale = { blockhash: payer.address as string as Blockhash, lastValidBlockHeight: 1n }
  const transaction = await transfer(payer, payer.address, 1n, stale)
  const wire = getBase64EncodedWireTransaction(transaction)
  const unsigned = Buffer.from(wire, 'base64').fill(0, 1, 65).toString('base64') as typeof wire

  const expired = await rpc.simulateTransaction(wire, { encoding: 'base64', sigVerify: true }).send()
  expect(expired.value.err).toBe('BlockhashNotFound')
  const replaced = await rpc.simulateTransaction(unsigned, { encoding: 'base64', replaceRecentBlockhash: true }).send()
  expect(replaced.value.err).toBeNull()
  expect(replaced.value.unitsConsumed).toBe(150n)
  expect(replaced.value.logs?.at(-1)).toContain('success')
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL)
})

test('a blockhash expires after 150 blocks, and what waited on it is never included', async () => {
  const payer = await funded(SOL)
  const { value: latest } = await rpc.getLatestBlockhash().send()
  const waiting = await transfer(payer, payer.address, 1n, latest)
  const late = await transfer(payer, payer.address, 2n, latest)
  await node.control.pauseMining()
  const signature = await send(waiting)
  expect((await rpc.isBlockhashValid(latest.blockhash).send()).value).toBe(true)
  await node.control.expirePending()
  await node.control.resumeMining()

  expect((await rpc.isBlockhashValid(latest.blockhash).send()).value).toBe(false)
  expect(await rpc.getBlockHeight().send()).toBeGreaterThan(latest.lastValidBlockHeight)
  expect(await status(signature)).toBeNull()
  const refusal = await send(late).catch((error: unknown) => error)
  expect((refusal as { cause?: Error }).cause?.message ?? String(refusal)).toMatch(/blockhash/i)
})

test('a reorganisation takes back effects and status, and older blockhashes allow the same bytes again', async () => {
  const payer = await funded(SOL)
  const recipient = await generateKeyPairSigner()
  const { value: latest } = await rpc.getLatestBlockhash({ commitment: 'finalized' }).send()
  const transaction = await transfer(payer, recipient.address, SOL / 2n, latest)
  await node.control.pauseMining()
  const signature = await send(transaction)
  await node.control.mine(1)
  expect((await status(signature))?.confirmationStatus).toBe('processed')
  await node.control.reorganise(1)
  expect(await status(signature)).toBeNull()
  expect((await rpc.getBalance(recipient.address).send()).value).toBe(0n)
  expect((await rpc.getBalance(payer.address).send()).value).toBe(SOL)
  await node.control.resumeMining()

  await send(transaction)
  expect((await rpc.getBalance(recipient.address).send()).value).toBe(SOL / 2n)
})

test('a lost answer leaves the transaction in the chain, a lost request does not', async () => {
  const payer = await funded(SOL)
  const [kept, lost] = [await transfer(payer, payer.address, 1n), await transfer(payer, payer.address, 2n)]
  await node.control.misbehave({ method: 'sendTransaction', action: { kind: 'loseAnswer' } })
  await expect(send(kept)).rejects.toThrow()
  expect((await status(getSignatureFromTransaction(kept)))?.err).toBeNull()
  await node.control.misbehave({ method: 'sendTransaction', action: { kind: 'loseRequest' } })
  await expect(send(lost)).rejects.toThrow()
  expect(await status(getSignatureFromTransaction(lost))).toBeNull()
})

test('late answers, refusals and silence reach a Solana client too', async () => {
  await node.control.misbehave({ method: 'getSlot', action: { kind: 'delay', ms: 100 } })
  const start = performance.now()
  await rpc.getSlot().send()
  expect(performance.now() - start).toBeGreaterThanOrEqual(95)

  const error = { code: -32005, message: 'Node is behind by 42 slots' }
  await node.control.misbehave({ method: '*', action: { kind: 'refuse', error } })
  expect(await post('{"jsonrpc":"2.0","id":1,"method":"getSlot"}')).toEqual({ jsonrpc: '2.0', id: 1, error })

  await node.control.misbehave({ method: 'getSlot', action: { kind: 'loseRequest', how: 'hang' } })
  await expect(rpc.getSlot().send({ abortSignal: AbortSignal.timeout(100) })).rejects.toThrow('timeout')
})

test('another process drives the node over the control endpoint', async () => {
  const remote = connectControl(node.rpcUrl)
  const { address } = await generateKeyPairSigner()
  await remote.fund(address, 42n * SOL)
  expect((await rpc.getBalance(address).send()).value).toBe(42n * SOL)
  await remote.misbehave({ method: 'getSlot', times: 2, action: { kind: 'refuse', status: 429 } })
  await expect(rpc.getSlot().send()).rejects.toThrow('429')
  await remote.behave()
  await expect(rpc.getSlot().send()).resolves.toBeGreaterThan(0n)
  await expect(remote.reorganise(10_000)).rejects.toThrow('can be reorganised')
})

test('account and slot subscriptions notify until they are aborted', async () => {
  const { address } = await generateKeyPairSigner()
  const abort = new AbortController()
  const accounts = await rpcSubscriptions
    .accountNotifications(address, { encoding: 'base64' })
    .subscribe({ abortSignal: abort.signal })
  const slots = await rpcSubscriptions.slotNotifications().subscribe({ abortSignal: abort.signal })
  await node.control.fund(address, 7n)
  for await (const { value } of accounts) {
    expect(value.lamports).toBe(7n)
    break
  }
  for await (const { slot, parent } of slots) {
    expect(slot).toBe(parent + 1n)
    break
  }
  abort.abort()
})

test('a second start with the same file keeps balances, history and the genesis', async () => {
  const stateFile = join(folder, 'state.json')
  const first = await startSolanaNode({ stateFile, slotMs: 20, finalizedAfter: 4 })
  const firstRpc = createSolanaRpc(first.rpcUrl)
  const payer = await generateKeyPairSigner()
  await first.control.fund(payer.address, SOL)
  const { value: latest } = await firstRpc.getLatestBlockhash().send()
  const transaction = await transfer(payer, payer.address, 1n, latest)
  await firstRpc.sendTransaction(getBase64EncodedWireTransaction(transaction), { encoding: 'base64' }).send()
  const genesis = await firstRpc.getGenesisHash().send()
  await first.stop()

  const second = await startSolanaNode({ stateFile, slotMs: 20, finalizedAfter: 4 })
  try {
    const secondRpc = createSolanaRpc(second.rpcUrl)
    expect(await secondRpc.getGenesisHash().send()).toBe(genesis)
    expect((await secondRpc.getBalance(payer.address).send()).value).toBe(SOL - 5000n)
    const signature = getSignatureFromTransaction(transaction)
    const statuses = await secondRpc.getSignatureStatuses([signature], { searchTransactionHistory: true }).send()
    expect(statuses.value[0]?.err).toBeNull()
    expect((await secondRpc.isBlockhashValid(latest.blockhash).send()).value).toBe(true)
  } finally {
    await second.stop()
  }
})

test.each([
  ['{', -32700],
  ['[]', -32600],
  ['{"jsonrpc":"2.0","id":1,"method":"noSuchMethod"}', -32601],
  ['{"jsonrpc":"2.0","id":1,"method":"getBalance","params":["nonsense"]}', -32602],
  ['{"jsonrpc":"2.0","id":1,"method":"sendTransaction","params":["AQID",{"encoding":"base64"}]}', -32602],
])('%s is answered with error %i', async (body, code) => {
  expect(await post(body)).toMatchObject({ jsonrpc: '2.0', error: { code } })
})

test('a batch is answered call by call', async () => {
  const calls = ['getHealth', 'getVersion', 'nothing'].map((method, id) => ({ jsonrpc: '2.0', id, method }))
  const answers = await post(JSON.stringify(calls))
  expect(answers).toMatchObject([{ id: 0, result: 'ok' }, { id: 1 }, { id: 2, error: { code: -32601 } }])
})

test('mutilated transactions are refused and the node lives on', async () => {
  const payer = await funded(SOL)
  const wire = Buffer.from(getBase64EncodedWireTransaction(await transfer(payer, payer.address, 1n)), 'base64')
  const mutants = Array.from({ length: wire.length }, (_, cut) => wire.subarray(0, cut)).concat(
    Array.from({ length: wire.length }, (_, at) => {
      const copy = Buffer.from(wire)
      copy[at] = (copy[at] ?? 0) ^ 0x81
      return copy
    }),
  )
  for (const mutant of mutants) {
    const params = [mutant.toString('base64'), { encoding: 'base64' }]
    const answer = await post(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'sendTransaction', params }))
    expect(answer).toHaveProperty('error')
  }
  expect(await rpc.getHealth().send()).toBe('ok')
})

function connect({ rpcUrl, wsUrl }: SolanaNode) {
  return { rpc: createSolanaRpc(rpcUrl), rpcSubscriptions: createSolanaRpcSubscriptions(wsUrl) }
}

async function funded(amount: bigint): Promise<KeyPairSigner> {
  const signer = await generateKeyPairSigner()
  await airdropFactory({ rpc, rpcSubscriptions })({
    recipientAddress: signer.address,
    lamports: lamports(amount),
    commitment: 'processed',
  })
  return signer
}

type Lifetime = { blockhash: Blockhash; lastValidBlockHeight: bigint }

function baseMessage(payer: KeyPairSigner, lifetime: Lifetime, instructions: Instruction[]) {
  return pipe(
    createTransactionMessage({ version: 0 }),
    (tx) => setTransactionMessageFeePayerSigner(payer, tx),
    (tx) => setTransactionMessageLifetimeUsingBlockhash(lifetime, tx),
    (tx) => appendTransactionMessageInstructions(instructions, tx),
  )
}

async function transfer(payer: KeyPairSigner, destination: Address, amount: bigint, lifetime?: Lifetime) {
  const { blockhash, lastValidBlockHeight } = lifetime ?? (await rpc.getLatestBlockhash().send()).value
  const instruction = getTransferSolInstruction({ source: payer, destination, amount })
  const transaction = await signTransactionMessageWithSigners(
    baseMessage(payer, { blockhash, lastValidBlockHeight }, [instruction]),
  )
  assertIsTransactionWithBlockhashLifetime(transaction)
  return transaction
}

type Signed = Awaited<ReturnType<typeof transfer>> | Awaited<ReturnType<typeof signTransactionMessageWithSigners>>

function send(transaction: Signed, options: { skipPreflight?: boolean } = {}) {
  return rpc.sendTransaction(getBase64EncodedWireTransaction(transaction), { encoding: 'base64', ...options }).send()
}

async function status(signature: Parameters<typeof rpc.getSignatureStatuses>[0][number]) {
  return (await rpc.getSignatureStatuses([signature]).send()).value[0] ?? null
}

async function post(body: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(node.rpcUrl, { method: 'POST', headers, body })).json()
}
