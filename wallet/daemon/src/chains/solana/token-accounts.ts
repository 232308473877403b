import type { ContractCallRequest, NetworkName, TransactionRequest } from '@waiaas/core'
import { z } from 'zod'
import type { TokenAccounts } from '../chain-adapter.ts'
import { AccountInfo } from './accounts.ts'
import type { SolanaContext } from './context.ts'
import { readMints } from './mints.ts'
import { tokenPrograms } from './programs.ts'
import { associatedAccount, TokenInstruction } from './token-instructions.ts'
import { readTokenAccount } from './token-state.ts'
import { base64, InContext } from './wire.ts'

const Owned = InContext(z.array(z.object({ pubkey: z.string(), account: AccountInfo })))
/** As many as fit into one transaction with room to spare. */
const CLOSED_AT_ONCE = 10

/** Tokens lie in accounts of their own, each with a deposit that its owner gets back with the last token. */
export function tokenAccountsOn(context: SolanaContext): TokenAccounts {
  const network = context.network.name
  return {
    held: async (owner) => {
      const found = await ownedAccounts(context, owner)
      if (!found.ok) return found
      return { ok: true, tokens: [...new Set(found.accounts.map(({ mint }) => mint))] }
    },
    emptying: async (owner, token, amount, to) => {
      const mints = await readMints(context.rpc, [token])
      const mint = mints.ok ? mints.value.get(token) : undefined
      if (mint === undefined) return undefined
      const account = await associatedAccount(owner, mint)
      const { type: _, network: __, ...close } = closeCall(network, owner, { address: account, program: mint.program })
      const send = { to, token: { address: token }, amount: amount.toString() }
      return { type: 'BATCH', network, instructions: [send, close] }
    },
    closing: async (owner) => {
      const found = await ownedAccounts(context, owner)
      if (!found.ok) return found
      const empty = found.accounts.filter(({ amount, frozen }) => amount === 0n && !frozen).slice(0, CLOSED_AT_ONCE)
      return { ok: true, request: closeAll(network, owner, empty) }
    },
  }
}

type Place = { address: string; program: string }

function closeAll(network: NetworkName, owner: string, accounts: readonly Place[]): TransactionRequest | undefined {
  const [first, ...others] = accounts.map((account) => closeCall(network, owner, account))
  if (first === undefined || others.length === 0) return first
  const instructions = [first, ...others].map(({ type: _, network: __, ...call }) => call)
  return { type: 'BATCH', network, instructions }
}

/** The deposit comes back to the wallet itself. */
function closeCall(network: NetworkName, owner: string, { address, program }: Place): ContractCallRequest {
  return {
    type: 'CONTRACT_CALL',
    network,
    programId: program,
    instructionData: base64(Uint8Array.of(TokenInstruction.CloseAccount)),
    accounts: [
      { pubkey: address, isSigner: false, isWritable: true },
      { pubkey: owner, isSigner: false, isWritable: true },
      { pubkey: owner, isSigner: true, isWritable: false },
    ],
  }
}

async function ownedAccounts({ rpc }: SolanaContext, owner: string) {
  const options = { commitment: 'confirmed', encoding: 'base64' }
  const answers = await Promise.all(
    tokenPrograms.map(async (programId) => ({
      programId,
      answer: await rpc.read('getTokenAccountsByOwner', [owner, { programId }, options], Owned),
    })),
  )
  const accounts: (Place & { mint: string; amount: bigint; frozen: boolean })[] = []
  for (const { programId, answer } of answers) {
    if (!answer.ok) return { ok: false as const, message: answer.failure.message }
    for (const { pubkey, account } of answer.value.value) {
      const held = account === null ? undefined : readTokenAccount(account)
      if (held === undefined) continue
      const { mint, amount, frozen } = held
      accounts.push({ address: pubkey, program: programId, mint, amount, frozen })
    }
  }
  return { ok: true as const, accounts }
}
