/** An error object of JSON-RPC. */
export type NodeError = { code: number; message: string; data?: unknown }

/**
 * What an error says about the node instead of about the question.
 * `busy`: it takes no more requests for now, or none with this key.
 * `no such method`: it does not offer the method.
 * `no such state`: it lacks the block, state or history that was asked for.
 */
export type NodeState = 'busy' | 'no such method' | 'no such state'

type Wording = { says: NodeState; code?: number; pattern?: RegExp; sources: string }

/**
 * The only place that reads the words of gateways and hosted nodes; the first entry that matches counts. Where an entry
 * has a code and a pattern, both have to match: Solana and EVM gateways use the same codes for different things.
 */
const wordings: readonly Wording[] = [
  {
    says: 'no such method',
    code: -32601,
    sources:
      'JSON-RPC 2.0; "the method eth_… does not exist/is not available" of geth and all forks (go-ethereum rpc/errors.go)',
  },
  {
    says: 'no such method',
    pattern:
      /unsupported method|method .{0,60}(not found|not supported|not available|unavailable|not allowed|not whitelisted|does not exist|disabled)|(not|isn't) (supported|available|allowed|whitelisted).{0,40}method|method is not whitelisted/i,
    sources:
      'Infura -32004 "method not supported"; ganache "Method … not supported." (full-blockchain-solidity-course-py#405); MegaETH "rpc method is not whitelisted"; erpc architecture/evm/error_normalizer.go',
  },
  {
    says: 'no such method',
    pattern: /not included in your (current )?plan|not available on (the )?free ?tier/i,
    sources: 'erpc architecture/evm/error_normalizer.go; dRPC',
  },
  {
    says: 'no such state',
    pattern: /transaction history is not available|unavailable for key|cleaned up, does not exist on node/i,
    sources: 'agave rpc-client-api/src/custom_error.rs: -32011, -32010, -32001 (solana#9316)',
  },
  {
    says: 'no such state',
    pattern:
      /block not available for slot|slot \d+ was skipped, or missing|block status not yet available|minimum context slot|failed to query long-term storage/i,
    sources: 'agave rpc-client-api/src/custom_error.rs: -32004, -32007, -32009, -32014, -32016, -32019',
  },
  {
    says: 'no such state',
    pattern:
      /^header not found|header for hash not found|^unknown block|missing trie node|historical state .{0,40}(not|un)available|state .{0,40}(is )?(not available|pruned|unavailable)|world state unavailable|old data not available due to pruning/i,
    sources:
      'go-ethereum core/state, eth/api_backend.go; MetaMask/metamask-extension#7234 (gateways between nodes); erigon "old data not available due to pruning"; besu "World state unavailable"; reth "state … pruned"',
  },
  {
    says: 'busy',
    code: 429,
    sources: 'Alchemy docs error-reference (hyperlane-monorepo#2021); rpcpool (solana-go#119)',
  },
  {
    says: 'busy',
    code: -32005,
    sources: 'EIP-1474 limit exceeded; Infura, Chainstack, Tenderly, MegaETH; Solana "Node is behind by … slots"',
  },
  { says: 'busy', code: -32029, sources: 'gateways that count per method (as -32005)' },
  { says: 'busy', code: -32046, sources: 'cloudflare-eth.com "Cannot fulfill request"' },
  { says: 'busy', code: -32429, sources: 'Helius "max usage reached"' },
  {
    says: 'busy',
    pattern: /rate[- ]?limit|rate exceeded|too many requests|\bcode: 1015\b/i,
    sources:
      'mainnet.base.org -32016 "over rate limit" (ethereum-optimism/infra proxyd/rpc.go, raindex#1662); Infura "project ID request rate exceeded" (INFURA/infura#201), "daily request count exceeded, request rate limited" (web3dart#24); api.mainnet-beta.solana.com "Too many requests for a specific RPC call"; dRPC 15; BSC "in batch triggered rate limit"; Cloudflare 1015 (erpc thirdparty/llama.go)',
  },
  {
    says: 'busy',
    pattern:
      /requests? limit reached|requests limited to|credits limited|daily request|requests per (second|minute|day)/i,
    sources:
      'QuickNode -32007, -32009, -32012, -32003 (alloy crates/json-rpc/src/response/error.rs, foundry#4894); arc-node#207 -32011',
  },
  {
    says: 'busy',
    pattern:
      /compute units? per second|exceeded (its|the|your|their) (?!.{0,40}gas).{0,40}(capacity|quota|rps|throughput|limit)|(monthly|daily) (capacity|quota|limit)|(exceeded|reached) the (quota|free tier)|throughput limit|max usage reached|limit for your current plan|upgrade your (tier|plan|account)|\/billing/i,
    sources:
      'Alchemy, BlastAPI, ThunderStack "exceeded its compute units per second capacity"; Chainstack "exceeded the RPS limit available on the current plan"; Pocket "has exceeded its throughput limit" (status-app#14665); Helius "max usage reached"; erpc architecture/evm/error_normalizer.go',
  },
  {
    says: 'busy',
    pattern: /(on|of) (the )?free plan|to (a )?paid plan|order a dedicated (full )?node|require a personal token/i,
    sources: 'dRPC 35; PublicNode -32701, -32602 (devnet/src/personalities/{drpc,publicnode}.ts)',
  },
  {
    says: 'busy',
    pattern:
      /under too much load|no (server|backend)s? .{0,40}(available|healthy)|can't route your request|temporar(y|ily) .{0,20}(error|unavailable)|^internal (server )?error\.?$|(bad gateway|gateway timeout|service unavailable)|timeout on (the )?free ?tier|node is (behind|unhealthy)/i,
    sources:
      'proxyd/rpc.go -32011 and -32013 to -32019; dRPC 12, 19, 30; erpc architecture/evm/error_normalizer.go; agave -32005',
  },
  {
    says: 'busy',
    pattern:
      /unauthorized|must be authenticated|access key|(invalid|inactive|disabled|expired) (api|project) ?(key|id)|(api|project) ?(key|id) .{0,20}(invalid|inactive|disabled|expired)|app is inactive|not allowed to access/i,
    sources: 'erpc thirdparty/alchemy.go, infura.go, quicknode.go; espresso-network#4838 "App is inactive"',
  },
]

/** What an error says about its node; `undefined`: it is about the question. */
export function readNodeState({ code, message, data }: NodeError): NodeState | undefined {
  // A contract may give any words as the reason of its revert.
  if (code === 3 || /revert|EVM error|VM exception/i.test(message)) return undefined
  if (typeof data === 'string' && /^0x[0-9a-fA-F]{8,}$/.test(data)) return undefined
  return wordings.find(
    (each) => (each.code ?? code) === code && (each.pattern === undefined || each.pattern.test(message)),
  )?.says
}

/** How long a node asks clients to wait: the header Retry-After, or where gateways put the same in the error. */
export function readPauseMs(retryAfterSeconds: number | undefined, data: unknown): number | undefined {
  if (retryAfterSeconds !== undefined) return retryAfterSeconds * 1_000
  if (typeof data !== 'object' || data === null) return undefined
  // Chainstack: "659.29ms", "1.2s" (chainstack/dev-portal#288).
  const { try_again_in: again, rate } = data as { try_again_in?: unknown; rate?: { backoff_seconds?: unknown } }
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s)$/.exec(String(again)) ?? []
  if (amount !== undefined) return Math.ceil(Number(amount) * (unit === 's' ? 1_000 : 1))
  // Infura (INFURA/infura#201).
  const seconds = rate?.backoff_seconds
  return typeof seconds === 'number' && seconds > 0 ? seconds * 1_000 : undefined
}

/** Whether an error is about requests that were sent together. A contract may give any words as the reason of its revert. */
export function speaksOfBatches({ code, message }: Pick<NodeError, 'code' | 'message'>): boolean {
  return code !== 3 && /batch/i.test(message)
}

/** How many requests a node takes together, where its words name a number: "Batch of more than 3 requests are not allowed". */
export function readBatchLimit(words: string): number | undefined {
  const [, number] = /(?:more than|max(?:imum)?|up to|limit(?:ed)?|exceeds?)\D{0,30}(\d{1,4})\b/i.exec(words) ?? []
  return number === undefined ? undefined : Number(number)
}
