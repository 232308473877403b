import type { Vocable } from './vocabulary.ts'

const CHAINLINK = 'smartcontractkit/chainlink core/chains/evm/client/errors_test.go'
const MONAD =
  'category-labs/monad-bft monad-eth-txpool-types/src/lib.rs; the code: erpc/erpc architecture/evm/error_normalizer.go'
const FRONTIER = `polkadot-evm/frontier client/rpc/src/eth; ${CHAINLINK}`

type Group = readonly [client: string, code: number | null, source: string, words: readonly Entry[]]
type Entry = readonly [situation: Vocable['situation'], message: string]

/** Words of clients, and of older versions, that have no personality here: they are only read. */
const GROUPS: readonly Group[] = [
  [
    'geth before 1.9.16',
    -32000,
    `ethereum/go-ethereum core/tx_pool.go of 2019; ${CHAINLINK}`,
    [
      ['alreadyKnown', 'known transaction: 7f657507aee0511e36d2d1972a6b22e917cc89f92b6c12c4dbd57eaabb236960'],
      ['alreadyKnown', 'Known transaction (7f65)'],
      ['nonceTooLow', 'nonce too low'],
      ['feeTooLow', 'transaction underpriced'],
      ['insufficientFunds', 'insufficient funds for gas * price + value'],
      ['insufficientFunds', 'insufficient funds for transfer'],
      ['insufficientFunds', 'insufficient balance for transfer'],
      ['insufficientFunds', 'transaction would cause overdraft'],
      ['intrinsicGas', 'intrinsic gas too low'],
      ['invalidSignature', 'invalid sender'],
    ],
  ],
  [
    'nethermind before 2021, and with a prefix',
    -32010,
    `NethermindEth/nethermind AddTxResult.cs; ${CHAINLINK}`,
    [
      ['alreadyKnown', 'OwnNonceAlreadyUsed'],
      ['nonceTooHigh', 'NonceGap, Future nonce. Expected nonce: 10'],
      [
        'insufficientFunds',
        'InsufficientFunds, Balance is 1092404690719251702 less than sending value + gas 7165512000464000000',
      ],
      ['insufficientFunds', 'InsufficientFunds, Balance is zero, cannot pay gas'],
      ['feeTooLow', 'FeeTooLow'],
      [
        'feeCapBelowBaseFee',
        'FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 50, BaseFee: 100, MaxPriorityFeePerGas:200, Block number: 5',
      ],
      ['tipTooLow', 'FeeTooLow, EffectivePriorityFeePerGas too low 10 < 20, BaseFee: 30'],
    ],
  ],
  [
    'erigon of 2023',
    -32000,
    'ledgerwatch/erigon-lib txpool/txpool_grpc_server.go, txpoolcfg; reports of public clients that match the words',
    [
      ['alreadyKnown', 'INTERNAL_ERROR: existing tx with same hash'],
      ['alreadyKnown', 'INTERNAL_ERROR: existing txn with same hash'],
      ['replacementUnderpriced', 'FEE_TOO_LOW: replacement transaction underpriced'],
      ['poolFull', 'INTERNAL_ERROR: baseFee sub-pool is full'],
      ['poolFull', 'INTERNAL_ERROR: queued sub-pool is full'],
    ],
  ],
  [
    'parity, openethereum',
    -32010,
    `openethereum/openethereum crates/rpc/src/v1/helpers/errors.rs; ${CHAINLINK}`,
    [
      ['alreadyKnown', 'Transaction with the same hash was already imported.'],
      ['nonceTooLow', 'Transaction nonce is too low. Try incrementing the nonce.'],
      [
        'replacementUnderpriced',
        'Transaction gas price 100wei is too low. There is another transaction with same nonce in the queue with gas price 150wei. Try increasing the gas price or incrementing the nonce.',
      ],
      [
        'poolFull',
        'There are too many transactions in the queue. Your transaction was dropped due to limit. Try increasing the fee.',
      ],
      [
        'feeTooLow',
        "Transaction gas price is too low. It does not satisfy your node's minimal gas price (minimal: 100 got: 50). Try increasing the gas price.",
      ],
      ['insufficientFunds', 'Insufficient balance for transaction. Balance=100.25, Cost=200.50'],
      [
        'insufficientFunds',
        'Insufficient funds. The account you tried to send transaction from does not have enough funds. Required 200.50 and got: 100.25.',
      ],
    ],
  ],
  [
    'arbitrum classic',
    -32000,
    CHAINLINK,
    [
      ['nonceTooLow', 'transaction rejected: nonce too low'],
      ['nonceTooLow', 'invalid transaction nonce'],
      ['feeTooLow', 'gas price too low'],
      ['insufficientFunds', 'not enough funds for gas'],
      ['insufficientFunds', 'transaction rejected: insufficient funds for gas * price + value'],
      ['poolFull', 'queue full'],
      ['poolFull', 'sequencer pending tx pool full, please try again'],
    ],
  ],
  [
    'zksync',
    3,
    CHAINLINK,
    [
      ['alreadyKnown', 'known transaction. transaction with hash 0x6013…3053 is already in the system'],
      ['nonceTooLow', 'nonce too low. allowed nonce range: 427 - 447, actual: 426'],
      ['nonceTooHigh', 'nonce too high. allowed nonce range: 427 - 477, actual: 527'],
      ['feeCapBelowBaseFee', 'max fee per gas less than block base fee'],
    ],
  ],
  [
    'klaytn',
    -32000,
    CHAINLINK,
    [
      ['alreadyKnown', 'known transaction'],
      ['replacementUnderpriced', 'there is another tx which has the same nonce in the tx pool'],
      ['insufficientFunds', 'insufficient funds'],
      ['feeAboveCap', 'invalid gas fee cap'],
    ],
  ],
  [
    'coreth',
    -32000,
    CHAINLINK,
    [
      [
        'nonceTooLow',
        'nonce too low: address 0x0499BEA33347cb62D79A9C0b1EDA01d8d329894c current nonce (5833) > tx nonce (5511)',
      ],
    ],
  ],
  [
    'celo',
    -32000,
    CHAINLINK,
    [
      ['insufficientFunds', 'insufficient funds for gas * price + value + gatewayFee'],
      [
        'insufficientFunds',
        'insufficient funds for gas + value. balance: 42719769622667482000, fee: 48098250000000, value: 42719769622667482000',
      ],
      ['feeAboveCap', 'tx fee (1.10 of currency celo) exceeds the configured cap (1.00 celo)'],
    ],
  ],
  [
    'metis',
    null,
    CHAINLINK,
    [['feeTooLow', 'gas price too low: 18000000000 wei, use at least tx.gasPrice = 19500000000 wei']],
  ],
  [
    'moonbeam, frontier',
    -32603,
    FRONTIER,
    [
      ['alreadyKnown', 'submit transaction to pool failed: Pool(AlreadyImported)'],
      ['nonceTooLow', 'submit transaction to pool failed: Pool(Stale)'],
      ['poolFull', 'submit transaction to pool failed: Ok(ImmediatelyDropped)'],
      ['replacementUnderpriced', 'submit transaction to pool failed: Pool(TooLowPriority { old: 2, new: 1 })'],
      ['insufficientFunds', 'submit transaction to pool failed: Pool(InvalidTransaction(InvalidTransaction::Payment))'],
    ],
  ],
  [
    'monad',
    -32603,
    MONAD,
    [
      ['replacementUnderpriced', 'An existing transaction had higher priority'],
      ['replacementUnderpriced', 'A newer transaction had higher priority'],
      ['nonceTooLow', 'Transaction nonce too low'],
      ['feeTooLow', 'Transaction fee too low'],
      ['insufficientFunds', 'Signer had insufficient balance'],
      ['poolFull', 'Transaction pool is full'],
      ['notAccepting', 'Transaction pool is not ready'],
      ['wrongChain', 'Invalid chain ID'],
      ['intrinsicGas', 'Gas limit too low'],
      ['gasLimitAboveBlock', 'Exceeds transaction gas limit'],
      ['invalidSignature', 'Transaction signature is invalid'],
    ],
  ],
  ['cosmos evm', -32000, 'cosmos/cosmos-sdk types/errors/errors.go', [['alreadyKnown', 'tx already in mempool']]],
  ['anvil', -32003, 'foundry-rs/foundry crates/anvil', [['alreadyKnown', 'transaction already imported']]],
  ['harmony', null, CHAINLINK, [['nonceTooLow', 'transaction already finalized']]],
  [
    'chainstack',
    -32005,
    'BobTheBuidler/dank_mids',
    [['throttled', "You've exceeded the RPS limit available on the current plan."]],
  ],
  ['therpc', -32029, 'reown-com/blockchain-api#1102', [['throttled', 'rate limit exceeded']]],
  ['tenderly', -32005, 'fluencelabs/dev-rewards#20', [['throttled', 'rate limit exceeded']]],
  ['arc', -32011, 'circlefin/arc-node#207', [['throttled', 'request limit reached']]],
  ['onfinality', null, 'a public indexer that matches the words', [['batchRefused', 'Batch size limit exceeded']]],
  [
    'gnosis gateway',
    -32600,
    'AlphaWallet/alpha-wallet-ios#5021',
    [['batchRefused', 'Too many ["eth_getLogs"] methods in the batch']],
  ],
  ['hedera relay', -32600, 'hiero-ledger/hiero-json-rpc-relay#1820', [['batchRefused', 'Invalid Request']]],
]

export const FURTHER_WORDS: readonly Vocable[] = GROUPS.flatMap(([client, code, source, entries]) =>
  entries.map(([situation, message]) => ({ client, situation, code, message, source })),
)
