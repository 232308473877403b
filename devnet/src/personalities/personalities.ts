import { agave, agaveWithoutHistory } from './agave.ts'
import { alchemy } from './alchemy.ts'
import { geth } from './geth.ts'

/** Every EVM client and gateway that is known here. A further one is a file and a line. */
export const evmPersonalities = { geth, alchemy } as const

/** Every kind of Solana node and gateway that is known here. */
export const solanaPersonalities = { agave, agaveWithoutHistory } as const
