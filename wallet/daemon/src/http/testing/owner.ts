import type { CommandChallengeView, OwnerCommand } from '@waiaas/core'
import { post, type TestHttp } from './start-http.ts'

/** The message for an owner to sign. */
export async function askOwner(
  http: TestHttp,
  action: OwnerCommand,
  resourceId: string,
  more: Record<string, unknown> = {},
): Promise<CommandChallengeView> {
  const answer = await http.fetch('/v1/owner/challenges', post({ action, resourceId, ...more }))
  if (answer.status !== 201) throw new Error(`no challenge: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as CommandChallengeView
}

/** A call that carries an owner's signature. */
export async function answerOwner(
  http: TestHttp,
  method: string,
  path: string,
  challenge: Pick<CommandChallengeView, 'message' | 'ownerAddress'>,
  signature: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Response> {
  const proof = {
    'X-Owner-Address': challenge.ownerAddress,
    'X-Owner-Message': Buffer.from(challenge.message).toString('base64url'),
    'X-Owner-Signature': signature,
  }
  return await http.fetch(path, { ...post(body, { ...proof, ...headers }), method })
}
