import type { EvmPersonality, Words } from '../personalities/evm-personality.ts'
import { type EvmAct, parseEvmAct, type TransportAct } from './acts.ts'
import { EvmPool } from './evm-pool.ts'
import { EvmView } from './evm-view.ts'
import { type NodeProxy, type ProxiedNode, servePersonality } from './serve-node.ts'
import { type Call, type Outcome, Upstream } from './upstream.ts'
import { wordsOf } from './words.ts'

export type EvmProxyOptions = {
  /** The address of an EVM node that `startEvmNode` started. Many proxies may share one. */
  readonly upstream: string
  readonly personality: EvmPersonality
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number
}

/**
 * Puts a personality in front of an EVM node: the node behaves as that client or gateway does.
 *
 * @example
 * const evm = await startEvmNode({})
 * const node = await startEvmProxy({ upstream: evm.rpcUrl, personality: evmPersonalities.nethermind })
 * await node.control.act({ kind: 'nextSend', answer: { situation: 'replacementUnderpriced' } })
 */
export async function startEvmProxy({ upstream, personality, port = 0 }: EvmProxyOptions): Promise<NodeProxy<EvmAct>> {
  const node = new PersonalEvmNode(new Upstream(upstream), personality)
  return await servePersonality<EvmNodeAct>({ port, upstream }, personality, parseEvmAct, node)
}

type EvmNodeAct = Exclude<EvmAct, TransportAct>

/** The proxy's side of one node. */
class PersonalEvmNode implements ProxiedNode<EvmNodeAct> {
  readonly #upstream: Upstream
  readonly #personality: EvmPersonality
  readonly #view: EvmView
  readonly #pool: EvmPool
  readonly #lacks = new Set<string>()
  readonly #pendingCounts = new Map<string, number | 'latest'>()

  constructor(upstream: Upstream, personality: EvmPersonality) {
    this.#upstream = upstream
    this.#personality = personality
    this.#view = new EvmView(upstream, personality)
    this.#pool = new EvmPool(upstream, personality, () => this.#view.headTag())
  }

  async act(act: EvmNodeAct): Promise<void> {
    switch (act.kind) {
      case 'nextSend':
        this.#checkWords(act)
        return this.#pool.acts.add(act)
      case 'release':
        return this.#pool.held.release()
      case 'pendingCount':
        this.#pendingCounts.set(act.address.toLowerCase(), act.is)
        return
      case 'lacks':
        for (const method of act.methods) this.#lacks.add(method)
        return
      case 'heal':
        this.#pool.acts.clear()
        this.#lacks.clear()
        this.#pendingCounts.clear()
        return this.#view.heal()
      default:
        return this.#view.act(act)
    }
  }

  async answer({ method, params = [] }: Call): Promise<Outcome> {
    const missing = this.#missing(method)
    if (missing) return { error: wordsOf(missing, { method }) }
    if (this.#pool.differs) await this.#pool.settle()
    if (method === 'web3_clientVersion') return { result: this.#personality.clientVersion }
    if (method === 'eth_sendRawTransaction') return this.#pool.send(params[0])
    if (method === 'eth_getTransactionCount' && params[1] === 'pending') return this.#pendingCount(params)
    if (method === 'eth_getTransactionByHash') return this.#transaction(params)
    if (method === 'eth_getTransactionReceipt') {
      const stale = this.#view.staleReceipt(params[0])
      if (stale !== undefined) return { result: stale }
    }
    return this.#view.read(method, params)
  }

  stop(): void {
    this.#pool.held.stop()
    this.#upstream.close()
  }

  #missing(method: string): Words | undefined {
    const { missingMethods, says } = this.#personality
    const words = missingMethods[method] ?? missingMethods[method.replace(/_.*/, '_*')]
    const isNone = this.#lacks.has(method) || /^(anvil|evm|hardhat)_/.test(method)
    return isNone ? (says.methodNotFound ?? METHOD_NOT_FOUND) : words
  }

  async #transaction(params: readonly unknown[]): Promise<Outcome> {
    const seen = await this.#pool.view(String(params[0]))
    if (seen === 'unknown') return this.#view.read('eth_getTransactionByHash', params)
    return { result: seen === 'hidden' ? null : seen }
  }

  async #pendingCount(params: readonly unknown[]): Promise<Outcome> {
    const address = String(params[0]).toLowerCase()
    const wrong = this.#pendingCounts.get(address)
    if (wrong === 'latest') return this.#view.read('eth_getTransactionCount', [address, 'latest'])
    if (wrong === undefined && !this.#pool.differs) return this.#view.read('eth_getTransactionCount', params)
    const count = (await this.#pool.pendingCount(address)) + BigInt(wrong ?? 0)
    return { result: `0x${count.toString(16)}` }
  }

  #checkWords({ answer }: Extract<EvmAct, { kind: 'nextSend' }>): void {
    if (!answer || !('situation' in answer) || this.#personality.says[answer.situation]) return
    const known = Object.keys(this.#personality.says).join(', ')
    throw new TypeError(`${this.#personality.name} has no words for ${answer.situation}; it has some for ${known}`)
  }
}

const METHOD_NOT_FOUND = { code: -32601, message: 'Method not found', source: 'the JSON-RPC 2.0 specification' }
