import { mkdirSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import { dirname } from 'node:path'
import { type AnvilProcess, startAnvilProcess } from './anvil-process.ts'
import type { ChainControl, Control } from './control.ts'
import { type RpcAnswer, startRpcServer } from './rpc-server.ts'
import { tunnel } from './tunnel.ts'

export type EvmNodeOptions = {
  /** Port on 127.0.0.1; default: a free one. */
  readonly port?: number
  /** File the chain's state is kept in; a later start with the same file goes on from there. */
  readonly stateFile?: string
  /** Seconds between blocks; default: a block at once for each transaction. */
  readonly blockTimeSeconds?: number
  /** Default: 31337. */
  readonly chainId?: number
}

const CHAIN_ID = 31337

export type EvmNode = {
  readonly rpcUrl: string
  readonly wsUrl: string
  readonly chainId: number
  /** Process id of the anvil behind it. */
  readonly pid: number
  readonly control: Control
  stop(): Promise<void>
}

/** Starts an EVM chain: anvil behind a server that can misbehave. WebSocket connections pass through untouched. */
export async function startEvmNode(options: EvmNodeOptions): Promise<EvmNode> {
  if (options.stateFile) mkdirSync(dirname(options.stateFile), { recursive: true })
  const anvil = await startAnvilProcess(anvilArguments(options))
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })
  const answer = (body: Buffer) => forward(agent, anvil.port, body)
  const server = await startRpcServer(options.port ?? 0, {
    answer,
    upgrade: (request, socket, head) => tunnel(anvil.port, request, socket, head),
    control: evmControl(options.blockTimeSeconds ?? 0, (method, params) => call(answer, method, params)),
  }).catch(async (error: unknown) => {
    await anvil.stop()
    throw error
  })
  return {
    rpcUrl: `http://127.0.0.1:${server.port}`,
    wsUrl: `ws://127.0.0.1:${server.port}`,
    chainId: options.chainId ?? CHAIN_ID,
    pid: anvil.pid,
    control: server.control,
    stop: () => stop(server, agent, anvil),
  }
}

async function stop(server: { stop(): Promise<void> }, agent: Agent, anvil: AnvilProcess): Promise<void> {
  await server.stop()
  agent.destroy()
  await anvil.stop()
}

const STATE_INTERVAL_SECONDS = 10

function anvilArguments({ stateFile, blockTimeSeconds, chainId = CHAIN_ID }: EvmNodeOptions): string[] {
  return [
    '--chain-id',
    String(chainId),
    ...(blockTimeSeconds === undefined ? [] : ['--block-time', String(blockTimeSeconds)]),
    ...(stateFile === undefined
      ? []
      : ['--state', stateFile, '--state-interval', String(STATE_INTERVAL_SECONDS), '--preserve-historical-states']),
  ]
}

type Call = (method: string, params: readonly unknown[]) => Promise<unknown>

function evmControl(blockTimeSeconds: number, rpc: Call): ChainControl {
  const isAutomatic = blockTimeSeconds === 0
  let isPaused = false
  return {
    pauseMining: async () => {
      isPaused = true
      await (isAutomatic ? rpc('evm_setAutomine', [false]) : rpc('evm_setIntervalMining', [0]))
    },
    resumeMining: async () => {
      isPaused = false
      await (isAutomatic ? rpc('evm_setAutomine', [true]) : rpc('evm_setIntervalMining', [blockTimeSeconds]))
      await rpc('evm_mine', [])
    },
    mine: async (blocks) => {
      await rpc('anvil_mine', [`0x${blocks.toString(16)}`])
    },
    reorganise: async (depth) => {
      await rpc('anvil_reorg', [depth, []])
    },
    expirePending: async () => {
      await rpc('anvil_dropAllTransactions', [])
    },
    fund: async (address, amount) => {
      const balance = BigInt((await rpc('eth_getBalance', [address, 'latest'])) as string)
      await rpc('anvil_setBalance', [address, `0x${(balance + amount).toString(16)}`])
      // A block of its own, so that a reorganisation of later blocks does not take the money back.
      if (!isPaused) await rpc('evm_mine', [])
    },
  }
}

async function call(answer: (body: Buffer) => Promise<RpcAnswer>, method: string, params: readonly unknown[]) {
  const { body } = await answer(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))
  const { result, error } = JSON.parse(body.toString()) as { result?: unknown; error?: { message: string } }
  if (error) throw new Error(`anvil refused ${method}: ${error.message}`)
  return result
}

function forward(agent: Agent, port: number, body: Buffer): Promise<RpcAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const request = httpRequest({ host: '127.0.0.1', port, method: 'POST', agent, headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ status: response.statusCode ?? 502, body: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body)
  })
}
