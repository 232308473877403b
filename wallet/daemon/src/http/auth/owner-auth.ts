import { type Clock, immediate } from '@openpista/common'
import { type NetworkName, parseAddress, type Route, routes } from '@waiaas/core'
import type { Kysely } from 'kysely'
import type { ChainAdapter } from '../../chains/chain-adapter.ts'
import { appendEvent } from '../../store/events.ts'
import type { Tables } from '../../store/tables.ts'
import { fail } from '../fail.ts'
import type { Claim } from './authenticate.ts'
import type { OwnerIdentity } from './identity.ts'
import { type AskContract, verifyOwnerSignature } from './owner-signature.ts'

export type OwnerAuth = {
  /**
   * Takes the owner's answer to a challenge: a message of this daemon, for this action and resource, not yet
   * used, not expired, signed by the address that owns the agent now. Uses the challenge up.
   *
   * @throws AppError INVALID_NONCE for a message that may not be answered, INVALID_SIGNATURE for the rest,
   * CHAIN_ERROR where a contract owner cannot be asked.
   */
  check: (claim: Claim) => Promise<OwnerIdentity>
}

export type OwnerAuthParts = {
  db: Kysely<Tables>
  clock: Clock
  adapters: ReadonlyMap<NetworkName, Pick<ChainAdapter, 'contractSigned'>>
}

export function createOwnerAuth(parts: OwnerAuthParts): OwnerAuth {
  const { db, clock } = parts
  return {
    check: async (claim) => {
      const proof = readProof(claim.headers)
      const challenge = await findChallenge(db, claim, proof.message)
      if (challenge === undefined) throw fail('INVALID_NONCE', 'This message was not issued for this action.')
      if (challenge.used_at !== null) throw fail('INVALID_NONCE', 'This message was used already.')
      if (clock.seconds() >= challenge.expires_at) throw fail('INVALID_NONCE', 'This message has expired.')
      const address = parseAddress(challenge.family, proof.address)
      const isOwner = address.ok && address.address === challenge.owner_address
      if (!isOwner || challenge.current_owner !== challenge.owner_address) {
        throw fail('INVALID_SIGNATURE', 'This address is not the owner.')
      }
      const { scheme, message, owner_address: ownerAddress, network } = challenge
      const contract = network === null ? undefined : contractOn(parts, network, ownerAddress)
      const valid = await verifyOwnerSignature({ scheme, message, ownerAddress, signature: proof.signature }, contract)
      if (!valid) throw fail('INVALID_SIGNATURE', "The signature is not the owner's over this message.")
      await use(db, clock.seconds(), challenge)
      return {
        kind: 'owner',
        agentId: challenge.agent_id,
        ownerAddress,
        challengeId: challenge.id,
        digest: challenge.digest,
        signature: proof.signature,
      }
    },
  }
}

function readProof(headers: Headers): { address: string; message: string; signature: string } {
  const [address, message, signature] = ['address', 'message', 'signature'].map((part) =>
    headers.get(`x-owner-${part}`),
  )
  if (!address || !message || !signature || !/^[A-Za-z0-9_-]+={0,2}$/.test(message)) {
    throw fail('INVALID_SIGNATURE', 'X-Owner-Address, X-Owner-Message (base64url) and X-Owner-Signature are needed.')
  }
  return { address, message: Buffer.from(message, 'base64url').toString('utf8'), signature }
}

/** A contract owner lives on one network, and only that network is asked: elsewhere its address may be another's. */
function contractOn(parts: OwnerAuthParts, network: NetworkName, address: string): AskContract {
  return async (hash, signature) => {
    const answer = await parts.adapters.get(network)?.contractSigned?.(address, hash, signature)
    if (answer === undefined) throw fail('CHAIN_ERROR', `The owner's contract is on ${network}, which is not served.`)
    if (!answer.ok) throw fail('CHAIN_ERROR', `The owner's contract could not be asked: ${answer.message}`)
    return answer.signed
  }
}

type Challenge = NonNullable<Awaited<ReturnType<typeof findChallenge>>>

async function findChallenge(db: Kysely<Tables>, claim: Claim, message: string) {
  const row = await db
    .selectFrom('challenges')
    .innerJoin('agents', 'agents.id', 'challenges.agent_id')
    .selectAll('challenges')
    .select([
      'agents.owner_address as current_owner',
      'agents.owner_family as family',
      'agents.owner_network as network',
    ])
    .where('challenges.message', '=', message)
    .executeTakeFirst()
  const route: Route = routes[claim.route]
  if (row === undefined || row.action !== route.ownerAction || row.family === null) return undefined
  if (claim.resourceId !== undefined && row.resource_id !== claim.resourceId) return undefined
  return { ...row, family: row.family }
}

/** Marks the challenge used; of two equal answers at once one wins. The first valid signature locks the owner in. */
async function use(db: Kysely<Tables>, now: number, challenge: Challenge): Promise<void> {
  await immediate(db, async (transaction) => {
    const used = await transaction
      .updateTable('challenges')
      .set({ used_at: now })
      .where('id', '=', challenge.id)
      .where('used_at', 'is', null)
      .executeTakeFirst()
    if (used.numUpdatedRows !== 1n) throw fail('INVALID_NONCE', 'This message was used already.')
    const locked = await transaction
      .updateTable('agents')
      .set({ owner_verified_at: now, updated_at: now })
      .where('id', '=', challenge.agent_id)
      .where('owner_verified_at', 'is', null)
      .where('owner_address', '=', challenge.owner_address)
      .executeTakeFirst()
    if (locked.numUpdatedRows === 0n) return
    await appendEvent(transaction, now, {
      type: 'OWNER_VERIFIED',
      actor: `owner:${challenge.owner_address}`,
      agentId: challenge.agent_id,
      data: { address: challenge.owner_address },
    })
  })
}
