import { type BalancerAct, parseBalancerAct } from './acts.ts'
import { type NodeProxy, serveNode } from './serve-node.ts'
import { PersonalTransport } from './transport.ts'
import { Upstream } from './upstream.ts'

export type BalancerOptions = {
  /** The addresses of the nodes behind; the first one takes the chain's control commands. */
  readonly backends: readonly string[]
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number
}

/**
 * Several nodes behind one address, as gateways have them: every request goes to the next backend in turn, or, with
 * `each: 'call'`, every call of a batch. The act `route` sets the order, which is used over and over.
 *
 * @example
 * const node = await startBalancer({ backends: [current.rpcUrl, behind.rpcUrl] })
 * await node.control.act({ kind: 'route', order: [0, 0, 1], each: 'call' })
 */
export async function startBalancer({ backends, port = 0 }: BalancerOptions): Promise<NodeProxy<BalancerAct>> {
  const [first] = backends
  if (first === undefined) throw new TypeError('a balancer needs a backend')
  const upstreams = backends.map((url) => new Upstream(url))
  const every = backends.map((_, index) => index)
  let route: Required<BalancerAct> = { kind: 'route', order: every, each: 'request' }
  let turn = 0
  const next = (): Upstream => {
    const chosen = upstreams[route.order[turn % route.order.length] ?? 0]
    turn += 1
    if (!chosen) throw new RangeError('the route names a backend that there is not')
    return chosen
  }
  const act = async (input: BalancerAct): Promise<void> => {
    if (input.order.some((index) => index >= upstreams.length))
      throw new RangeError(`backends are 0 to ${every.length - 1}`)
    route = { each: 'request', ...input }
    turn = 0
  }
  return await serveNode<BalancerAct>(
    { port, upstream: first },
    {
      answer: (body) => {
        const backend = route.each === 'request' ? next() : undefined
        const plain = { batch: { source: 'this is no node' }, throttling: [] }
        const choose = () => backend ?? next()
        return new PersonalTransport(plain, ({ method, params = [] }) => choose().send(method, params)).answer(body)
      },
      parseAct: parseBalancerAct,
      act,
      stop: () => upstreams.forEach((upstream) => void upstream.close()),
    },
  )
}
