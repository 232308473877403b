import { KdfParams, newKdfParams } from './sealed.ts'

/** The least that a keystore may cost, so that tests which unlock many do not wait for Argon2id. */
export function cheapKdfParams(): KdfParams {
  return KdfParams.parse({ ...newKdfParams(), memoryCost: 8_192, timeCost: 1, parallelism: 1 })
}
