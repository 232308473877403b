/** Tokens of one answer. */
export type Usage = { inputTokens: number; outputTokens: number }

/** What is known about a model. Prices are micro-US-dollars per million tokens; `null` where nobody says. */
export type ModelInfo = {
  provider: string
  id: string
  /** Tokens of conversation and answer together. */
  context: number
  /** Tokens of one answer. */
  output: number
  price: { input: bigint; output: bigint } | null
  /** Which of OpenAI's two formats it is spoken to in. */
  api: 'chat' | 'responses'
  /** Reasoning effort that is asked for; `null`: the model does not reason, or decides itself. */
  effort: 'high' | null
  /** How Anthropic's thinking is turned on. */
  thinking: 'budget' | 'adaptive' | 'none'
  recommendedForCoding: boolean
}

type Known = Partial<ModelInfo> & Pick<ModelInfo, 'provider' | 'id' | 'context' | 'output'>

const usd = (input: number, output: number) => ({
  input: BigInt(Math.round(input * 1_000_000)),
  output: BigInt(Math.round(output * 1_000_000)),
})
const reasoning = { api: 'responses', effort: 'high' } as const
const coding = { recommendedForCoding: true } as const
const openai = { provider: 'openai' } as const
const anthropic = { provider: 'anthropic', thinking: 'budget' } as const
const copilot = { provider: 'github-copilot', context: 128_000, output: 16_384 } as const
const google = { provider: 'google', context: 1_048_576, output: 65_536 } as const

/** Models that are listed without asking their service. */
export const knownModels: readonly Known[] = [
  { ...openai, id: 'gpt-5.3-codex', context: 400_000, output: 128_000, price: usd(1.75, 14), ...reasoning, ...coding },
  { ...openai, id: 'gpt-5.3-codex-spark', context: 128_000, output: 32_000, ...reasoning, ...coding },
  {
    ...openai,
    id: 'codex-mini-latest',
    context: 200_000,
    output: 100_000,
    price: usd(1.5, 6),
    ...reasoning,
    ...coding,
  },
  { ...openai, id: 'o3', context: 200_000, output: 100_000, price: usd(2, 8), ...reasoning },
  { ...openai, id: 'o3-mini', context: 200_000, output: 100_000, price: usd(1.1, 4.4), ...reasoning },
  { ...openai, id: 'o4-mini', context: 200_000, output: 100_000, price: usd(1.1, 4.4), ...reasoning },
  { ...openai, id: 'gpt-4.1', context: 1_047_576, output: 32_768, price: usd(2, 8), ...coding },
  { ...openai, id: 'gpt-4.1-mini', context: 1_047_576, output: 32_768, price: usd(0.4, 1.6) },
  { ...openai, id: 'gpt-4.1-nano', context: 1_047_576, output: 32_768, price: usd(0.1, 0.4) },
  { ...openai, id: 'gpt-4o', context: 128_000, output: 16_384, price: usd(2.5, 10) },
  { ...openai, id: 'gpt-4o-mini', context: 128_000, output: 16_384, price: usd(0.15, 0.6) },
  { ...anthropic, id: 'claude-sonnet-4-6', context: 200_000, output: 64_000, price: usd(3, 15), ...coding },
  { ...anthropic, id: 'claude-opus-4-6', context: 200_000, output: 128_000, price: usd(5, 25), ...coding },
  { ...anthropic, id: 'claude-haiku-4-5', context: 200_000, output: 64_000, price: usd(1, 5) },
  { ...copilot, id: 'gpt-4o' },
  { ...copilot, id: 'gpt-4o-mini' },
  { ...copilot, id: 'claude-3.5-sonnet', ...coding },
  { ...google, id: 'gemini-2.5-pro', price: usd(1.25, 10), ...coding },
  { ...google, id: 'gemini-2.5-flash', price: usd(0.3, 2.5) },
  { provider: 'openrouter', id: 'openai/gpt-4o', context: 128_000, output: 16_384, price: usd(2.5, 10) },
  { provider: 'vercel-ai-gateway', id: 'openai/gpt-4o', context: 128_000, output: 16_384, price: usd(2.5, 10) },
  {
    provider: 'together',
    id: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    context: 131_072,
    output: 8192,
    price: usd(0.88, 0.88),
  },
  { provider: 'ollama', id: 'llama3.2', context: 128_000, output: 8192, price: usd(0, 0) },
  { provider: 'bedrock', id: 'openai.gpt-oss-120b-1:0', context: 128_000, output: 16_384, price: usd(0.15, 0.6) },
]

/** What is known about a model, and careful guesses about one that is not. */
export function modelInfo(provider: string, id: string): ModelInfo {
  const known = knownModels.find((model) => model.provider === provider && model.id === id)
  return { ...guess(provider, id), ...known }
}

/** What a number of tokens costs, in 10^-12 US dollars; `null` where the price is not known. */
export function costOf({ price }: ModelInfo, usage: Usage): bigint | null {
  if (price === null) return null
  return BigInt(usage.inputTokens) * price.input + BigInt(usage.outputTokens) * price.output
}

function guess(provider: string, id: string): ModelInfo {
  const reasons = /^(o\d|gpt-5|gpt-6)|codex/.test(id)
  const thinking = /claude-(3-7|(opus|sonnet|haiku)-4)/.test(id) ? 'budget' : /claude-3/.test(id) ? 'none' : 'adaptive'
  return {
    provider,
    id,
    context: 128_000,
    output: 8192,
    price: null,
    api: reasons ? 'responses' : 'chat',
    effort: /^o\d|codex/.test(id) ? 'high' : null,
    thinking,
    recommendedForCoding: false,
  }
}
