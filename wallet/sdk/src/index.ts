export { WAIaaSAdminClient } from './admin-client.ts'
export { WAIaaSClient } from './client.ts'
export { WAIaaSError } from './error.ts'
export {
  type Challenge,
  type OwnerProof,
  type OwnerSign,
  ownerProof,
  type PolicyChange,
  WAIaaSOwnerClient,
} from './owner-client.ts'
export type { AnswerOf, BodyOf, QueryOf } from './route-types.ts'
export type { ClientOptions } from './transport.ts'
