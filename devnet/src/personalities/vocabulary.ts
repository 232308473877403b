import { type Values, wordsOf } from '../proxy/words.ts'
import type { EvmSituation, Refusal, Transport, Words } from './evm-personality.ts'
import { FURTHER_WORDS } from './further-words.ts'
import { evmPersonalities, solanaPersonalities } from './personalities.ts'
import type { SolanaSituation } from './solana-personality.ts'

/** One sentence by which a client says what it has against a call. */
export type Vocable = {
  readonly client: string
  readonly situation: EvmSituation | SolanaSituation | 'throttled' | 'batchRefused'
  /** The JSON-RPC error code; null where only the words are known. */
  readonly code: number | null
  /** The words with examples of the values that they carry. */
  readonly message: string
  /** The HTTP status where it is not 200. */
  readonly status?: number
  readonly source: string
  readonly unconfirmed?: true
}

const EXAMPLES: Values = {
  next: 8090,
  nonce: 8089,
  gap: 8091,
  hash: '0x7f657507aee0511e36d2d1972a6b22e917cc89f92b6c12c4dbd57eaabb236960',
  sender: '0x336394A3219e71D9d9bd18201d34E95C1Bb7122C',
  gas: 20_000,
  needed: 21_000,
  gasLimit: 30_000_000,
  gasCap: 16_777_216,
  tip: 1_000_000_000,
  minTip: 25_000_000_000,
  feeCap: 90,
  baseFee: 100,
  fee: 1_050_000_000_000_000_000n,
  cap: 1_000_000_000_000_000_000n,
  feeEther: '1.05',
  capEther: '1.00',
  balance: 4_740_799_397_601_480_913n,
  cost: 22_019_342_038_993_800_000n,
  queued: 1_000_000_000_000_000_000n,
  overshot: 17_278_542_641_392_319_087n,
  size: 132_104,
  sizeLimit: 131_072,
  chainId: 1,
  txChainId: 5,
  method: 'eth_simulateV1',
  number: 100,
  block: '0x64',
  first: 20_000,
  root: '56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421',
  reason: 'no',
  colonReason: ': no',
  slot: 250_000_000,
  behind: 150,
  version: 0,
  calls: 142,
}

/** A gateway in front of a client repeats the client's words: they count once. */
function spoken(): Vocable[] {
  const counted = new Set<Words>()
  const personalities = [...Object.values(evmPersonalities), ...Object.values(solanaPersonalities)]
  return personalities.flatMap((personality) => {
    const says: Readonly<Record<string, Words | undefined>> = personality.says
    const own = Object.entries(says).flatMap(([situation, words]) => {
      if (!words || counted.has(words)) return []
      counted.add(words)
      return [vocable(personality.name, situation as Vocable['situation'], words)]
    })
    return [...own, ...refusals(personality)]
  })
}

function vocable(client: string, situation: Vocable['situation'], words: Words): Vocable {
  const { code, message } = wordsOf(words, EXAMPLES)
  const { source, unconfirmed } = words
  return { client, situation, code, message, source, ...(unconfirmed ? { unconfirmed } : {}) }
}

function refusals({ name, batch, throttling }: Transport & { readonly name: string }): Vocable[] {
  const entries = [
    ...throttling.map((refusal) => ['throttled', refusal] as const),
    ...(batch.refusal ? [['batchRefused', batch.refusal] as const] : []),
  ]
  return entries.flatMap(([situation, refusal]) => refused(name, situation, refusal))
}

function refused(client: string, situation: 'throttled' | 'batchRefused', refusal: Refusal): Vocable[] {
  const error = refusal.error ?? errorIn(refusal.body)
  if (!error) return []
  const { status, source, unconfirmed } = refusal
  return [
    {
      ...vocable(client, situation, { ...error, source, ...(unconfirmed ? { unconfirmed } : {}) }),
      ...(status === 200 ? {} : { status }),
    },
  ]
}

function errorIn(body: string | undefined): { code: number; message: string } | undefined {
  return body?.startsWith('{') ? (JSON.parse(body) as { code: number; message: string }) : undefined
}

/** What every client and gateway here says in each situation, and words of clients that have no personality. */
export const vocabulary: readonly Vocable[] = [...spoken(), ...FURTHER_WORDS]
