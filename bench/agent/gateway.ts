import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Running, run } from '../../scripts/demo/process.ts'
import { type Program, sourceProgram } from '../program.ts'

/** A home folder of the agent, and how to run the real program with it. */
export type AgentHome = {
  /** Resolves when the gateway says that it is ready. */
  start: () => Promise<StartedGateway>
  /** Runs a command to its end; one that fails throws. */
  command: (...args: string[]) => Promise<void>
  remove: () => void
}

export type StartedGateway = { port: number; token: string; process: Running }

export type HomeOptions = {
  /** Model that is configured; none without it. */
  model?: { name: string; baseUrl: string; apiKey: string }
  /** With the tools of a wallet, which is not there. */
  wallet?: boolean
}

/** The agent as a developer runs it. */
export function agentFromSource(): Program {
  return sourceProgram('agent/openpista/src/main.ts')
}

/** A gateway with a new home folder, both gone afterwards. */
export async function withGateway<Result>(
  program: Program,
  options: HomeOptions,
  work: (gateway: StartedGateway, home: AgentHome) => Promise<Result>,
): Promise<Result> {
  const home = makeAgentHome(program, options)
  try {
    const gateway = await home.start()
    try {
      return await work(gateway, home)
    } finally {
      await gateway.process.stop()
    }
  } finally {
    home.remove()
  }
}

export function makeAgentHome(program: Program, { model, wallet = false }: HomeOptions): AgentHome {
  const home = mkdtempSync(join(tmpdir(), 'bench-agent-'))
  mkdirSync(join(home, 'workspace'))
  writeFileSync(join(home, 'workspace', 'note.txt'), 'Water the plants.\n')
  writeFileSync(join(home, 'wallet-token'), 'no wallet takes it\n', { mode: 0o600 })
  const env = {
    ...program.env,
    OPENPISTA_HOME: home,
    openpista_WEB_PORT: '0',
    openpista_OLLAMA_URL: '',
    ...(model === undefined ? {} : modelSettings(model)),
    ...(wallet
      ? { openpista_WALLET_URL: 'http://127.0.0.1:9', openpista_WALLET_TOKEN_FILE: join(home, 'wallet-token') }
      : {}),
  }
  const { entry } = program
  return {
    start: async () => {
      const process = run({ entry, args: ['start', '--log-level', 'error'], env, echo: complain })
      const [, port] = await process.until(/openpista is ready\S* .*http:\/\/127\.0\.0\.1:(\d+)\//)
      return { port: Number(port), token: readFileSync(join(home, 'gateway-token'), 'utf8').trim(), process }
    },
    command: async (...args) => {
      const process = run({ entry, args, env, echo: () => {} })
      const code = await process.ended
      if (code !== 0) throw new Error(`openpista ${args.join(' ')} ended with ${code}:\n${process.output()}`)
    },
    remove: () => rmSync(home, { recursive: true, force: true }),
  }
}

function modelSettings({ name, baseUrl, apiKey }: NonNullable<HomeOptions['model']>): Record<string, string> {
  return {
    openpista_PROVIDER: 'custom',
    openpista_MODEL: name,
    openpista_BASE_URL: baseUrl,
    openpista_API_KEY: apiKey,
  }
}

function complain(line: string): void {
  if (!line.includes('openpista is ready')) process.stderr.write(`agent: ${line}\n`)
}
