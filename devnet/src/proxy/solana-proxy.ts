import type { SolanaPersonality, SolanaSituation } from '../personalities/solana-personality.ts'
import { decodeText } from '../solana/account-methods.ts'
import { decodeTransaction } from '../solana/wire.ts'
import { parseSolanaAct, type SolanaAct, type TransportAct } from './acts.ts'
import { HeldTransactions, isSituation, SendActs } from './send-acts.ts'
import { type NodeProxy, type ProxiedNode, servePersonality } from './serve-node.ts'
import { SolanaView } from './solana-view.ts'
import { type Call, type Outcome, Upstream } from './upstream.ts'

export type SolanaProxyOptions = {
  /** The address of a Solana node that `startSolanaNode` started. Many proxies may share one. */
  readonly upstream: string
  readonly personality: SolanaPersonality
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number
}

/**
 * Puts a personality in front of a Solana node.
 *
 * @example
 * const solana = await startSolanaNode({})
 * const node = await startSolanaProxy({ upstream: solana.rpcUrl, personality: solanaPersonalities.agave })
 * await node.control.act({ kind: 'snapshot', firstAvailable: 2_300 })
 */
export async function startSolanaProxy(options: SolanaProxyOptions): Promise<NodeProxy<SolanaAct>> {
  const { upstream, personality, port = 0 } = options
  const node = new PersonalSolanaNode(new Upstream(upstream), personality)
  return await servePersonality<SolanaNodeAct>({ port, upstream }, personality, parseSolanaAct, node)
}

type SolanaNodeAct = Exclude<SolanaAct, TransportAct>

type Held = { readonly id: string; readonly params: readonly unknown[] }

/** The proxy's side of one node. */
class PersonalSolanaNode implements ProxiedNode<SolanaNodeAct> {
  readonly #upstream: Upstream
  readonly #personality: SolanaPersonality
  readonly #view: SolanaView
  readonly #lacks = new Set<string>()
  readonly #acts = new SendActs<SolanaSituation>()
  readonly #held: HeldTransactions<Held>

  constructor(upstream: Upstream, personality: SolanaPersonality) {
    this.#upstream = upstream
    this.#personality = personality
    this.#view = new SolanaView(upstream, personality)
    this.#held = new HeldTransactions(({ params }) => this.#passOn(params))
  }

  async act(act: SolanaNodeAct): Promise<void> {
    switch (act.kind) {
      case 'nextSend':
        this.#checkWords(act)
        return this.#acts.add(act)
      case 'release':
        return this.#held.release()
      case 'lacks':
        for (const method of act.methods) this.#lacks.add(method)
        return
      case 'heal':
        this.#acts.clear()
        this.#lacks.clear()
        return this.#view.heal()
      default:
        this.#view.act(act)
    }
  }

  async answer({ method, params = [] }: Call): Promise<Outcome> {
    if (this.#lacks.has(method)) return this.#view.refuse('methodNotFound', { method })
    return method === 'sendTransaction' ? this.#send(params) : this.#view.read(method, params)
  }

  stop(): void {
    this.#held.stop()
    this.#upstream.close()
  }

  async #send(params: readonly unknown[]): Promise<Outcome> {
    const signature = signatureOf(params)
    if (signature === undefined) return this.#upstream.send('sendTransaction', params)
    const act = this.#acts.take()
    if (!act) return this.#admit(signature, params)
    const { effect = 'take', answer, afterMs } = act
    if (effect === 'hold') this.#held.hold({ id: signature, params }, afterMs)
    if (effect === 'take' || effect === 'private') await this.#passOn(params)
    if (answer === undefined) return { result: signature }
    return isSituation(answer)
      ? this.#view.refuse(answer.situation, { reason: 'custom program error: 0x1' })
      : { error: answer }
  }

  /** rpc/src/rpc.rs sendTransaction: without preflight nothing but the bytes' form is looked at. */
  async #admit(signature: string, params: readonly unknown[]): Promise<Outcome> {
    const { skipPreflight } = (params[1] ?? {}) as { skipPreflight?: boolean }
    if (skipPreflight === true) return this.#upstream.send('sendTransaction', params)
    const unhealth = this.#personality.refusesWhenUnhealthy ? this.#view.unhealth() : undefined
    if (unhealth) return unhealth
    const statuses = await this.#view.read('getSignatureStatuses', [[signature]])
    const isProcessed = 'result' in statuses && (statuses.result as { value: unknown[] }).value[0] !== null
    if (!isProcessed) return this.#upstream.send('sendTransaction', params)
    const outcome = this.#view.refuse('alreadyProcessed')
    return 'error' in outcome ? { error: { ...outcome.error, data: ALREADY_PROCESSED } } : outcome
  }

  /** Without preflight: the node answers for itself. */
  async #passOn([bytes, config]: readonly unknown[]): Promise<void> {
    await this.#upstream.send('sendTransaction', [bytes, { ...(config as object), skipPreflight: true }])
  }

  #checkWords({ answer }: Extract<SolanaAct, { kind: 'nextSend' }>): void {
    if (!answer || !('situation' in answer) || this.#personality.says[answer.situation]) return
    throw new TypeError(`${this.#personality.name} has no words for ${answer.situation}`)
  }
}

const ALREADY_PROCESSED = {
  err: 'AlreadyProcessed',
  logs: [],
  accounts: null,
  unitsConsumed: 0,
  returnData: null,
  innerInstructions: null,
  replacementBlockhash: null,
}

/** The signature by which a node would answer; undefined for bytes that are no transaction. */
function signatureOf([bytes, config]: readonly unknown[]): string | undefined {
  const { encoding } = (config ?? {}) as { encoding?: unknown }
  try {
    return decodeTransaction(decodeText(String(bytes), encoding ?? 'base58')).signature
  } catch {
    return undefined // the node behind says what is wrong
  }
}
