import { randomBytes } from 'node:crypto'
import type { ChainControl, Control } from './control.ts'
import { startRpcServer } from './rpc-server.ts'
import { addressOf } from './solana/address.ts'
import type { RpcContext } from './solana/context.ts'
import { createFaucet, FAUCET_LAMPORTS } from './solana/faucet.ts'
import { answerJsonRpc } from './solana/json-rpc.ts'
import { BLOCKHASH_LIFETIME, Ledger, newLedgerState } from './solana/ledger.ts'
import { readLedgerState, writeLedgerState } from './solana/state-file.ts'
import { createSubscriptions } from './solana/subscriptions.ts'
import { EMPTY_ACCOUNT, VirtualMachine } from './solana/virtual-machine.ts'

export type SolanaNodeOptions = {
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number
  /** File the chain's state is kept in; a later start with the same file goes on from there. */
  readonly stateFile?: string
  /** Milliseconds from slot to slot; default 400. */
  readonly slotMs?: number
  /** Slots from confirmed to finalized; default 32. */
  readonly finalizedAfter?: number
}

export type SolanaNode = {
  readonly rpcUrl: string
  readonly wsUrl: string
  readonly control: Control
  stop(): Promise<void>
}

const SAVE_INTERVAL_MS = 5_000

/** Starts a Solana chain in this process: LiteSVM behind the JSON-RPC and WebSocket interface of a validator. */
export async function startSolanaNode(options: SolanaNodeOptions): Promise<SolanaNode> {
  const { stateFile, slotMs = 400, finalizedAfter = 32 } = options
  const saved = stateFile === undefined ? undefined : readLedgerState(stateFile)
  const state = saved ?? newLedgerState(addressOf(randomBytes(32)), finalizedAfter + 2)
  const vm = new VirtualMachine()
  const ledger = new Ledger(vm, { finalizedAfter, state })
  const faucet = createFaucet()
  vm.setAccount(faucet.address, { ...EMPTY_ACCOUNT, lamports: FAUCET_LAMPORTS })
  const context: RpcContext = { ledger, vm, faucet }
  const subscriptions = createSubscriptions(context)
  const server = await startRpcServer(options.port ?? 0, {
    answer: async (body) => answerJsonRpc(context, body),
    upgrade: subscriptions.upgrade,
    control: solanaControl(ledger),
  })
  const ticker = setInterval(() => {
    if (!ledger.isPaused) ledger.produceBlock()
  }, slotMs)
  const saving = stateFile === undefined ? undefined : saveRegularly(ledger, stateFile)
  return {
    rpcUrl: `http://127.0.0.1:${server.port}`,
    wsUrl: `ws://127.0.0.1:${server.port}`,
    control: server.control,
    stop: async () => {
      clearInterval(ticker)
      clearInterval(saving)
      subscriptions.stop()
      await server.stop()
      if (stateFile !== undefined) writeLedgerState(stateFile, ledger.state())
    },
  }
}

/** Writes the state every few seconds if accounts have changed, so that a crash loses little. */
function saveRegularly(ledger: Ledger, stateFile: string): NodeJS.Timeout {
  let saved = ledger.changes
  return setInterval(() => {
    if (ledger.changes === saved) return
    writeLedgerState(stateFile, ledger.state())
    saved = ledger.changes
  }, SAVE_INTERVAL_MS)
}

function solanaControl(ledger: Ledger): ChainControl {
  const mine = (blocks: number) => {
    for (let count = 0; count < blocks; count++) ledger.produceBlock()
  }
  return {
    pauseMining: async () => {
      ledger.isPaused = true
    },
    resumeMining: async () => {
      ledger.isPaused = false
      ledger.produceBlock()
    },
    mine: async (blocks) => mine(blocks),
    reorganise: async (depth) => ledger.reorganise(depth),
    expirePending: async () => {
      ledger.dropWaiting()
      mine(BLOCKHASH_LIFETIME + 1)
    },
    fund: async (address, amount) => ledger.credit(address, amount),
  }
}
