import { type Control, connectControl } from '../control.ts'
import type { Transport } from '../personalities/evm-personality.ts'
import { type RpcAnswer, startRpcServer } from '../rpc-server.ts'
import { tunnel } from '../tunnel.ts'
import type { TransportAct } from './acts.ts'
import { PersonalTransport } from './transport.ts'
import type { Call, Outcome } from './upstream.ts'

/** A node as clients see it, and what a test may make it do. */
export type NodeProxy<Act> = {
  readonly rpcUrl: string
  readonly wsUrl: string
  /** The chain's commands go to the node behind; rules of misbehaviour are this proxy's own. */
  readonly control: ActControl<Act>
  stop(): Promise<void>
}

export type ActControl<Act> = Control & { act(act: Act): Promise<void> }

/** One node behind a proxy. */
export type ProxiedNode<Act> = {
  answer(call: Call): Promise<Outcome>
  act(act: Act): Promise<void>
  stop(): void
}

type Addresses = {
  /** Port on 127.0.0.1; 0 for a free one. */
  readonly port: number
  /** The node that gets the chain's control commands and WebSocket connections. */
  readonly upstream: string
}

/** Serves JSON-RPC over HTTP, and tunnels WebSocket connections to the upstream node. */
export async function serveNode<Act>(
  { port, upstream }: Addresses,
  node: {
    answer: (body: Buffer) => Promise<RpcAnswer>
    parseAct: (input: Readonly<Record<string, unknown>>) => Act
    act: (act: Act) => Promise<void>
    stop: () => void
  },
): Promise<NodeProxy<Act>> {
  const { act } = node
  const server = await startRpcServer(port, {
    answer: node.answer,
    upgrade: (request, socket, head) => tunnel(Number(new URL(upstream).port), request, socket, head),
    control: connectControl(upstream),
    commands: { act: (_, input) => act(node.parseAct(input)) },
  })
  return {
    rpcUrl: `http://127.0.0.1:${server.port}`,
    wsUrl: `ws://127.0.0.1:${server.port}`,
    control: { ...server.control, act },
    stop: async () => {
      await server.stop()
      node.stop()
    },
  }
}

/** Serves a node whose HTTP behaves as a personality does. */
export async function servePersonality<Act extends { readonly kind: string }>(
  addresses: Addresses,
  personality: Transport,
  parseAct: (input: Readonly<Record<string, unknown>>) => Act | TransportAct,
  node: ProxiedNode<Act>,
): Promise<NodeProxy<Act | TransportAct>> {
  const transport = new PersonalTransport(personality, (call) => node.answer(call))
  return await serveNode<Act | TransportAct>(addresses, {
    answer: (body) => transport.answer(body),
    parseAct,
    act: async (act) => {
      if (isTransportAct(act)) return transport.act(act)
      if (act.kind === 'heal') transport.heal()
      await node.act(act)
    },
    stop: () => node.stop(),
  })
}

function isTransportAct(act: { readonly kind: string }): act is TransportAct {
  return act.kind === 'throttle' || act.kind === 'answers'
}
