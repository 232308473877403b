import type { ContractCallRequest, Network } from '@waiaas/core'
import { decodeData } from 'ox/AbiFunction'
import { parseParty, type Refusal, refuse } from '../payment.ts'
import { readFunctions, toOx } from './abi-functions.ts'
import type { EvmPrepared } from './prepared.ts'
import { checkSomebody } from './transfer.ts'

/** A call of a contract with the calldata as it was given. */
export function prepareContractCall(request: ContractCallRequest, network: Network): EvmPrepared | Refusal {
  const { to, calldata, value, abi } = request
  if (to === undefined || calldata === undefined) {
    return refuse('VALIDATION_FAILED', `A call on ${network.name} needs to and calldata.`)
  }
  const target = parseParty(to, network)
  if (!target.ok) return target
  const nobody = checkSomebody(target.address)
  if (nobody !== undefined) return nobody
  const data = calldata.toLowerCase() as `0x${string}`
  if (abi !== undefined && !fits(abi, data)) {
    return refuse('VALIDATION_FAILED', 'The calldata is no call of a function in the ABI.')
  }
  const amount = BigInt(value ?? 0)
  return {
    ok: true,
    call: { to: target.address as `0x${string}`, value: amount, data },
    amount,
    asset: network.native,
    to: target.address,
  }
}

function fits(abi: readonly unknown[], data: `0x${string}`): boolean {
  try {
    return readFunctions(abi).functions.some((each) => {
      if (each.selector !== data.slice(0, 10)) return false
      decodeData(toOx(each), data)
      return true
    })
  } catch {
    return false
  }
}
