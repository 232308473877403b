import { randomUUID } from 'node:crypto'
import { AppError } from '@openpista/common'
import type { Settings } from '../config.ts'
import { knownModels } from '../known-models.ts'
import { type Program, runProgram, type Services } from '../tui/program.ts'
import { initialState } from '../tui/state.ts'
import { openTerminal } from '../tui/terminal.ts'
import { view } from '../tui/view/screen.ts'
import { keepKey, services } from './auth.ts'
import { useGateway } from './local-gateway.ts'
import type { LogChoice } from './log.ts'

/** `openpista tui`: the conversation on the whole terminal. */
export async function tui(
  settings: Settings,
  env: NodeJS.ProcessEnv,
  log: LogChoice,
  session: string | undefined,
): Promise<number> {
  const { stdin: input, stdout: output } = process
  if (!input.isTTY || !output.isTTY) {
    throw new AppError('USAGE', 'openpista tui needs a terminal.', { hint: 'Without one: openpista run -e "text".' })
  }
  // The log goes to standard error: on the terminal it would be written over the screen.
  const gateway = await useGateway(settings, env, process.stderr.isTTY ? { ...log, level: 'silent' } : log)
  const terminal = openTerminal({
    ...{ input, output, env },
    onKey: (key) => program.dispatch({ type: 'key', key, at: Date.now() }),
    onResize: (size) => program.dispatch({ type: 'resize', size }),
    onEnd: () => program.leave(),
  })
  // Also after a fault the terminal is given back, before the fault is printed.
  process.once('uncaughtExceptionMonitor', terminal.close)
  process.once('exit', terminal.close)
  const program: Program = runProgram(
    initialState(terminal.size(), { ...clientOf(session ?? sharedSession(settings)), nonce: randomUUID() }),
    {
      socketPath: settings.socket,
      services: servicesOf(settings, env),
      now: Date.now,
      draw: (state) => terminal.draw(view(state)),
      forget: terminal.forget,
    },
  )
  const signal = leaveAtSignal(program)
  try {
    await program.ended
    return signal.exitCode()
  } finally {
    terminal.close()
    await gateway.stop()
  }
}

/** `-s web:main` is a session that is there; `-s notes` is `cli:notes`; without it a new one begins. */
function clientOf(session: string | undefined): { clientId: string; wanted: string | undefined } {
  const name = session?.replace(/^cli:/, '')
  if (name === undefined || name === '') return { clientId: randomUUID(), wanted: undefined }
  return name.includes(':')
    ? { clientId: randomUUID(), wanted: name }
    : { clientId: name.slice(0, 100), wanted: undefined }
}

/** The session that all share, if the owner configured one. */
function sharedSession({ config }: Settings): string | undefined {
  const { shared_session_id: name } = config.channels.web
  return name === '' ? undefined : `web:${name}`
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

function leaveAtSignal(program: Program): { exitCode: () => number } {
  let code = 0
  for (const [signal, exitCode] of Object.entries(SIGNALS)) {
    // For every one: a terminal that closes sends more than one, and the second must not cut the stop short.
    process.on(signal, () => {
      code ||= exitCode
      program.leave()
    })
  }
  return { exitCode: () => code }
}

function servicesOf(settings: Settings, env: NodeJS.ProcessEnv): Services {
  return {
    models: async () => {
      const { entries, problems, current } = await knownModels(settings, env)
      const models = entries.map(({ provider, id, status, recommendedForCoding }) => ({
        provider,
        id,
        note: recommendedForCoding ? `${status}, for coding` : status,
        current: current.ok && current.provider.id === provider && current.model === id,
      }))
      const missing = current.ok ? [] : [`${current.message} ${current.hint}`]
      return { models, problem: [...missing, ...problems].join('\n') }
    },
    providers: async () =>
      services(settings, env).map(({ preset, status }) => ({
        id: preset.id,
        label: preset.label,
        status: preset.login === 'none' ? 'needs no login' : status || 'not signed in',
        login: preset.login,
        endpointName: preset.endpoint?.env,
      })),
    keepKey: (key) => keepKey(settings, env, key),
  }
}
