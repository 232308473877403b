import { z } from 'zod'

/** Addresses of the identity providers; another one is for tests and for companies with a proxy of their own. */
export const AuthConfig = z
  .strictObject({
    openai_url: z.url().default('https://auth.openai.com').describe('where a login at OpenAI goes'),
    chatgpt_url: z
      .url()
      .default('https://chatgpt.com/backend-api/codex')
      .describe('where models of a ChatGPT subscription answer'),
    anthropic_url: z.url().default('https://claude.ai').describe("where Anthropic's person says yes"),
    anthropic_token_url: z
      .url()
      .default('https://platform.claude.com')
      .describe("where Anthropic's code becomes a token"),
    openrouter_url: z.url().default('https://openrouter.ai').describe('where a login at OpenRouter goes'),
    github_url: z.url().default('https://github.com').describe('where a login at GitHub goes'),
    github_api_url: z.url().default('https://api.github.com').describe('where GitHub gives tokens for Copilot'),
  })
  .describe('Addresses of the identity providers, for a proxy of your own.')
export type AuthConfig = z.output<typeof AuthConfig>
