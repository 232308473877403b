import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { accountInfo } from './account-methods.ts'
import { type RpcContext, withSlot } from './context.ts'
import { failure, isCall, parse, stringify } from './json-rpc.ts'
import type { LedgerEvent } from './ledger.ts'
import { addressParam, commitmentParam, configParam, textParam } from './params.ts'
import { RpcFault } from './rpc-fault.ts'
import { EMPTY_ACCOUNT } from './virtual-machine.ts'

/** The WebSocket half of the RPC: signature, slot and account subscriptions. */
export type Subscriptions = {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
  stop(): void
}

/** Looks at what happened on the chain and notifies; `true` ends the subscription. */
type Watcher = (event: LedgerEvent) => boolean

type Subscribe = (context: RpcContext, params: readonly unknown[], notify: (result: unknown) => void) => Watcher

const MAX_MESSAGE_BYTES = 64 * 1024

export function createSubscriptions(context: RpcContext): Subscriptions {
  const server = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES })
  const watchers = new Map<number, { watch: Watcher; client: WebSocket }>()
  let lastId = 0
  const unsubscribe = context.ledger.subscribe((event) => {
    for (const [id, { watch }] of watchers) if (watch(event)) watchers.delete(id)
  })

  const answer = (client: WebSocket, call: unknown): object => {
    if (!isCall(call)) return failure(null, new RpcFault(-32600, 'Invalid request'))
    const { id = null, method, params = [] } = call
    if (!Array.isArray(params)) return failure(id, new RpcFault(-32602, 'Invalid params: expected a list'))
    const [, name = '', verb] = /^(\w+?)(Subscribe|Unsubscribe)$/.exec(method) ?? []
    const subscribe = Object.hasOwn(SUBSCRIPTIONS, name) ? SUBSCRIPTIONS[name] : undefined
    if (!subscribe) return failure(id, new RpcFault(-32601, 'Method not found'))
    if (verb === 'Unsubscribe') {
      const isOwn = watchers.get(params[0] as number)?.client === client
      return isOwn ? result(id, watchers.delete(params[0] as number)) : failure(id, NO_SUBSCRIPTION)
    }
    const subscription = ++lastId
    const notify = (value: unknown) => {
      const message = { jsonrpc: '2.0', method: `${name}Notification`, params: { result: value, subscription } }
      client.send(stringify(message))
    }
    try {
      const watch = subscribe(context, params, notify)
      watchers.set(subscription, { watch, client })
      // After the answer is out: what is true already must reach the client too.
      setImmediate(() => {
        if (watchers.has(subscription) && watch(SUBSCRIBED)) watchers.delete(subscription)
      })
      return result(id, subscription)
    } catch (error) {
      if (error instanceof RpcFault) return failure(id, error)
      throw error
    }
  }

  server.on('connection', (client) => {
    client.on('message', (data) => {
      const call = parseOrUndefined(data.toString())
      client.send(stringify(Array.isArray(call) ? call.map((each) => answer(client, each)) : answer(client, call)))
    })
    client.on('error', () => client.terminate())
    client.on('close', () => {
      for (const [id, entry] of watchers) if (entry.client === client) watchers.delete(id)
    })
  })
  return {
    upgrade: (request, socket, head) =>
      server.handleUpgrade(request, socket, head, (client) => server.emit('connection', client, request)),
    stop: () => {
      unsubscribe()
      for (const client of server.clients) client.terminate()
      server.close()
    },
  }
}

/** Stands for "nothing happened, look at the present state" right after a subscription. */
const SUBSCRIBED: LedgerEvent = { kind: 'accounts', addresses: [] }
const NO_SUBSCRIPTION = new RpcFault(-32602, 'Invalid subscription id.')

const SUBSCRIPTIONS: Record<string, Subscribe> = {
  slot:
    ({ ledger }, _params, notify) =>
    (event) => {
      if (event.kind === 'block') {
        notify({ parent: event.parent, root: ledger.blockAt('finalized').slot, slot: event.slot })
      }
      return false
    },

  signature: (context, [signatureParam, options], notify) => {
    const signature = textParam(signatureParam, 'signature')
    const commitment = commitmentParam(configParam(options))
    return () => {
      const record = context.ledger.transaction(signature)
      if (!record || !context.ledger.hasReached(record.slot, commitment)) return false
      notify(withSlot(context, { err: record.error }))
      return true
    }
  },

  account: (context, [addressText, options], notify) => {
    const address = addressParam(addressText)
    const config = configParam(options)
    return (event) => {
      if (event.kind === 'accounts' && event.addresses.includes(address)) {
        const account = context.vm.account(address) ?? EMPTY_ACCOUNT
        notify(withSlot(context, accountInfo(context, account, config)))
      }
      return false
    }
  },
}

function result(id: unknown, value: unknown): object {
  return { jsonrpc: '2.0', id, result: value }
}

function parseOrUndefined(text: string): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}
