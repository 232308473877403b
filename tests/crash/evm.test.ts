import { startTestedEvm } from './evm-chain.ts'
import { crashMatrix } from './matrix.ts'

const kinds = ['TRANSFER', 'TOKEN_TRANSFER', 'APPROVE', 'CONTRACT_CALL']
crashMatrix({ sendMethod: 'eth_sendRawTransaction', kinds }, startTestedEvm)
