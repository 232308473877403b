import { base58 } from '@scure/base'
import type { Address } from '@solana/addresses'
import { AccountRole, type Instruction } from '@solana/instructions'
import { createSolanaRpc, generateKeyPairSigner } from '@solana/kit'
import { createSplMint, type SolanaMint, startSolanaNode } from '@waiaas/devnet'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { transferInstruction } from '../chains/solana/message.ts'
import { compileOutside, sealOutside } from '../chains/solana/outside-message.fixture.ts'
import { COMPUTE_BUDGET_PROGRAM, SYSTEM_PROGRAM } from '../chains/solana/programs.ts'
import { SOL, type SolanaChain, type SolanaPayer, solanaPayer, startSolanaChain } from './testing/solana-chain.ts'

let chain: SolanaChain
let payer: SolanaPayer
let mint: SolanaMint

beforeAll(async () => {
  chain = await startSolanaChain({ slotMs: 400 })
  mint = await createSplMint(chain.mintOptions)
  payer = await solanaPayer(chain)
})
afterAll(() => chain?.close())

const rpcOf = (url: string) => createSolanaRpc(url)
const rpc = () => rpcOf(chain.node.rpcUrl)
const newBlockhash = async () => (await rpc().getLatestBlockhash({ commitment: 'confirmed' }).send()).value.blockhash
const newAddress = async () => (await generateKeyPairSigner()).address
const balanceOf = async (address: string) =>
  (
    await rpc()
      .getBalance(address as Address, { commitment: 'confirmed' })
      .send()
  ).value as bigint

const outside = async (instructions: Instruction[], blockhash?: string, from = payer.address) =>
  sealOutside(compileOutside(0, from, instructions, blockhash ?? (await newBlockhash())))
const budget = (...data: number[]): Instruction => ({
  programAddress: COMPUTE_BUDGET_PROGRAM,
  data: Uint8Array.from(data),
})
const unitPrice = (lamportsForAMillion: bigint, ...behind: number[]) => {
  const price = Buffer.alloc(8)
  price.writeBigUInt64LE(lamportsForAMillion)
  return budget(3, ...price, ...behind)
}
const millionUnits = budget(2, 0x40, 0x42, 0x0f, 0)

/** Any fee, as far above the market as it may be. */
const ANY_FEE = { FEE_LIMIT: { ignored_up_to: '100' } }

describe('what a transaction made elsewhere pays', () => {
  test.each<[string, Instruction[], bigint]>([
    ['a price', [millionUnits, unitPrice(SOL)], SOL],
    ['a price with a byte behind it', [millionUnits, unitPrice(5n * SOL, 0)], 5n * SOL],
    ['a limit with a byte behind it', [budget(2, 0x40, 0x42, 0x0f, 0, 0), unitPrice(SOL)], SOL],
    ['a price without a limit', [unitPrice(1_000n * SOL)], 6n * SOL],
  ])(
    '%s: the ceiling is what the chain takes',
    async (_, instructions, priority) => {
      const payer = await solanaPayer(chain, ANY_FEE)
      await chain.node.control.fund(payer.address, 20n * SOL)
      const before = await balanceOf(payer.address)
      const pay = transferInstruction(payer.address, await newAddress(), SOL)
      const { status, body } = await payer.sign(await outside([...instructions, pay], undefined, payer.address))
      expect([status, body]).toMatchObject([201, { status: 'SIGNED', maxFee: String(priority + 5_000n) }])
      await rpc()
        .sendTransaction(body.signedTransaction as never, { encoding: 'base64' })
        .send()
      expect(await payer.ended(body.id)).toMatchObject({ status: 'CONFIRMED', fee: body.maxFee })
      expect(before - (await balanceOf(payer.address))).toBe(SOL + priority + 5_000n)
    },
    30_000,
  )

  test('a fee of 70 SOL stands in the ceiling to the lamport', async () => {
    const rich = await solanaPayer(chain, ANY_FEE)
    await chain.node.control.fund(rich.address, 100n * SOL)
    const pay = transferInstruction(rich.address, payer.address, 1n)
    const { body } = await rich.sign(await outside([millionUnits, unitPrice(70n * SOL), pay], undefined, rich.address))
    expect(body.maxFee).toBe(String(70n * SOL + 5_000n))
  })

  test.each<[string, Instruction[]]>([
    ['two prices', [unitPrice(1n), unitPrice(1n)]],
    ['the retired RequestUnits', [budget(0, 1, 0, 0, 0, 1, 0, 0, 0)]],
    ['a price that is cut', [budget(3, 1)]],
  ])('%s: refused', async (_, instructions) => {
    const pay = transferInstruction(payer.address, await newAddress(), SOL)
    const { status, body } = await payer.sign(await outside([...instructions, pay]))
    expect([status, body.code]).toEqual([400, 'INVALID_TRANSACTION'])
  })
})

describe('a transaction made elsewhere is for the network that it is signed for', () => {
  const pay = async () => transferInstruction(payer.address, await newAddress(), SOL)

  test('a blockhash of another cluster is refused', async () => {
    const other = await startSolanaNode({ slotMs: 400 })
    const { value } = await rpcOf(other.rpcUrl).getLatestBlockhash().send()
    await other.stop()
    const { status, body } = await payer.sign(await outside([await pay()], value.blockhash))
    expect([status, body.code]).toEqual([400, 'CHAIN_ID_MISMATCH'])
    expect(body.message).toContain(`${value.blockhash} is none of the last 150 of solana-local`)
  })

  test('so is one that has expired', async () => {
    const transaction = await outside([await pay()])
    await chain.node.control.mine(152)
    const { status, body } = await payer.sign(transaction)
    expect([status, body.code]).toEqual([400, 'CHAIN_ID_MISMATCH'])
  })

  const advance = (nonce: string, authority = payer.address): Instruction => ({
    programAddress: SYSTEM_PROGRAM,
    accounts: [
      { address: nonce as Address, role: AccountRole.WRITABLE },
      { address: 'SysvarRecentB1ockHashes11111111111111111111' as Address, role: AccountRole.READONLY },
      { address: authority as Address, role: AccountRole.READONLY_SIGNER },
    ],
    data: Uint8Array.of(4, 0, 0, 0),
  })

  test('a durable nonce has to be the one that the account holds, and then only a policy is missing', async () => {
    const nonce = await nonceAccount(payer.address)
    const fresh = await outside([advance(nonce.address), await pay()], nonce.value)
    const judged = await payer.sign(fresh)
    expect([judged.status, judged.body.code]).toEqual([403, 'POLICY_DENIED'])
    expect(judged.body.message).toContain('durable nonce')
    const faults: [string, Promise<string>][] = [
      ['holds another value', outside([advance(nonce.address), await pay()], await newBlockhash())],
      ['is no nonce account', outside([advance(await newAddress()), await pay()], nonce.value)],
      ['is no nonce account', outside([advance(mint.address), await pay()], nonce.value)],
    ]
    const foreign = await nonceAccount(await newAddress())
    faults.push(['does not sign it', outside([advance(foreign.address), await pay()], foreign.value)])
    for (const [why, transaction] of faults) {
      const { status, body } = await payer.sign(await transaction)
      expect([status, body.code, body.message]).toEqual([400, 'INVALID_TRANSACTION', expect.stringContaining(why)])
    }
  })
})

/** A nonce account with this authority, and the value that it holds. */
async function nonceAccount(authority: string): Promise<{ address: string; value: string }> {
  const nonce = await generateKeyPairSigner()
  const data = Buffer.alloc(52)
  data.writeBigUInt64LE(SOL / 10n, 4)
  data.writeBigUInt64LE(80n, 12)
  const [from, to] = [mint.authority, nonce].map((signer) => ({
    ...{ address: signer.address, role: AccountRole.WRITABLE_SIGNER, signer },
  }))
  const readonly = (address: string) => ({ address: address as Address, role: AccountRole.READONLY })
  const accounts = [
    { address: nonce.address, role: AccountRole.WRITABLE },
    readonly('SysvarRecentB1ockHashes11111111111111111111'),
    readonly('SysvarRent111111111111111111111111111111111'),
  ]
  await mint.send([
    { programAddress: SYSTEM_PROGRAM, accounts: [from!, to!], data },
    {
      programAddress: SYSTEM_PROGRAM,
      accounts,
      data: Buffer.concat([Buffer.of(6, 0, 0, 0), base58.decode(authority)]),
    },
  ])
  const options = { commitment: 'confirmed', encoding: 'base64' } as const
  await expect.poll(async () => (await rpc().getAccountInfo(nonce.address, options).send()).value).not.toBeNull()
  const { value } = await rpc().getAccountInfo(nonce.address, options).send()
  return { address: nonce.address, value: base58.encode(Buffer.from(value!.data[0], 'base64').subarray(40, 72)) }
}
