import type { EvmPersonality, Refusal } from './evm-personality.ts'
import { geth } from './geth.ts'

const LIMIT = {
  code: -32007,
  message: '50/second request limit reached - reduce calls per second or upgrade your account at quicknode.com',
}

/** The throttling of QuickNode, on every chain: also with a body that is no JSON-RPC response. */
export const quicknodeThrottling: readonly Refusal[] = [
  { status: 429, body: JSON.stringify(LIMIT), source: 'foundry-rs/foundry#4894; erpc/erpc clients tests' },
  {
    status: 200,
    error: { code: LIMIT.code, message: '50/second request limit reached - reduce calls per second' },
    source: 'erpc/erpc thirdparty/quicknode.go; BobTheBuidler/dank_mids#642',
  },
  {
    status: 429,
    error: { code: -32012, message: 'credits limited to 6000/sec' },
    source: 'foundry-rs/foundry#6712',
  },
]

export const quicknode: EvmPersonality = { ...geth, name: 'quicknode', throttling: quicknodeThrottling }
