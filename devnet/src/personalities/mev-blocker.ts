import type { EvmPersonality } from './evm-personality.ts'
import { geth } from './geth.ts'

/** A private relay that takes no batches at all. What is sent to it shows in no pool: the act `private`. */
export const mevBlocker: EvmPersonality = {
  ...geth,
  name: 'mevBlocker',
  batch: {
    limit: 0,
    refusal: {
      status: 405,
      body: '<html><head><title>405 Not Allowed</title></head></html>',
      source: 'ethers-io/ethers.js#4123',
    },
    source: 'ethers-io/ethers.js#4123',
  },
}
