import { z } from 'zod'

/** Addresses of the identity providers; another one is for tests and for companies with a proxy of their own. */
export const AuthConfig = z.strictObject({
  openai_url: z.url().default('https://auth.openai.com'),
  /** Where models of a ChatGPT subscription answer. */
  chatgpt_url: z.url().default('https://chatgpt.com/backend-api/codex'),
  /** Where Anthropic's person says yes. */
  anthropic_url: z.url().default('https://claude.ai'),
  /** Where Anthropic's code becomes a token. */
  anthropic_token_url: z.url().default('https://platform.claude.com'),
  openrouter_url: z.url().default('https://openrouter.ai'),
  github_url: z.url().default('https://github.com'),
  github_api_url: z.url().default('https://api.github.com'),
})
export type AuthConfig = z.output<typeof AuthConfig>
