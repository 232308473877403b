import type { CredentialResult } from './credential.ts'

/** What every wire format is made with. Opens no connection; the library behind it is loaded at the first request. */
export type WireSettings = {
  /** Id of the preset, for logs and for thinking blocks. */
  id: string
  baseUrl: string
  /** `true`: `baseUrl` is the owner's and wins over the address that comes with a login. */
  fixedBaseUrl: boolean
  /** Headers that the service wants with every request. */
  headers: Readonly<Record<string, string>>
  /** How the credential travels. */
  auth: 'bearer' | 'api-key' | 'aws'
  /** Asked before every request. */
  credential: () => Promise<CredentialResult>
  env: Readonly<Record<string, string | undefined>>
}
