import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { failed } from './answer.ts'
import { defineTool, type Tool, type ToolResult } from './tool.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A program that writes a picture of the screen to a file. */
type Grabber = {
  program: string
  /** Where it works. */
  screen: 'wayland' | 'x11' | 'macos'
  args: (file: string, display: number) => readonly string[]
  /** Whether it can be told which display. */
  displays: boolean
}

const GRABBERS: readonly Grabber[] = [
  { program: 'grim', screen: 'wayland', args: (file) => [file], displays: false },
  { program: 'spectacle', screen: 'wayland', args: (file) => ['-b', '-n', '-o', file], displays: false },
  { program: 'gnome-screenshot', screen: 'wayland', args: (file) => ['-f', file], displays: false },
  { program: 'maim', screen: 'x11', args: (file) => [file], displays: false },
  { program: 'scrot', screen: 'x11', args: (file) => ['--overwrite', file], displays: false },
  { program: 'import', screen: 'x11', args: (file) => ['-window', 'root', file], displays: false },
  { program: 'gnome-screenshot', screen: 'x11', args: (file) => ['-f', file], displays: false },
  {
    program: 'screencapture',
    screen: 'macos',
    args: (file, display) => ['-x', '-t', 'png', '-D', String(display + 1), file],
    displays: true,
  },
]

/** What such a program needs to find the screen. */
const VARIABLES = [
  'PATH',
  'HOME',
  'DISPLAY',
  'XAUTHORITY',
  'WAYLAND_DISPLAY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
]
const TIMEOUT_MS = 15_000
/** Pictures above this are refused by models. */
const MAX_BYTES = 3_300_000

const Input = z.strictObject({ display: z.number().int().min(0).max(15).default(0) })

/** The kind of screen that this machine shows something on, if any. */
export function screenOf(env: Env, platform: NodeJS.Platform): Grabber['screen'] | undefined {
  if (platform === 'darwin') return 'macos'
  if ((env.WAYLAND_DISPLAY ?? '') !== '') return 'wayland'
  return (env.DISPLAY ?? '') === '' ? undefined : 'x11'
}

/** `screen.capture`: a picture of the owner's screen, with all that is open there. So it asks like a program does. */
export function createScreenCapture(env: Env, platform: NodeJS.Platform): Tool<typeof Input> {
  return defineTool({
    name: 'screen.capture',
    description: "Look at the owner's screen.",
    input: Input,
    risk: 'exec',
    repeatable: true,
    summary: ({ display }) => `picture of screen ${display}`,
    scope: () => 'screen.capture',
    run: async ({ display }, { signal }) => {
      const screen = screenOf(env, platform)
      if (screen === undefined) return failed('There is no screen: neither DISPLAY nor WAYLAND_DISPLAY is set.')
      const grabber = await findGrabber(screen, env)
      if (typeof grabber === 'string') return failed(grabber)
      if (display > 0 && !grabber.displays) {
        return failed(`${grabber.program} takes all displays in one picture; leave display at 0.`)
      }
      return await capture(grabber, display, env, signal)
    },
  })
}

async function findGrabber(screen: Grabber['screen'], env: Env): Promise<Grabber | string> {
  const known = GRABBERS.filter((grabber) => grabber.screen === screen)
  const folders = (env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  for (const grabber of known) {
    for (const folder of folders) if (await isProgram(join(folder, grabber.program))) return grabber
  }
  const names = known.map(({ program }) => (program === 'import' ? 'imagemagick' : program)).join(', ')
  return `No program takes pictures of the screen here. The owner can install one of: ${names}.`
}

async function capture(grabber: Grabber, display: number, env: Env, signal: AbortSignal): Promise<ToolResult> {
  const folder = await mkdtemp(join(tmpdir(), 'openpista-screen-'))
  const file = join(folder, 'screen.png')
  const known = Object.fromEntries(VARIABLES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
  try {
    await promisify(execFile)(grabber.program, [...grabber.args(file, display)], {
      env: known,
      signal,
      timeout: TIMEOUT_MS,
    })
    return answer(await readFile(file), display)
  } catch (error) {
    if (signal.aborted) return failed('Cancelled.')
    const { stderr, killed, message } = error as Error & { stderr?: string; killed?: boolean }
    const why = killed === true ? `no picture within ${TIMEOUT_MS / 1000}s` : (stderr ?? '').trim() || message
    return failed(`${grabber.program}: ${oneLine(why)}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function answer(png: Buffer, display: number): ToolResult {
  if (png.length < 24 || png.subarray(1, 4).toString('latin1') !== 'PNG') return failed('The picture is no PNG.')
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)]
  if (png.length > MAX_BYTES)
    return failed(`The picture (${width}x${height}, ${png.length} bytes) is too big for a model.`)
  const provenance = { kind: 'tool', tool: 'screen.capture' } as const
  const about = { mime: 'image/png', display, width, height, size_bytes: png.length }
  const image = { type: 'image', mime: 'image/png', base64: png.toString('base64'), provenance } as const
  return { output: JSON.stringify(about), isError: false, provenance, images: [image] }
}

async function isProgram(path: string): Promise<boolean> {
  return await access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}
