import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { constants } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { parseObject, readBody, sendJson } from './http.ts'

/** A container as it was asked for. */
export type DockerCreateRequest = {
  Image: string
  Cmd: string[]
  WorkingDir?: string
  Env?: string[]
  Labels?: Record<string, string>
  HostConfig?: Record<string, unknown> & {
    Memory?: number
    Mounts?: { Source: string; Target: string; ReadOnly?: boolean }[]
  }
}

export type DockerFault = { status: number; message: string } | 'hang' | 'cut'

export type FakeDocker = {
  socketPath: string
  /** Every request for a container that was granted, in order. */
  created: readonly DockerCreateRequest[]
  /** Every request as `POST /containers/{id}/start`, in order, without the version before it. */
  routes: readonly string[]
  /** Containers that were not removed, by name. */
  left: () => string[]
  close: () => Promise<void>
}

export type FakeDockerOptions = {
  socketPath: string
  images?: readonly string[]
  /** Asked for each route, written as in `routes`: what goes wrong there. */
  fault?: (route: string) => DockerFault | undefined
  /** Exit codes that count as the end of memory. */
  outOfMemory?: (code: number) => boolean
}

type Container = {
  id: string
  name: string
  request: DockerCreateRequest
  child: ChildProcess | undefined
  exitCode: number | undefined
  attached: ServerResponse[]
  ended: PromiseWithResolvers<void>
}

type State = {
  options: FakeDockerOptions
  containers: Map<string, Container>
  created: DockerCreateRequest[]
  routes: string[]
}

/**
 * An engine that speaks the parts of the Docker Engine API that run a container. A container is a process of this
 * machine, in the folder that is mounted where it wants to work: what is read-only or without a network to a real
 * engine is not so here.
 */
export async function startFakeDocker(options: FakeDockerOptions): Promise<FakeDocker> {
  const state: State = { options, containers: new Map(), created: [], routes: [] }
  const server = createServer((request, response) => {
    answer(state, request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(options.socketPath, resolve))
  return {
    socketPath: options.socketPath,
    created: state.created,
    routes: state.routes,
    left: () => [...state.containers.values()].map(({ name }) => name),
    close: async () => {
      for (const container of state.containers.values()) kill(container)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      rmSync(options.socketPath, { force: true })
    },
  }
}

async function answer(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://docker')
  const path = url.pathname.replace(/^\/v1\.\d+/, '')
  const [, name = '', verb = ''] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? []
  const general = name === 'create' || name === 'json'
  const route = `${request.method} ${general || name === '' ? path : `/containers/{id}${verb === '' ? '' : `/${verb}`}`}`
  state.routes.push(route)
  const fault = state.options.fault?.(route)
  if (fault === 'hang') return
  if (fault === 'cut') return void response.destroy()
  if (fault !== undefined) return refuse(response, fault.status, fault.message)
  if (route === 'GET /_ping') return void response.end('OK')
  if (route === 'POST /containers/create') return await create(state, url, await readBody(request), response)
  const [, image] = /^\/images\/(.+)\/json$/.exec(path) ?? []
  if (image !== undefined) return showImage(state, image, response)
  if (route === 'GET /containers/json') return list(state, url, response)
  const container = find(state, name)
  if (container === undefined) return refuse(response, 404, `No such container: ${name}`)
  const handle = HANDLERS[route]
  if (handle === undefined) return refuse(response, 404, 'page not found')
  await handle(state, container, response, url)
}

type Handler = (state: State, container: Container, response: ServerResponse, url: URL) => Promise<void> | void

const HANDLERS: Readonly<Record<string, Handler>> = {
  'POST /containers/{id}/attach': (_state, container, response) => {
    response.writeHead(200, { 'content-type': 'application/vnd.docker.raw-stream' }).flushHeaders()
    container.attached.push(response)
  },
  'POST /containers/{id}/start': (_state, container, response) => start(container, response),
  'POST /containers/{id}/wait': async (_state, container, response) => {
    await container.ended.promise
    sendJson(response, 200, { StatusCode: container.exitCode ?? 137 })
  },
  'POST /containers/{id}/kill': (_state, container, response) => {
    if (!isRunning(container)) return refuse(response, 409, `Container ${container.id} is not running`)
    kill(container)
    response.writeHead(204).end()
  },
  'GET /containers/{id}/json': ({ options }, container, response) => {
    const { exitCode = 0 } = container
    const OOMKilled = options.outOfMemory?.(exitCode) === true
    sendJson(response, 200, {
      Id: container.id,
      State: { Running: isRunning(container), ExitCode: exitCode, OOMKilled },
    })
  },
  'DELETE /containers/{id}': (state, container, response, url) => {
    if (isRunning(container) && !['1', 'true'].includes(url.searchParams.get('force') ?? '')) {
      return refuse(response, 409, `You cannot remove a running container ${container.id}.`)
    }
    kill(container)
    state.containers.delete(container.id)
    response.writeHead(204).end()
  },
}

async function create(state: State, url: URL, text: string, response: ServerResponse): Promise<void> {
  const request = parseObject(text) as DockerCreateRequest | undefined
  if (request === undefined) return refuse(response, 400, 'invalid JSON')
  if (!imagesOf(state).includes(request.Image)) return refuse(response, 404, `No such image: ${request.Image}`)
  const memory = request.HostConfig?.Memory ?? 0
  if (memory > 0 && memory < 6 * 1024 * 1024) return refuse(response, 400, 'Minimum memory limit allowed is 6MB')
  const absent = request.HostConfig?.Mounts?.find(({ Source }) => !existsSync(Source))
  if (absent !== undefined) {
    return refuse(
      response,
      400,
      `invalid mount config for type "bind": bind source path does not exist: ${absent.Source}`,
    )
  }
  const id = randomBytes(32).toString('hex')
  const name = url.searchParams.get('name') ?? id.slice(0, 12)
  if (find(state, name) !== undefined)
    return refuse(response, 409, `Conflict. The container name "/${name}" is already in use.`)
  const ended = Promise.withResolvers<void>()
  state.containers.set(id, { id, name, request, child: undefined, exitCode: undefined, attached: [], ended })
  state.created.push(request)
  sendJson(response, 201, { Id: id, Warnings: [] })
}

function imagesOf({ options }: State): readonly string[] {
  return options.images ?? ['test-image']
}

function showImage(state: State, image: string, response: ServerResponse): void {
  if (imagesOf(state).includes(image)) sendJson(response, 200, { Id: 'sha256:0', RepoTags: [image] })
  else refuse(response, 404, `No such image: ${image}`)
}

function list(state: State, url: URL, response: ServerResponse): void {
  const { label = [] } = JSON.parse(url.searchParams.get('filters') ?? '{}') as { label?: string[] }
  const wanted = label.map((pair) => pair.split('='))
  const found = [...state.containers.values()].filter(({ request }) =>
    wanted.every(([key = '', value]) => request.Labels?.[key] === value),
  )
  const rows = found.map((container) => ({
    Id: container.id,
    Names: [`/${container.name}`],
    Labels: container.request.Labels ?? {},
    State: isRunning(container) ? 'running' : 'exited',
  }))
  sendJson(response, 200, rows)
}

function start(container: Container, response: ServerResponse): void {
  if (container.child !== undefined) {
    response.writeHead(304).end()
    return
  }
  const { Cmd, Env = [], WorkingDir = '/' } = container.request
  const cwd = onMachine(container.request, WorkingDir)
  if (!existsSync(cwd)) {
    const message = `chdir to cwd ("${WorkingDir}") set in config.json failed: no such file or directory: unknown`
    refuse(response, 400, `OCI runtime create failed: ${message}`)
    return
  }
  const given = Env.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)])
  const env = { PATH: process.env.PATH, ...Object.fromEntries(given) }
  const child = spawn(Cmd[0] ?? '', Cmd.slice(1), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
  container.child = child
  child.once('error', () => end(container, 127))
  child.once('exit', (code, signal) => end(container, code ?? 128 + (signal === null ? 9 : constants.signals[signal])))
  forward(container, child.stdout, 1)
  forward(container, child.stderr, 2)
  response.writeHead(204).end()
}

/** The first process is the container: what it leaves behind ends with it. */
function end(container: Container, code: number): void {
  container.exitCode = code
  kill(container)
  container.ended.resolve()
}

function forward({ attached, child }: Container, stream: Readable, kind: 1 | 2): void {
  stream.on('data', (chunk: Buffer) => {
    const header = Buffer.from([kind, 0, 0, 0, 0, 0, 0, 0])
    header.writeUInt32BE(chunk.length, 4)
    for (const response of attached) response.write(Buffer.concat([header, chunk]))
  })
  child?.once('close', () => {
    for (const response of attached) response.end()
  })
}

/** Where on this machine a path of the container lies. */
function onMachine({ HostConfig }: DockerCreateRequest, path: string): string {
  const mount = HostConfig?.Mounts?.find(({ Target }) => path === Target || path.startsWith(`${Target}/`))
  return mount === undefined ? path : join(mount.Source, path.slice(mount.Target.length))
}

function find({ containers }: State, name: string): Container | undefined {
  return containers.get(name) ?? [...containers.values()].find((container) => container.name === name)
}

function isRunning({ child, exitCode }: Container): boolean {
  return child !== undefined && exitCode === undefined
}

function kill({ child }: Container): void {
  if (child?.pid === undefined) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    // Nobody left in the group: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function refuse(response: ServerResponse, status: number, message: string): void {
  sendJson(response, status, { message })
}
