import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** Without letters that are taken for others. */
const LETTERS = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ'
const LENGTH = 8

/** Eight of 32 letters, in two groups: forty bits, read out over a telephone. */
export function newPairingCode(): string {
  const code = [...randomBytes(LENGTH)].map((byte) => LETTERS[byte % LETTERS.length]).join('')
  return `${code.slice(0, LENGTH / 2)}-${code.slice(LENGTH / 2)}`
}

/** Whether a person wrote this code, in a time that does not depend on how much of it is right. */
export function isSameCode(written: string, code: string): boolean {
  const digest = (text: string) => createHash('sha256').update(plain(text)).digest()
  return timingSafeEqual(digest(written), digest(code))
}

function plain(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, '')
}
