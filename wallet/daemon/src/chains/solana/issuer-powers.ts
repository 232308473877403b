import { formatUnits } from '@waiaas/core'
import type { FeeSchedule } from './token-state.ts'

/** What the mint of a token gives its issuer, as far as holders feel it. Keys are absent where nobody has the power. */
export type IssuerPowers = {
  freezer: string | undefined
  permanentDelegate: string | undefined
  pauser: string | undefined
  feeAuthority: string | undefined
  fee: FeeSchedule | undefined
  hook: string | undefined
  hookAuthority: string | undefined
  frozenAtFirst: boolean
  nonTransferable: boolean
  hidesAmounts: boolean
  burnsOnlyWithIssuer: boolean
}

/**
 * What an issuer may do to every holder, one sentence each. Regulated stablecoins and tokenised shares have most of
 * it (PYUSD, USDG, xStocks), and who allows such a token by name allows this with it; wallets warn of it
 * (brave/brave-browser#39017).
 */
export function issuerNotes(powers: IssuerPowers, decimals: number): string[] {
  const { freezer, permanentDelegate, pauser, hook, hookAuthority } = powers
  return [
    permanentDelegate && `${permanentDelegate} may take or burn the tokens of every holder (PermanentDelegate).`,
    freezer && `${freezer} may freeze the tokens of every holder.`,
    powers.frozenAtFirst && 'New accounts begin frozen until the issuer thaws them (DefaultAccountState).',
    pauser && `${pauser} may pause all transfers (Pausable).`,
    hook && `The program ${hook} runs at every transfer and may refuse it (TransferHook).`,
    !hook && hookAuthority && `${hookAuthority} may have a program run at every transfer (TransferHook).`,
    feeNote(powers, decimals),
    powers.hidesAmounts && 'Amounts may be hidden (ConfidentialTransfer).',
    powers.nonTransferable && 'It cannot be transferred (NonTransferable).',
    powers.burnsOnlyWithIssuer && 'It is burned only with the issuer (PermissionedBurn).',
  ].filter((note): note is string => typeof note === 'string' && note !== '')
}

function feeNote({ fee, feeAuthority }: IssuerPowers, decimals: number): string | undefined {
  if (fee === undefined) return undefined
  const share = `${formatUnits(BigInt(fee.basisPoints), 2)} % of every transfer is withheld, at most ${formatUnits(fee.maximum, decimals)}`
  return `${share} (TransferFee)${feeAuthority === undefined ? '' : `; ${feeAuthority} may change that`}.`
}
