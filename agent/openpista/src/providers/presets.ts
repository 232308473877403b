/** Wire formats of model services. */
export type WireName = 'openai' | 'anthropic' | 'openai-compatible'

/**
 * A service one can name in `agent.provider`. Every text is data: addresses and models change,
 * and configuration overrides both.
 */
export type Preset = {
  id: string
  aliases: readonly string[]
  label: string
  wire: WireName
  baseUrl: string | null
  /** The address of a service that each customer has his own of: from this variable, or as given at login. */
  endpoint: { env: string; toBaseUrl: (endpoint: string) => string } | null
  defaultModel: string | null
  /** Environment variable with the API key. */
  keyEnv: string | null
  needsKey: boolean
  /** How the credential travels. */
  auth: 'bearer' | 'api-key' | 'aws'
  /** Headers that go with every request. */
  headers: Readonly<Record<string, string>>
  /** What `auth login` does. */
  login: 'browser' | 'key' | 'endpoint and key' | 'none'
  /** Order in pickers. */
  sort: number
}

/** Headers by which the Copilot service knows an editor; it refuses requests without them. */
export const EDITOR_HEADERS = {
  'editor-version': 'vscode/1.107.0',
  'editor-plugin-version': 'copilot-chat/0.35.0',
  'copilot-integration-id': 'vscode-chat',
} as const

const plain = {
  aliases: [],
  wire: 'openai-compatible',
  endpoint: null,
  needsKey: true,
  auth: 'bearer',
  headers: {},
} as const

export const presets = [
  {
    ...plain,
    id: 'anthropic',
    label: 'Anthropic',
    aliases: ['claude'],
    wire: 'anthropic',
    baseUrl: 'https://api.anthropic.com',
    defaultModel: 'claude-sonnet-4-6',
    keyEnv: 'ANTHROPIC_API_KEY',
    login: 'browser',
    sort: 20,
  },
  {
    ...plain,
    id: 'github-copilot',
    label: 'GitHub Copilot',
    aliases: ['copilot'],
    headers: EDITOR_HEADERS,
    baseUrl: 'https://api.githubcopilot.com',
    defaultModel: 'gpt-4o',
    keyEnv: 'GITHUB_COPILOT_TOKEN',
    login: 'browser',
    sort: 30,
  },
  {
    ...plain,
    id: 'openai',
    label: 'OpenAI',
    wire: 'openai',
    baseUrl: 'https://api.openai.com/v1',
    defaultModel: 'gpt-4o',
    keyEnv: 'OPENAI_API_KEY',
    login: 'browser',
    sort: 40,
  },
  {
    ...plain,
    id: 'google',
    label: 'Google Gemini',
    aliases: ['gemini'],
    baseUrl: 'https://generativelanguage.googleapis.com/v1beta/openai',
    defaultModel: 'gemini-2.5-flash',
    keyEnv: 'GOOGLE_API_KEY',
    login: 'key',
    sort: 50,
  },
  {
    ...plain,
    id: 'openrouter',
    label: 'OpenRouter',

    baseUrl: 'https://openrouter.ai/api/v1',
    defaultModel: 'openai/gpt-4o',
    keyEnv: 'OPENROUTER_API_KEY',
    login: 'browser',
    sort: 60,
  },
  {
    ...plain,
    id: 'vercel-ai-gateway',
    label: 'Vercel AI Gateway',

    baseUrl: 'https://ai-gateway.vercel.sh/v1',
    defaultModel: 'openai/gpt-4o',
    keyEnv: 'VERCEL_AI_GATEWAY_API_KEY',
    login: 'key',
    sort: 70,
  },
  {
    ...plain,
    id: 'azure-openai',
    label: 'Azure OpenAI',
    endpoint: { env: 'AZURE_OPENAI_ENDPOINT', toBaseUrl: azureBaseUrl },
    auth: 'api-key',
    baseUrl: null,
    defaultModel: null,
    keyEnv: 'AZURE_OPENAI_API_KEY',
    login: 'endpoint and key',
    sort: 80,
  },
  {
    ...plain,
    id: 'bedrock',
    label: 'Amazon Bedrock',
    endpoint: { env: 'AWS_REGION', toBaseUrl: bedrockBaseUrl },
    auth: 'aws',
    baseUrl: null,
    defaultModel: 'openai.gpt-oss-120b-1:0',
    keyEnv: 'AWS_SECRET_ACCESS_KEY',
    login: 'endpoint and key',
    sort: 90,
  },
  {
    ...plain,
    id: 'together',
    label: 'Together AI',

    baseUrl: 'https://api.together.xyz/v1',
    defaultModel: 'meta-llama/Llama-3.3-70B-Instruct-Turbo',
    keyEnv: 'TOGETHER_API_KEY',
    login: 'key',
    sort: 110,
  },
  {
    ...plain,
    id: 'ollama',
    label: 'Ollama (this machine)',
    needsKey: false,
    baseUrl: 'http://localhost:11434/v1',
    defaultModel: 'llama3.2',
    keyEnv: null,
    login: 'none',
    sort: 140,
  },
  {
    ...plain,
    id: 'custom',
    label: 'Any OpenAI-compatible service',
    needsKey: false,
    baseUrl: null,
    defaultModel: null,
    keyEnv: 'OPENAI_API_KEY',
    login: 'endpoint and key',
    sort: 150,
  },
] as const satisfies readonly Preset[]

/** The resource's address, with or without the path of the compatible API. */
function azureBaseUrl(endpoint: string): string {
  const plain = endpoint.replace(/\/+$/, '')
  return plain.endsWith('/openai/v1') ? plain : `${plain}/openai/v1`
}

/** A region's compatible address; an address stays as it is. */
function bedrockBaseUrl(region: string): string {
  return region.includes('://') ? region : `https://bedrock-runtime.${region}.amazonaws.com/openai/v1`
}

/** The preset with this id or alias. */
export function findPreset(name: string): Preset | undefined {
  const wanted = name.toLowerCase()
  return presets.find((preset: Preset) => preset.id === wanted || preset.aliases.includes(wanted))
}
