import { createHash, createHmac } from 'node:crypto'
import type { SeenRequest } from './fake-openai.ts'

export type SigningKey = { accessKeyId: string; secretAccessKey: string; region: string; service: string }

/**
 * Checks a request signed by AWS Signature Version 4, worked out anew from the bytes that came.
 *
 * @returns the words of refusal, or `undefined`.
 */
export function checkSignature({ method, url, headers, body }: SeenRequest, key: SigningKey): string | undefined {
  const pattern = /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^,]+), SignedHeaders=([^,]+), Signature=(\w{64})$/
  const match = pattern.exec(headers.authorization ?? '')
  if (match === null) return 'Missing Authentication Token'
  const [, id, day, scope, signed, signature] = match as unknown as [string, string, string, string, string, string]
  if (id !== key.accessKeyId) return 'The security token included in the request is invalid.'
  if (scope !== `${key.region}/${key.service}/aws4_request`) return `Credential should be scoped to a valid region.`
  const bodyHash = hash(body)
  const claimed = headers['x-amz-content-sha256']
  if (claimed !== undefined && claimed !== bodyHash) return 'The provided hash does not match the body.'
  const names = signed.split(';')
  const lines = names.map((name) => `${name}:${String(headers[name] ?? '').trim()}\n`).join('')
  const path = url.pathname.split('/').map(encodeURIComponent).join('/')
  const canonical = [method, path, url.searchParams.toString(), lines, signed, bodyHash].join('\n')
  const text = ['AWS4-HMAC-SHA256', headers['x-amz-date'], `${day}/${scope}`, hash(canonical)].join('\n')
  const signingKey = [day, key.region, key.service, 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${key.secretAccessKey}`,
  )
  const expected = createHmac('sha256', signingKey).update(text).digest('hex')
  return expected === signature ? undefined : 'The request signature we calculated does not match the one you provided.'
}

const hash = (text: string): string => createHash('sha256').update(text).digest('hex')
