import { crashMatrix } from './matrix.ts'
import { startTestedSolana } from './solana-chain.ts'

const kinds = ['TRANSFER', 'TOKEN_TRANSFER', 'APPROVE', 'CONTRACT_CALL', 'BATCH']
crashMatrix({ sendMethod: 'sendTransaction', kinds }, startTestedSolana)
