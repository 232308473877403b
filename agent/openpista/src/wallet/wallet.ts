import { readFileSync } from 'node:fs'
import { AppError, assertPrivate } from '@openpista/common'
import { type AnswerOf, WAIaaSClient, WAIaaSError, WAIaaSOwnerClient } from '@waiaas/sdk'

export type Transaction = AnswerOf<'getTransaction'>
export type Simulation = AnswerOf<'simulate'>
export type WalletEvent = AnswerOf<'events'>
/** Everything that the owner has to see before signing. */
export type ApprovalFacts = Extract<AnswerOf<'challenge'>, { approval: unknown }>['approval']

const ENDED: ReadonlySet<Transaction['status']> = new Set(['CONFIRMED', 'FAILED', 'CANCELLED', 'EXPIRED'])

/** Nothing will become of it any more. */
export function hasEnded({ status }: Transaction): boolean {
  return ENDED.has(status)
}

/** The wallet as far as the agent may use it: with a session token it can ask, look and cancel, never approve. */
export type Wallet = Pick<
  WAIaaSClient,
  | 'getWallet'
  | 'getAddress'
  | 'getAssets'
  | 'getBalance'
  | 'send'
  | 'simulate'
  | 'getTransaction'
  | 'listTransactions'
  | 'cancel'
  | 'events'
> & {
  /** What a transaction that waits for the owner does; `undefined` when it does not wait, or has no owner. */
  approvalFacts: (transactionId: string) => Promise<ApprovalFacts | undefined>
}

/**
 * The wallet at `url`, with the session token in `tokenFile`. When the daemon refuses the token, the file is read
 * again: a new token put there is used without a restart.
 *
 * @throws AppError `WALLET_TOKEN_MISSING`; `PERMISSIONS_TOO_OPEN` when others can read the file.
 */
export function connectWallet(config: { url: string; tokenFile: string }): Wallet {
  let token = readToken(config.tokenFile)
  const renewing: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    if (response.status !== 401 || !new Headers(init?.headers).has('authorization')) return response
    const next = readToken(config.tokenFile)
    if (next === token) return response
    token = next
    client.setSessionToken(token)
    const headers = new Headers(init?.headers)
    headers.set('authorization', `Bearer ${token}`)
    return await fetch(input, { ...init, headers })
  }
  const client = new WAIaaSClient({ baseUrl: config.url, sessionToken: token, fetch: renewing })
  return Object.assign(client, { approvalFacts: createFactsReader(config.url) })
}

function createFactsReader(baseUrl: string): Wallet['approvalFacts'] {
  // Reads what there is to sign; this program has no key of the owner and cannot answer.
  const reader = new WAIaaSOwnerClient({ baseUrl, sign: () => Promise.reject(new Error('the agent never signs')) })
  return async (transactionId) => {
    try {
      return (await reader.challenge('approve', transactionId)).approval
    } catch (error) {
      // The daemon says that there is nothing to sign; that it did not answer is another matter.
      const refused = error instanceof WAIaaSError && error.status >= 400 && error.status < 500 && error.status !== 429
      if (!refused) throw error
      return undefined
    }
  }
}

function readToken(file: string): string {
  try {
    assertPrivate(file, 0o600)
    return readFileSync(file, 'utf8').trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new AppError('WALLET_TOKEN_MISSING', `There is no wallet token in ${file}.`, {
      hint: `Ask the wallet's operator for a session token and put it there with mode 600.`,
      cause,
    })
  }
}
