import { describe, expect, test } from 'vitest'
import { readBatchLimit, readNodeState, readPauseMs } from './gateway-errors.ts'

describe('what an error says about its node', () => {
  test.each([
    // Throttled, quota spent, key refused.
    ['busy', 429, 'Your app has exceeded its compute units per second capacity.'],
    ['busy', -32000, 'Your app has exceeded its compute units per second capacity.'],
    ['busy', -32016, 'over rate limit'],
    ['busy', -32017, 'sender is over rate limit'],
    [
      'busy',
      -32007,
      '50/second request limit reached - reduce calls per second or upgrade your account at quicknode.com',
    ],
    ['busy', -32012, 'credits limited to 6000/sec'],
    ['busy', -32003, 'daily request limit reached - upgrade your account at quicknode.com'],
    ['busy', -32011, 'request limit reached'],
    ['busy', -32011, 'no backends available for method'],
    ['busy', 15, 'Too many requests, try again later'],
    ['busy', 12, "Can't route your request to suitable provider, if you specified certain providers revise the list"],
    ['busy', 30, 'Request timeout on the free tier, please upgrade your tier to the paid one'],
    ['busy', 35, 'chain is not available on free plan, please upgrade to paid plan'],
    [
      'busy',
      -32701,
      'Please specify an address in your request or, to remove restrictions, order a dedicated full node here: https://www.allnodes.com/eth/host',
    ],
    ['busy', -32046, 'Cannot fulfill request'],
    ['busy', -32005, 'daily request count exceeded, request rate limited'],
    ['busy', -32005, "You've exceeded the RPS limit available on the current plan."],
    ['busy', -32005, 'method eth_call in batch triggered rate limit'],
    ['busy', -32005, 'Node is behind by 214 slots'],
    ['busy', -32097, 'Rate limit exceeded, please try again'],
    ['busy', -32429, 'max usage reached'],
    ['busy', -32000, 'Application POKT_APP_ID has exceeded its throughput limit'],
    ['busy', -32000, 'Monthly capacity limit exceeded.'],
    ['busy', 429, 'Connection rate limits exceeded, contact your app developer or support@rpcpool.com.'],
    ['busy', -32600, 'Must be authenticated!'],
    ['busy', -32000, 'App is inactive'],
    ['busy', -32603, 'Internal error'],
    // Missing methods.
    ['no such method', -32601, 'the method eth_simulateV1 does not exist/is not available'],
    ['no such method', -32004, 'The method eth_maxPriorityFeePerGas is not supported'],
    ['no such method', -32000, 'Method eth_maxPriorityFeePerGas not supported.'],
    ['no such method', -32000, 'rpc method is not whitelisted'],
    ['no such method', -32000, 'unsupported method: eth_feeHistory'],
    ['no such method', 35, 'method is not available on freetier, please upgrade to paid tier'],
    // Missing state and history.
    ['no such state', -32011, 'Transaction history is not available from this node'],
    ['no such state', -32007, 'Slot 100 was skipped, or missing due to ledger jump to recent snapshot'],
    ['no such state', -32004, 'Block not available for slot 100'],
    ['no such state', -32016, 'Minimum context slot has not been reached'],
    ['no such state', -32000, 'header not found'],
    ['no such state', -32000, 'missing trie node 5eb1 (path ) state 0x5eb1 is not available'],
    ['no such state', -32000, 'historical state 5eb1 is not available'],
  ] as const)('%s: %i %s', (state, code, message) => {
    expect(readNodeState({ code, message })).toBe(state)
  })

  test.each([
    [3, 'execution reverted: rate limit exceeded', undefined],
    [-32000, 'execution reverted: over rate limit', undefined],
    [-32015, 'VM execution error.', '0x08c379a0'],
    [-32000, 'Too many requests', '0x08c379a0'.padEnd(74, '0')],
    [-32000, 'nonce too low: next nonce 5, tx nonce 4', undefined],
    [-32000, 'replacement transaction underpriced', undefined],
    [-32000, 'exceeds block gas limit', undefined],
    [-32000, 'gas required exceeds allowance (50000000)', undefined],
    [-32000, 'tx fee (1.05 ether) exceeds the configured cap (1.00 ether)', undefined],
    [-32000, 'account limit exceeded: pooled 16 txs', undefined],
    [-32000, 'txpool is full', undefined],
    [-32000, 'max code size exceeded', undefined],
    [-32000, 'transaction exceeded the block gas limit', undefined],
    [-32003, 'Transaction signature verification failure', undefined],
    [-32002, 'Transaction simulation failed: Blockhash not found', undefined],
    [-32602, 'invalid argument 1: hex string without 0x prefix', undefined],
  ])('nothing: %i %s', (code, message, data) => {
    expect(readNodeState({ code, message, data })).toBeUndefined()
  })
})

test.each([
  [30, undefined, 30_000],
  [undefined, { rate: { allowed_rps: 50, backoff_seconds: 30, current_rps: 52.3 } }, 30_000],
  [undefined, { rate: { backoff_seconds: 0 } }, undefined],
  [undefined, { try_again_in: '659.29ms' }, 660],
  [undefined, { try_again_in: '1.2s' }, 1_200],
  [undefined, 'soon', undefined],
])('a pause of %s, %j is %s', (header, data, expected) => {
  expect(readPauseMs(header, data)).toBe(expected)
})

test.each([
  ['Batch of more than 3 requests are not allowed on free tier', 3],
  ['batch size limit of 10 exceeded', 10],
  ['maximum batch size is 100', 100],
  ['batch requests are not supported', undefined],
])('"%s" names %s', (words, expected) => {
  expect(readBatchLimit(words)).toBe(expected)
})
