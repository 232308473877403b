import { z } from 'zod'
import { BaseUnits } from '../amount.ts'
import { NetworkRef } from '../network.ts'
import { AddressText, Despite } from './parts.ts'

const HexData = z
  .string()
  .max(131_074)
  .regex(/^0x([0-9a-fA-F]{2})*$/, 'must be 0x and whole bytes in hex')
  .overwrite((text) => text.toLowerCase())

const CallAccount = z.strictObject({ pubkey: AddressText, isSigner: z.boolean(), isWritable: z.boolean() })

/** On EVM networks `to`, `calldata` and perhaps `value`; on Solana `programId`, `instructionData` and `accounts`. */
export const contractCallFields = {
  to: AddressText.optional(),
  calldata: HexData.optional(),
  value: BaseUnits.optional(),
  /** The contract's ABI, to check the calldata against. What the call does is read from the calldata, never from here. */
  abi: z.array(z.record(z.string(), z.unknown())).max(500).optional(),
  programId: AddressText.optional(),
  instructionData: z.base64().max(2048).optional(),
  accounts: z.array(CallAccount).max(64).optional(),
}

type Fields = { [Name in keyof typeof contractCallFields]?: unknown }
const given = (call: Fields, names: readonly (keyof Fields)[]) =>
  names.filter((name) => call[name] !== undefined).length

export function oneKindOfCall(call: Fields): boolean {
  const evm = given(call, ['to', 'calldata', 'value', 'abi'])
  const solana = given(call, ['programId', 'instructionData', 'accounts'])
  return solana === 0 ? given(call, ['to', 'calldata']) === 2 : solana === 3 && evm === 0
}
export const callFault = {
  message: 'give to and calldata (EVM), or programId, instructionData and accounts (Solana)',
}

/** A call of a contract or an instruction to a program. */
export const ContractCallRequest = z
  .strictObject({
    type: z.literal('CONTRACT_CALL'),
    network: NetworkRef.optional(),
    despite: Despite.optional(),
    ...contractCallFields,
  })
  .refine(oneKindOfCall, callFault)
  .meta({ id: 'ContractCallRequest' })
export type ContractCallRequest = z.infer<typeof ContractCallRequest>
