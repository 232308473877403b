import { formatSignIn, parseSignIn } from '@waiaas/core'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerOwner, askOwner } from './testing/owner.ts'
import { type Paying, payer, startPaying, told } from './testing/real-engine.ts'

/** Attacks with what an owner signs. */
let http: Paying
const owner = privateKeyToAccount(generatePrivateKey())
const stranger = privateKeyToAccount(generatePrivateKey())

beforeAll(async () => {
  http = await startPaying()
})
afterAll(() => http.close())

type Asked = Awaited<ReturnType<typeof askOwner>> & { agentId: string }

async function question(): Promise<Asked> {
  const { agent } = await payer(http, {}, { ownerAddress: owner.address })
  return { ...(await askOwner(http, 'verify', agent.id)), agentId: agent.id }
}

const verify = async (asked: Asked, signature: string, headers: Record<string, string> = {}) =>
  await told(await answerOwner(http, 'POST', `/v1/agents/${asked.agentId}/owner/verify`, asked, signature, headers))
const signed = (message: string, by = owner) => by.signMessage({ message })

/** The challenge with some fields of its text changed, and signed by the owner all the same. */
async function changed(change: Record<string, string>): Promise<string> {
  const asked = await question()
  const message = formatSignIn({ ...parseSignIn(asked.message)!, ...change })
  return await verify({ ...asked, message }, await signed(message))
}

type Scenario = { id: string; tries: string; attack: () => Promise<unknown>; expected: unknown }

const scenarios: Scenario[] = [
  {
    id: 'SEC-01-OA-01',
    tries: 'a message that is no base64url',
    attack: async () => {
      const asked = await question()
      return await verify(asked, await signed(asked.message), { 'X-Owner-Message': '%%% not base64url %%%' })
    },
    expected: '401 INVALID_SIGNATURE',
  },
  {
    id: 'SEC-01-OA-02',
    tries: 'an answer after five minutes, and a message dated anew',
    attack: async () => {
      const own = await startPaying()
      try {
        const { agent } = await payer(own, {}, { ownerAddress: owner.address })
        const asked = await askOwner(own, 'verify', agent.id)
        own.clock.advance(300)
        const path = `/v1/agents/${agent.id}/owner/verify`
        return [
          await told(await answerOwner(own, 'POST', path, asked, await signed(asked.message))),
          await changed({ expirationTime: '2099-01-01T00:00:00.000Z' }),
        ]
      } finally {
        await own.close()
      }
    },
    expected: ['401 INVALID_NONCE', '401 INVALID_NONCE'],
  },
  {
    id: 'SEC-01-OA-03',
    tries: 'a nonce of its own, and one that was used',
    attack: async () => {
      const asked = await question()
      const signature = await signed(asked.message)
      return [
        await changed({ nonce: '0123456789abcdef' }),
        await verify(asked, signature),
        await verify(asked, signature),
      ]
    },
    expected: ['401 INVALID_NONCE', 'ok', '401 INVALID_NONCE'],
  },
  {
    id: 'SEC-01-OA-04',
    tries: "another key under the owner's address",
    attack: async () => {
      const asked = await question()
      return await verify(asked, await signed(asked.message, stranger))
    },
    expected: '401 INVALID_SIGNATURE',
  },
  {
    id: 'SEC-01-OA-05',
    tries: 'another address with its own key',
    attack: async () => {
      const asked = await question()
      return await verify({ ...asked, ownerAddress: stranger.address }, await signed(asked.message, stranger))
    },
    expected: '401 INVALID_SIGNATURE',
  },
  {
    id: 'SEC-01-OA-06',
    tries: 'a message for one action at another',
    attack: async () => {
      const asked = await question()
      const signature = await signed(asked.message)
      return [
        await told(await answerOwner(http, 'POST', '/v1/admin/kill-switch', asked, signature)),
        await http.operate('GET', '/v1/admin/kill-switch'),
      ]
    },
    expected: ['401 INVALID_NONCE', { state: 'NORMAL' }],
  },
  {
    id: 'SEC-01-OA-07',
    tries: 'a message for another domain',
    attack: () => changed({ domain: 'evil.example', uri: 'https://evil.example' }),
    expected: '401 INVALID_NONCE',
  },
  {
    id: 'SEC-01-OA-08',
    tries: 'the whole answer again, and at another agent',
    attack: async () => {
      const [asked, other] = [await question(), await question()]
      const signature = await signed(asked.message)
      return [
        await verify({ ...asked, agentId: other.agentId }, signature),
        await verify(asked, signature),
        await verify(asked, signature),
      ]
    },
    expected: ['401 INVALID_NONCE', 'ok', '401 INVALID_NONCE'],
  },
]

test.each(scenarios)('$id: $tries', async ({ attack, expected }) => {
  expect(await attack()).toEqual(expected)
})
