/** Wire formats of model services. */
export type WireName = 'openai-compatible'

/**
 * A service one can name in `agent.provider`. Every text is data: addresses and models change,
 * and configuration overrides both.
 */
export type Preset = {
  id: string
  aliases: readonly string[]
  label: string
  /** The wire format it speaks; `null` where this program does not speak it yet. */
  wire: WireName | null
  baseUrl: string | null
  defaultModel: string | null
  /** Environment variable with the API key. */
  keyEnv: string | null
  needsKey: boolean
  /** Order in pickers. */
  sort: number
}

export const presets = [
  {
    id: 'anthropic',
    aliases: ['claude'],
    label: 'Anthropic',
    wire: null,
    baseUrl: 'https://api.anthropic.com',
    defaultModel: 'claude-sonnet-4-6',
    keyEnv: 'ANTHROPIC_API_KEY',
    needsKey: true,
    sort: 20,
  },
  {
    id: 'openai',
    aliases: [],
    label: 'OpenAI',
    wire: 'openai-compatible',
    baseUrl: 'https://api.openai.com/v1',
    defaultModel: 'gpt-4o',
    keyEnv: 'OPENAI_API_KEY',
    needsKey: true,
    sort: 40,
  },
  {
    id: 'openrouter',
    aliases: [],
    label: 'OpenRouter',
    wire: 'openai-compatible',
    baseUrl: 'https://openrouter.ai/api/v1',
    defaultModel: 'openai/gpt-4o',
    keyEnv: 'OPENROUTER_API_KEY',
    needsKey: true,
    sort: 60,
  },
  {
    id: 'together',
    aliases: [],
    label: 'Together AI',
    wire: 'openai-compatible',
    baseUrl: 'https://api.together.xyz/v1',
    defaultModel: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    keyEnv: 'TOGETHER_API_KEY',
    needsKey: true,
    sort: 110,
  },
  {
    id: 'ollama',
    aliases: [],
    label: 'Ollama (this machine)',
    wire: 'openai-compatible',
    baseUrl: 'http://localhost:11434/v1',
    defaultModel: 'llama3.2',
    keyEnv: null,
    needsKey: false,
    sort: 140,
  },
  {
    id: 'custom',
    aliases: [],
    label: 'Any OpenAI-compatible service',
    wire: 'openai-compatible',
    baseUrl: null,
    defaultModel: null,
    keyEnv: 'OPENAI_API_KEY',
    needsKey: false,
    sort: 150,
  },
] as const satisfies readonly Preset[]

/** The preset with this id or alias. */
export function findPreset(name: string): Preset | undefined {
  const wanted = name.toLowerCase()
  return presets.find((preset: Preset) => preset.id === wanted || preset.aliases.includes(wanted))
}
