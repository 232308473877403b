/** How many payments are not final, with the command that shows them. */
export function openPaymentsText(count: number): string {
  if (count === 0) return 'No payment is open.'
  const are = count === 1 ? '1 payment is' : `${count} payments are`
  return `${are} open, waiting or sent: waiaas tx list --open`
}

/** How many accounts are held, with the command that shows them. */
export function heldAccountsText(count: number): string {
  const are = count === 1 ? '1 account is' : `${count} accounts are`
  return `${are} held, and nothing is signed for ${count === 1 ? 'it' : 'them'}: waiaas account list`
}
