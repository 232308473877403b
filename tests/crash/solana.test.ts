import { startTestedSolana } from './chains.ts'
import { crashMatrix } from './matrix.ts'

const kinds = ['TRANSFER', 'TOKEN_TRANSFER', 'APPROVE', 'CONTRACT_CALL', 'BATCH']
crashMatrix({ sendMethod: 'sendTransaction', kinds }, startTestedSolana)
