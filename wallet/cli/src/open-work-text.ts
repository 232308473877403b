import type { OpenWork } from '@waiaas/daemon'

/** How many payments are not final, with the command that shows them. */
export function openPaymentsText(count: number): string {
  if (count === 0) return 'No payment is open.'
  const are = count === 1 ? '1 payment is' : `${count} payments are`
  return `${are} open, waiting or sent: waiaas tx list --open`
}

/** What the kill switch keeps from happening, with the command that tells more; nothing while it is off. */
export function killSwitchText(state: OpenWork['killSwitch']): string[] {
  if (state === 'NORMAL') return []
  const what =
    state === 'ACTIVATED'
      ? 'The kill switch is on: nothing is signed or sent'
      : 'The wallet recovers from the kill switch'
  return [`${what}, and payments cannot be listed. See: waiaas kill-switch --status`]
}

/** How many accounts are held, with the command that shows them. */
export function heldAccountsText(count: number): string {
  const are = count === 1 ? '1 account is' : `${count} accounts are`
  return `${are} held, and nothing is signed for ${count === 1 ? 'it' : 'them'}: waiaas account list`
}
