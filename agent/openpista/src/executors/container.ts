import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import { z } from 'zod'
import type { DockerEngine, EngineAnswer } from './docker-engine.ts'
import type { ContainerOffer, ContainerOutcome, ExecRequest, ExecResult, Mount } from './executor.ts'

/** What runs where. `argv` is the whole command; `cwd` a path inside the container. */
export type ContainerSpec = {
  offer: ContainerOffer
  argv: readonly string[]
  cwd: string
  mounts: readonly Mount[]
  /** Variables besides those that every container has. */
  env?: Readonly<Record<string, string>>
  /** Marks the containers of one agent, so that they are found again: see `sweepContainers`. */
  owner: string
}

const End = z.object({ StatusCode: z.number().int() })
const Listed = z.array(z.object({ Id: z.string(), Labels: z.record(z.string(), z.string()) }))
const Seen = z.object({ State: z.object({ OOMKilled: z.boolean() }) })

const OWN_ENV = { HOME: '/tmp', TMPDIR: '/tmp', LC_ALL: 'C.UTF-8' }
const OWNER = 'openpista.owner'
const PID = 'openpista.pid'
/** After the kill, and for the output behind the end. */
const LAST_MS = 3000

/** Makes a container, runs it to its end or its limits, and removes it, whatever happens. None is used twice. */
export async function runContainer(
  engine: DockerEngine,
  spec: ContainerSpec,
  request: Pick<ExecRequest, 'timeoutSeconds' | 'maxOutput' | 'onOutput'>,
  signal: AbortSignal,
): Promise<ContainerOutcome> {
  if (signal.aborted) return { ok: true, result: cancelled }
  const name = `openpista-${randomUUID()}`
  const created = await engine.call('POST', `/containers/create?name=${name}`, createRequest(spec))
  if (!created.ok) return creationFault(created, spec.offer)
  try {
    return await follow(engine, name, request, signal)
  } finally {
    // What cannot be removed now is removed at the next start.
    await engine.call('DELETE', `/containers/${name}?force=1&v=1`)
  }
}

/** Removes what earlier processes of this agent left. Answers how many. */
export async function sweepContainers(
  engine: DockerEngine,
  owner: string,
  isAlive: (pid: number) => boolean,
): Promise<{ removed: number } | { fault: string }> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${OWNER}=${owner}`] }))
  const listed = await engine.call('GET', `/containers/json?all=1&filters=${filters}`)
  if (!listed.ok) return { fault: listed.message }
  const all = Listed.safeParse(listed.body)
  if (!all.success) return { fault: 'The container engine gave no answer that can be read.' }
  const left = all.data.filter(({ Labels }) => !isAlive(Number(Labels[PID])))
  for (const { Id } of left) await engine.call('DELETE', `/containers/${Id}?force=1&v=1`)
  return { removed: left.length }
}

/** The whole of what a container may do. Nothing in it comes from a model but the command and the folder. */
export function createRequest({ offer, argv, cwd, mounts, owner, env = {} }: ContainerSpec): object {
  const bytes = offer.memoryMb * 1024 * 1024
  return {
    Image: offer.image,
    Entrypoint: [],
    Cmd: argv,
    WorkingDir: cwd,
    // The files of the workspace belong to this user; root in a container would be root with them.
    User: `${process.getuid?.() ?? 65_534}:${process.getgid?.() ?? 65_534}`,
    Env: Object.entries({ ...env, ...OWN_ENV }).map(([name, value]) => `${name}=${value}`),
    AttachStdin: false,
    AttachStdout: true,
    AttachStderr: true,
    Tty: false,
    NetworkDisabled: !offer.network,
    Labels: { [OWNER]: owner, [PID]: String(process.pid) },
    HostConfig: {
      Memory: bytes,
      MemorySwap: bytes,
      NanoCpus: offer.cpuMillis * 1_000_000,
      PidsLimit: offer.pids,
      NetworkMode: offer.network ? 'bridge' : 'none',
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      Init: true,
      Tmpfs: { '/tmp': 'rw,nosuid,nodev,size=64m,mode=1777' },
      Mounts: mounts.map(({ source, target, readOnly }) => ({
        ...{ Type: 'bind', Source: source, Target: target, ReadOnly: readOnly },
      })),
      // Output is read as it comes; kept on disk it could fill it.
      LogConfig: { Type: 'none', Config: {} },
    },
  }
}

const cancelled: ExecResult = { stdout: '', stderr: '', exitCode: null, killed: 'cancelled', truncated: false }

function creationFault(
  answer: Extract<EngineAnswer, { ok: false }>,
  { name, image }: ContainerOffer,
): ContainerOutcome {
  const message =
    answer.status === 404
      ? `The image ${image} of '${name}' is not on this machine; the owner can load it: docker pull ${image}`
      : `The container cannot be made: ${answer.message}`
  return { ok: false, message, missing: answer.missing }
}

async function follow(
  engine: DockerEngine,
  id: string,
  request: Pick<ExecRequest, 'timeoutSeconds' | 'maxOutput' | 'onOutput'>,
  signal: AbortSignal,
): Promise<ContainerOutcome> {
  const attached = await engine.attach(id)
  if (!attached.ok) return { ok: false, message: `The container has no output: ${attached.message}`, missing: false }
  const output = collect(attached.output, request)
  try {
    const started = await engine.call('POST', `/containers/${id}/start`)
    if (!started.ok) return { ok: false, message: `The container does not start: ${started.message}`, missing: false }
    const ending = await untilEnd(engine, id, request.timeoutSeconds, signal)
    if ('message' in ending) return { ok: false, ...ending, missing: false }
    await Promise.race([output.ended, after(LAST_MS)])
    const { exitCode, killed } = ending
    const note = exitCode === 137 ? await oomNote(engine, id) : ''
    const { stdout, stderr, truncated } = output.read()
    return { ok: true, result: { stdout, stderr: `${stderr}${note}`, exitCode, killed, truncated } }
  } finally {
    attached.output.destroy()
  }
}

type Ending = { exitCode: number | null; killed: ExecResult['killed'] } | { message: string }

async function untilEnd(engine: DockerEngine, id: string, seconds: number, signal: AbortSignal): Promise<Ending> {
  const clock = AbortSignal.timeout(seconds * 1000)
  const answer = await engine.wait(id, AbortSignal.any([signal, clock]))
  const end = answer.ok ? End.safeParse(answer.body) : undefined
  if (end?.success === true) return { exitCode: end.data.StatusCode, killed: null }
  if (!signal.aborted && !clock.aborted) {
    return { message: `The container was lost: ${answer.ok ? 'no answer that can be read' : answer.message}` }
  }
  // A container that has just ended cannot be killed, which is as good.
  await engine.call('POST', `/containers/${id}/kill`)
  await engine.wait(id, AbortSignal.timeout(LAST_MS))
  return { exitCode: null, killed: signal.aborted ? 'cancelled' : 'timeout' }
}

async function oomNote(engine: DockerEngine, id: string): Promise<string> {
  const seen = await engine.call('GET', `/containers/${id}/json`)
  const state = seen.ok ? Seen.safeParse(seen.body) : undefined
  return state?.data?.State.OOMKilled === true ? '\n[killed: it needed more memory than it may have]' : ''
}

/** Both streams come in one, in frames: kind, three zeros, length of what follows (big-endian). */
function collect(stream: Readable, { maxOutput, onOutput }: Pick<ExecRequest, 'maxOutput' | 'onOutput'>) {
  const kept = { stdout: '', stderr: '' }
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') }
  let truncated = false
  let header = Buffer.alloc(0)
  let frame = { name: 'stdout' as keyof typeof kept, left: 0 }
  const keep = (name: keyof typeof kept, chunk: Buffer) => {
    const text = decoders[name].write(chunk)
    const part = text.slice(0, Math.max(0, maxOutput - kept[name].length))
    if (part.length < text.length) truncated = true
    if (part === '') return
    kept[name] += part
    onOutput(part)
  }
  const { promise: ended, resolve } = Promise.withResolvers<void>()
  stream.on('data', (chunk: Buffer) => {
    let rest = chunk
    while (rest.length > 0) {
      if (frame.left === 0) {
        const need = 8 - header.length
        header = Buffer.concat([header, rest.subarray(0, need)])
        rest = rest.subarray(need)
        if (header.length < 8) return
        frame = { name: header[0] === 2 ? 'stderr' : 'stdout', left: header.readUInt32BE(4) }
        header = Buffer.alloc(0)
        continue
      }
      const part = rest.subarray(0, frame.left)
      frame.left -= part.length
      rest = rest.subarray(part.length)
      keep(frame.name, part)
    }
  })
  stream.once('close', () => resolve())
  // A stream that breaks has nothing more to say; how the container ended is asked elsewhere.
  stream.on('error', () => resolve())
  const read = () => ({ stdout: kept.stdout.toWellFormed(), stderr: kept.stderr.toWellFormed(), truncated })
  return { ended, read }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
