import { realpathSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createBubblewrapExecutor } from '../executors/bubblewrap.ts'
import type { ContainerHost, ContainerImage, ExecResult, Mount } from '../executors/executor.ts'
import { createHostExecutor } from '../executors/host.ts'
import { runWasm, type WasmOutcome } from '../executors/wasm.ts'
import type { Skill, SkillFile } from './skill.ts'

const SECONDS = 30
const WASM_CPU_SECONDS = 10
/** Kilobytes of memory that a script may ask for; Node has a limit of its own, for it reserves more than it uses. */
const SCRIPT_MEMORY_KB = 4 * 1024 * 1024
const NODE_HEAP_MB = 512
/** Systems take no longer ones; Linux gives 128 KiB to a single argument. */
const MAX_COMMAND_BYTES = 120_000

/** What a skill is called with: words for a script, an object for a module; a script gets it as JSON behind its words. */
export type SkillCall = { id: string; args: readonly string[]; input: Record<string, unknown> | undefined }

export type SkillOutcome =
  | { kind: 'script'; result: ExecResult; note: string }
  | { kind: 'module'; outcome: WasmOutcome }
  | { kind: 'refused'; why: string }

export type SkillWatch = { maxOutput: number; onOutput: (text: string) => void; signal: AbortSignal }

export type SkillRunner = (skill: Skill, call: SkillCall, watch: SkillWatch) => Promise<SkillOutcome>

export type RunnerParts = {
  /** Where commands of this agent run: a skill runs there too, unless it is a module or names an image. */
  sandbox: string
  workspace: string
  env: Readonly<Record<string, string | undefined>>
  containers: ContainerHost
  /** With the sandbox `docker`: which image. */
  container: string
}

/** A copy of the skill that nobody else can change, and an empty folder for what it writes. */
type Job = { skill: Skill; call: SkillCall; folder: string; home: string }
type Sandbox = (job: Job, watch: SkillWatch) => Promise<SkillOutcome>

/**
 * Runs the program of an approved skill, for 30 seconds at most. It runs from a fresh copy of the bytes that were
 * approved, and with the permissions of its front matter, as far as the sandbox can hold it to them.
 */
export function createSkillRunner(parts: RunnerParts): SkillRunner {
  const sandboxes: Readonly<Record<string, Sandbox>> = {
    host: (job, watch) => onHost(parts, job, watch),
    bubblewrap: (job, watch) => inBubblewrap(parts, job, watch),
    docker: (job, watch) => inContainer(parts, offerOf(parts.containers, parts.container), job, watch),
  }
  const standard = sandboxes[parts.sandbox]
  if (standard === undefined) throw new Error(`skills cannot run in ${parts.sandbox}`)
  return async (skill, call, watch) => {
    if (skill.mode === 'wasm') return await asModule(parts, skill, call, watch)
    if (skill.entry === undefined) return refused(`The skill '${skill.name}' has no program; read it and follow it.`)
    const base = await realpath(await mkdtemp(join(tmpdir(), 'openpista-skill-')))
    try {
      const job = { skill, call, folder: join(base, 'skill'), home: join(base, 'home') }
      if (Buffer.byteLength(commandOf(job, process.execPath)) > MAX_COMMAND_BYTES)
        return refused('The arguments are too long.')
      await mkdir(job.home)
      await copyFiles(skill.files, job.folder)
      if (skill.image === undefined) return await standard(job, watch)
      return await inImage(parts, skill.image, job, watch, standard)
    } finally {
      await rm(base, { recursive: true, force: true })
    }
  }
}

async function asModule(parts: RunnerParts, skill: Skill, call: SkillCall, watch: SkillWatch): Promise<SkillOutcome> {
  const module = skill.files.find(({ path }) => path === skill.entry)?.content
  if (module === undefined) return refused(`WASM module not found for skill '${skill.name}'`)
  const input = call.input ?? (call.args.length === 0 ? {} : { args: call.args })
  const request = {
    module,
    call: { id: call.id, name: skill.name, arguments: input },
    workspace: skill.permissions.workspace === 'none' ? null : parts.workspace,
    timeoutSeconds: SECONDS,
    cpuSeconds: WASM_CPU_SECONDS,
  }
  return { kind: 'module', outcome: await runWasm(request, watch.signal) }
}

async function onHost({ env, workspace }: RunnerParts, job: Job, watch: SkillWatch): Promise<SkillOutcome> {
  const request = { command: limited(job, workspace), cwd: job.folder, timeoutSeconds: SECONDS, ...watch }
  return script(await createHostExecutor(env).run(request, watch.signal))
}

async function inBubblewrap({ env, workspace }: RunnerParts, job: Job, watch: SkillWatch): Promise<SkillOutcome> {
  const { network, workspace: access } = job.skill.permissions
  const program = usesNode(job.skill) ? [dirname(realpathSync(process.execPath))] : []
  const roots = {
    workspace: job.home,
    writable: access === 'write' ? [workspace] : [],
    readable: [job.folder, ...program, ...(access === 'read' ? [workspace] : [])],
    secret: [],
  }
  const request = { command: limited(job, workspace), cwd: job.folder, timeoutSeconds: SECONDS, ...watch }
  return script(await createBubblewrapExecutor({ roots, network, env }).run(request, watch.signal))
}

/** An image is one that the configuration offers, by its name or its reference. */
async function inImage(
  parts: RunnerParts,
  image: string,
  job: Job,
  watch: SkillWatch,
  standard: Sandbox,
): Promise<SkillOutcome> {
  const offer = offerOf(parts.containers, image)
  if (offer === undefined) {
    return refused(`The skill wants the image ${image}; the owner can offer it in [[containers.images]].`)
  }
  const outcome = await inContainer(parts, offer, job, watch)
  if (outcome.kind !== 'refused' || !outcome.missing || !parts.containers.fallback) return outcome
  const beside = await standard(job, watch)
  const note = `[no container engine: ran in ${parts.sandbox} instead]\n`
  return beside.kind === 'script' ? { ...beside, note } : beside
}

function offerOf({ images }: ContainerHost, wanted: string): ContainerImage | undefined {
  return images.find(({ name }) => name === wanted) ?? images.find(({ image }) => image === wanted)
}

/** The permissions of the skill and those of the image both hold. */
async function inContainer(
  { containers, workspace }: RunnerParts,
  offer: ContainerImage | undefined,
  job: Job,
  watch: SkillWatch,
): Promise<Exclude<SkillOutcome, { kind: 'refused' }> | { kind: 'refused'; why: string; missing: boolean }> {
  if (offer === undefined) return { kind: 'refused', why: 'No image for skills is configured.', missing: false }
  const { network, workspace: access } = job.skill.permissions
  const mounts: Mount[] = [{ source: job.folder, target: '/skill', readOnly: true }]
  if (access !== 'none' && offer.workspace !== 'none') {
    const readOnly = access === 'read' || offer.workspace === 'read'
    mounts.push({ source: workspace, target: '/workspace', readOnly })
  }
  const command = `export OPENPISTA_WORKSPACE=/workspace PYTHONDONTWRITEBYTECODE=1; ${commandOf(job, 'node')}`
  const held = { ...offer, network: offer.network && network }
  const program = { offer: held, argv: ['sh', '-c', command], cwd: '/skill', mounts }
  const limits = { timeoutSeconds: SECONDS, ...watch }
  const outcome = await containers.run(program, limits, watch.signal)
  return outcome.ok ? script(outcome.result) : { kind: 'refused', why: outcome.message, missing: outcome.missing }
}

/** Modes are set so that not even the skill itself changes its copy by accident. */
async function copyFiles(files: readonly SkillFile[], folder: string): Promise<void> {
  await mkdir(folder)
  for (const { path, content } of files) {
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, content, { flag: 'wx' })
    await chmod(target, 0o500)
  }
}

function limited(job: Job, workspace: string): string {
  const memory = usesNode(job.skill) ? '' : `ulimit -v ${SCRIPT_MEMORY_KB}; `
  const exports = `export OPENPISTA_WORKSPACE=${quoted(workspace)} PYTHONDONTWRITEBYTECODE=1; `
  return `ulimit -c 0; ulimit -t ${SECONDS}; ${memory}${exports}${commandOf(job, process.execPath)}`
}

function commandOf({ skill, call }: Job, node: string): string {
  const json = call.input === undefined ? [] : [JSON.stringify(call.input)]
  const args = [...call.args, ...json].map(quoted).join(' ')
  const entry = skill.entry ?? ''
  if (entry.endsWith('.sh')) return `exec bash ${entry} ${args}`
  if (usesNode(skill)) return `exec ${quoted(node)} --max-old-space-size=${NODE_HEAP_MB} ${entry} ${args}`
  // Where `python` is missing, or is a name without a program behind it, there is `python3`.
  return `if python --version >/dev/null 2>&1; then exec python ${entry} ${args}; else exec python3 ${entry} ${args}; fi`
}

function usesNode({ entry = '' }: Skill): boolean {
  return entry.endsWith('.js') || entry.endsWith('.ts')
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

function script(result: ExecResult): { kind: 'script'; result: ExecResult; note: string } {
  return { kind: 'script', result, note: '' }
}

function refused(why: string): SkillOutcome {
  return { kind: 'refused', why }
}
