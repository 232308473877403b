import type { Migration } from '@openpista/common'
import type { ChainFamily, NetworkName, OwnerAction, OwnerCommand, Tier, TransactionStatus } from '@waiaas/core'
import type { Generated } from 'kysely'

/** Amounts are decimal digits in TEXT; times unix seconds; JSON in TEXT. */
export type Tables = {
  agents: {
    id: string
    name: string
    status: 'ACTIVE' | 'SUSPENDED' | 'TERMINATED'
    owner_address: string | null
    owner_family: ChainFamily | null
    owner_verified_at: number | null
    /** Where the owner is a contract: the network that it lives on. */
    owner_network: NetworkName | null
    default_network: NetworkName
    created_at: number
    updated_at: number
  }
  wallets: {
    id: string
    agent_id: string
    chain: ChainFamily
    address: string
    public_key: string
    key_id: string
    created_at: number
  }
  sessions: {
    id: string
    agent_id: string
    token_hash: string
    /** Of the token that the last renewal replaced. */
    previous_token_hash: string | null
    ttl: number
    expires_at: number
    absolute_expires_at: number
    renewal_count: number
    max_renewals: number
    constraints: string
    revoked_at: number | null
    /** Whether the log tells that its time is over. */
    expiry_told: Generated<0 | 1>
    created_at: number
  }
  admin_tokens: {
    token_hash: string
    created_at: number
    used_at: number
    expires_at: number
    revoked_at: number | null
  }
  login_failures: { id: Generated<number>; source: string; at: number }
  policies: {
    id: string
    agent_id: string | null
    network: NetworkName | null
    type: string
    rules: string
    priority: number
    enabled: 0 | 1
    version: number
    created_at: number
    updated_at: number
  }
  /** Every row of every version of the policy set: in force from `version` on, before `until_version`. */
  policy_versions: Tables['policies'] & { until_version: number | null }
  transactions: {
    id: string
    agent_id: string
    session_id: string | null
    /**
     * `owner-sweep` pays everything to the owner: no policy is asked. `daemon`: a payment of nothing that uses up a
     * number of an account which nobody uses.
     */
    origin: Generated<'session' | 'owner-sweep' | 'daemon'>
    wallet_id: string
    network: NetworkName
    type: string
    /** The parsed request, as received. */
    request: string
    idempotency_key: string | null
    fingerprint: string
    status: TransactionStatus
    outcome_unknown: Generated<0 | 1>
    tier: Tier | null
    reasons: string
    effects: string
    draft: string | null
    max_fee: string | null
    fee: string | null
    policy_version: number | null
    downgraded: Generated<0 | 1>
    executes_at: number | null
    approval_expires_at: number | null
    approval_nonce: string | null
    approved_at: number | null
    error_code: string | null
    error_message: string | null
    hash: string | null
    /** What keeps a transaction from its end: JSON of a `Notice`. */
    notice: string | null
    /** Why the payment was given up, where it was: see `engine/closing.ts`. Nothing is signed for it any more but what ends it. */
    closing: string | null
    closing_since: number | null
    created_at: number
    updated_at: number
  }
  /** Every signature ever made for a transaction. Stored before its bytes leave the process. */
  attempts: {
    id: string
    transaction_id: string
    network: NetworkName
    address: string
    sequence: string | null
    /** Unique among the living: what a node refused may be signed again, bit for bit the same. */
    hash: string
    raw: Uint8Array
    valid_until: string | null
    /**
     * FILL closes a gap in an account's sequence with a payment of nothing to itself. OUTSIDE: of a transaction made
     * elsewhere, which its caller sends, or not; its sequence is taken from nobody. CANCEL takes the place of a
     * payment that is out and does nothing.
     */
    purpose: 'PAYMENT' | 'FILL' | 'OUTSIDE' | 'CANCEL'
    /** The signature whose place in the sequence this one takes, for a higher fee. */
    replaces: string | null
    /** LIVE: may take effect. INCLUDED: in a block that could still vanish. FINAL and DEAD: proven, or never out. */
    state: 'LIVE' | 'INCLUDED' | 'FINAL' | 'DEAD'
    /** A block (EVM: number; Solana: slot) below which the bytes can be in none. */
    origin: string | null
    /** The most that they take from the account's coins, fees included; of chains with a sequence. */
    cost: string | null
    /** The block that lists them. */
    block_number: string | null
    block_hash: string | null
    /** That the place of these bytes was used by others: JSON of a `Proof`. Holds once its block is final. */
    proof: string | null
    /** When every node is asked once more whether it has bytes that were called dead; how often that was done. */
    next_look: number | null
    looks: Generated<number>
    created_at: number
  }
  /** Next sequence number per account, where the chain has one. */
  lanes: {
    network: NetworkName
    address: string
    next_sequence: string
    /** Why nothing is signed for the account until the operator has looked at it. */
    held: string | null
  }
  /** Spend ledger. RESERVED and COMMITTED rows count against limits; RELEASED ones do not. */
  ledger: {
    id: Generated<number>
    transaction_id: string
    agent_id: string
    /** The session whose budget this takes from; null where it has none. */
    session_id: string | null
    /**
     * `excess-fee`: what of a fee a plain payment would not have cost, which counts against budgets of sessions too.
     * `fill`: the fee of a payment of nothing that closed a gap in the account's sequence.
     */
    /** `fill` and `again` were paid, whatever becomes of the transaction. */
    kind: 'spend' | 'grant' | 'fee' | 'excess-fee' | 'fill' | 'again'
    asset: string
    family: ChainFamily
    native: 0 | 1
    amount: string
    usd_micros: string | null
    state: 'RESERVED' | 'COMMITTED' | 'RELEASED'
    at: number
  }
  /** Sums of the ledger per agent (or session with a budget) and key in slots of 1, 64 and 4096 seconds, so that a rolling window adds few rows. */
  ledger_totals: { agent_id: string; key: string; span: number; slot: number; total: string }
  /** What the policy said to a transaction each time it was asked, and on which facts. */
  judgements: {
    id: Generated<number>
    transaction_id: string
    agent_id: string
    at: number
    policy_version: number
    tier: Tier
    code: string | null
    subject: string
    facts: string
    trace_hash: string
  }
  /** Who was paid. `shape`: first and last four characters, by which look-alikes are found. */
  counterparties: { agent_id: string; address: string; shape: string; first_paid_at: number }
  challenges: {
    id: string
    action: OwnerAction | OwnerCommand | 'policy_change'
    agent_id: string
    /** A transaction for approvals, the policy for its change, the agent for everything else. */
    resource_id: string
    owner_address: string
    scheme: 'eip712' | 'siwe' | 'solana'
    message: string
    digest: string
    expires_at: number
    used_at: number | null
    created_at: number
  }
  /** Where an owner wants what lies on a chain where the owner's own address is no good. */
  withdraw_addresses: {
    agent_id: string
    family: ChainFamily
    address: string
    /** The owner who signed for it; another owner's word does not count. */
    named_by: string
    created_at: number
  }
  /** Outbox and audit log in one: append-only, hash-chained. */
  events: {
    seq: Generated<number>
    at: number
    type: string
    actor: string
    agent_id: string | null
    transaction_id: string | null
    data: string
    previous_hash: string
    hash: string
  }
  settings: { key: string; value: string }
  /** Tokens whose balances wallets show, with what their chain told when they were added. */
  tokens: { network: NetworkName; address: string; symbol: string; decimals: number; created_at: number }
  /** What the automatic stop remembers of an agent: JSON of `engine/auto-stop-rules.ts`. */
  auto_stop: { agent_id: string; state: string }
}

export const migrations: readonly Migration[] = [
  {
    name: 'first',
    up: `
CREATE TABLE agents (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('ACTIVE','SUSPENDED','TERMINATED')),
  owner_address TEXT, owner_family TEXT, owner_verified_at INTEGER, owner_network TEXT, default_network TEXT NOT NULL,
  created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  CHECK (owner_address IS NOT NULL OR owner_verified_at IS NULL)
) STRICT;
CREATE TABLE wallets (
  id TEXT PRIMARY KEY, agent_id TEXT NOT NULL REFERENCES agents(id), chain TEXT NOT NULL, address TEXT NOT NULL,
  public_key TEXT NOT NULL, key_id TEXT NOT NULL, created_at INTEGER NOT NULL,
  UNIQUE (agent_id, chain), UNIQUE (chain, address)
) STRICT;
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, agent_id TEXT NOT NULL REFERENCES agents(id), token_hash TEXT NOT NULL UNIQUE, previous_token_hash TEXT, ttl INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, absolute_expires_at INTEGER NOT NULL, renewal_count INTEGER NOT NULL, max_renewals INTEGER NOT NULL,
  constraints TEXT NOT NULL, revoked_at INTEGER, expiry_told INTEGER NOT NULL DEFAULT 0, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_agent ON sessions(agent_id);
CREATE INDEX sessions_expiry ON sessions(expires_at) WHERE revoked_at IS NULL AND expiry_told = 0;
CREATE TABLE admin_tokens (
  token_hash TEXT PRIMARY KEY, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, revoked_at INTEGER
) STRICT;
CREATE TABLE login_failures (id INTEGER PRIMARY KEY, source TEXT NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE INDEX login_failures_source ON login_failures(source, at);
CREATE TABLE policies (
  id TEXT PRIMARY KEY, agent_id TEXT REFERENCES agents(id), network TEXT, type TEXT NOT NULL, rules TEXT NOT NULL,
  priority INTEGER NOT NULL, enabled INTEGER NOT NULL, version INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE TABLE policy_versions (
  id TEXT NOT NULL, agent_id TEXT, network TEXT, type TEXT NOT NULL, rules TEXT NOT NULL, priority INTEGER NOT NULL, enabled INTEGER NOT NULL,
  version INTEGER NOT NULL, until_version INTEGER, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, PRIMARY KEY (id, version)
) STRICT;
CREATE TABLE transactions (
  id TEXT PRIMARY KEY, agent_id TEXT NOT NULL REFERENCES agents(id), session_id TEXT, origin TEXT NOT NULL DEFAULT 'session', wallet_id TEXT NOT NULL REFERENCES wallets(id),
  network TEXT NOT NULL, type TEXT NOT NULL, request TEXT NOT NULL, idempotency_key TEXT, fingerprint TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('PENDING','QUEUED','EXECUTING','SIGNED','SUBMITTED','CONFIRMED','FAILED','CANCELLED','EXPIRED')),
  outcome_unknown INTEGER NOT NULL DEFAULT 0, tier TEXT, reasons TEXT NOT NULL, effects TEXT NOT NULL, draft TEXT, max_fee TEXT, fee TEXT,
  policy_version INTEGER, downgraded INTEGER NOT NULL DEFAULT 0, executes_at INTEGER, approval_expires_at INTEGER, approval_nonce TEXT,
  approved_at INTEGER, error_code TEXT, error_message TEXT, hash TEXT, notice TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,
  UNIQUE (agent_id, idempotency_key)
) STRICT;
CREATE INDEX transactions_open ON transactions(status, executes_at, approval_expires_at) WHERE status IN ('PENDING','QUEUED','EXECUTING','SIGNED','SUBMITTED');
CREATE INDEX transactions_agent ON transactions(agent_id, id);
CREATE TABLE attempts (
  id TEXT PRIMARY KEY, transaction_id TEXT NOT NULL REFERENCES transactions(id), network TEXT NOT NULL, address TEXT NOT NULL,
  sequence TEXT, hash TEXT NOT NULL, raw BLOB NOT NULL, valid_until TEXT,
  purpose TEXT NOT NULL CHECK (purpose IN ('PAYMENT','FILL','OUTSIDE','CANCEL')), replaces TEXT REFERENCES attempts(id),
  state TEXT NOT NULL CHECK (state IN ('LIVE','INCLUDED','FINAL','DEAD')), created_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX attempts_hash ON attempts(hash) WHERE state <> 'DEAD';
CREATE INDEX attempts_transaction ON attempts(transaction_id);
CREATE INDEX attempts_open ON attempts(network, state) WHERE state IN ('LIVE','INCLUDED');
CREATE UNIQUE INDEX attempts_live_sequence ON attempts(network, address, sequence) WHERE sequence IS NOT NULL AND state <> 'DEAD' AND purpose <> 'OUTSIDE' AND replaces IS NULL;
CREATE UNIQUE INDEX attempts_replaces ON attempts(replaces) WHERE replaces IS NOT NULL AND state <> 'DEAD';
CREATE TABLE lanes (network TEXT NOT NULL, address TEXT NOT NULL, next_sequence TEXT NOT NULL, PRIMARY KEY (network, address)) STRICT;
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL REFERENCES transactions(id), agent_id TEXT NOT NULL, session_id TEXT, kind TEXT NOT NULL,
  asset TEXT NOT NULL, family TEXT NOT NULL, native INTEGER NOT NULL, amount TEXT NOT NULL, usd_micros TEXT, state TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_transaction ON ledger(transaction_id);
CREATE TABLE ledger_totals (
  agent_id TEXT NOT NULL, key TEXT NOT NULL, span INTEGER NOT NULL, slot INTEGER NOT NULL, total TEXT NOT NULL,
  PRIMARY KEY (agent_id, key, span, slot)
) STRICT, WITHOUT ROWID;
CREATE TABLE judgements (
  id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL REFERENCES transactions(id), agent_id TEXT NOT NULL, at INTEGER NOT NULL,
  policy_version INTEGER NOT NULL, tier TEXT NOT NULL, code TEXT, subject TEXT NOT NULL, facts TEXT NOT NULL, trace_hash TEXT NOT NULL
) STRICT;
CREATE INDEX judgements_transaction ON judgements(transaction_id);
CREATE INDEX judgements_at ON judgements(at);
CREATE TABLE counterparties (
  agent_id TEXT NOT NULL, address TEXT NOT NULL, shape TEXT NOT NULL, first_paid_at INTEGER NOT NULL, PRIMARY KEY (agent_id, address)
) STRICT;
CREATE INDEX counterparties_shape ON counterparties(agent_id, shape);
CREATE TABLE challenges (
  id TEXT PRIMARY KEY, action TEXT NOT NULL, agent_id TEXT NOT NULL REFERENCES agents(id), resource_id TEXT NOT NULL, owner_address TEXT NOT NULL,
  scheme TEXT NOT NULL, message TEXT NOT NULL, digest TEXT NOT NULL, expires_at INTEGER NOT NULL, used_at INTEGER, created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX challenges_resource ON challenges(resource_id);
CREATE TABLE withdraw_addresses (
  agent_id TEXT NOT NULL REFERENCES agents(id), family TEXT NOT NULL, address TEXT NOT NULL, named_by TEXT NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (agent_id, family)
) STRICT;
CREATE TABLE events (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, type TEXT NOT NULL, actor TEXT NOT NULL, agent_id TEXT, transaction_id TEXT,
  data TEXT NOT NULL, previous_hash TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE INDEX events_agent ON events(agent_id, seq);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT raise(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT raise(ABORT, 'events are append-only'); END;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE tokens (
  network TEXT NOT NULL, address TEXT NOT NULL, symbol TEXT NOT NULL, decimals INTEGER NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (network, address)
) STRICT;
CREATE TABLE auto_stop (agent_id TEXT PRIMARY KEY REFERENCES agents(id), state TEXT NOT NULL) STRICT;
`,
  },
  {
    name: 'proven ends',
    // What was called dead by the rule before this one is looked at again; where nothing was signed since, it counts as out.
    up: `
ALTER TABLE transactions ADD COLUMN closing TEXT;
ALTER TABLE transactions ADD COLUMN closing_since INTEGER;
ALTER TABLE attempts ADD COLUMN origin TEXT;
ALTER TABLE attempts ADD COLUMN cost TEXT;
ALTER TABLE attempts ADD COLUMN block_number TEXT;
ALTER TABLE attempts ADD COLUMN block_hash TEXT;
ALTER TABLE attempts ADD COLUMN proof TEXT;
ALTER TABLE attempts ADD COLUMN next_look INTEGER;
ALTER TABLE attempts ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lanes ADD COLUMN held TEXT;
CREATE INDEX ledger_reserved ON ledger(at) WHERE state = 'RESERVED';
CREATE INDEX attempts_final ON attempts(network, id) WHERE state = 'FINAL';
CREATE INDEX attempts_watched ON attempts(next_look) WHERE next_look IS NOT NULL;
UPDATE transactions SET notice = NULL;
UPDATE OR IGNORE attempts SET state = 'LIVE' WHERE state = 'DEAD' AND purpose IN ('PAYMENT', 'CANCEL')
  AND transaction_id IN (SELECT id FROM transactions WHERE status = 'EXECUTING');
UPDATE transactions SET status = 'SUBMITTED', outcome_unknown = 1 WHERE status = 'EXECUTING'
  AND id IN (SELECT transaction_id FROM attempts WHERE state = 'LIVE' AND purpose <> 'FILL');
UPDATE attempts SET next_look = 0 WHERE state = 'DEAD';
`,
  },
  {
    name: 'what a request asks',
    // Each request counts what its agent has queued, and looks for an equal one that was given up.
    up: `
CREATE INDEX transactions_queued ON transactions(agent_id) WHERE status IN ('QUEUED');
CREATE INDEX transactions_closing ON transactions(agent_id) WHERE status IN ('SIGNED','SUBMITTED') AND closing IS NOT NULL;
`,
  },
]
