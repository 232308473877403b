import type { Identity, IdentityParts } from './identity.ts'
import { createAnthropicIdentity } from './identity-anthropic.ts'
import { createGitHubIdentity } from './identity-github.ts'
import { createOpenAIIdentity } from './identity-openai.ts'
import { createOpenRouterIdentity } from './identity-openrouter.ts'

/** Every identity provider, by the id of its model service. A new one is a file beside this one and a line here. */
export function createIdentities(parts: IdentityParts): ReadonlyMap<string, Identity> {
  const all = [createOpenAIIdentity, createAnthropicIdentity, createOpenRouterIdentity, createGitHubIdentity]
  return new Map(all.map((create) => create(parts)).map((identity) => [identity.provider, identity]))
}
