import { existsSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { signAsOwner } from '@waiaas/daemon'
import type { Challenge } from '@waiaas/sdk'
import { CliError } from './fault.ts'

/** How a wallet signs each kind of message. */
export const walletWords = {
  eip712: 'typed data (eth_signTypedData_v4)',
  siwe: 'a message (personal_sign)',
  solana: 'a message (signMessage)',
} as const

/** One line that is not empty, from standard input. @throws CliError, with this hint, where it ends before. */
export async function askLine(hint: string): Promise<string> {
  const lines = createInterface({ input: process.stdin })
  for await (const line of lines) {
    if (line.trim() === '') continue
    lines.close()
    return line.trim()
  }
  throw new CliError('No signature was given.', { hint })
}

/** Shows the message and takes the signature that is pasted. Payments alone have a page to sign them on. */
export async function askSignature(challenge: Challenge): Promise<string> {
  console.error(`\nSign this with the wallet of ${challenge.ownerAddress}, as ${walletWords[challenge.scheme]}:\n`)
  console.error(`${challenge.message}\n\nPaste the signature:`)
  const page = 'approval' in challenge ? ', or sign on the approval page' : ''
  return await askLine(`Paste the signature, name a key with --key-file${page}.`)
}

export async function signWithKey(path: string, challenge: Challenge): Promise<string> {
  if (!existsSync(path)) throw new CliError(`The key file ${path} does not exist.`)
  return await signAsOwner(readFileSync(path, 'utf8'), challenge)
}

/** Names come from strangers, and must not move the cursor. */
export function printable(line: string): string {
  return line.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '?')
}
