import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DemoStack, startDemo } from '../scripts/demo/stack.ts'

export type StackOptions = {
  /** Environment of the agent, besides the demo's. */
  agentEnv: Record<string, string>
  /** The agent's config.toml. */
  agentConfig: string
}

/** Runs `work` on the whole product in a folder of its own, then stops everything and removes the folder. */
export async function withStack(
  options: StackOptions,
  work: (stack: DemoStack, folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'stack-'))
  const lines: string[] = []
  mkdirSync(join(folder, 'openpista'), { mode: 0o700 })
  writeFileSync(join(folder, 'openpista', 'config.toml'), options.agentConfig, { mode: 0o600 })
  const stack = await startDemo({
    folder,
    ports: { gateway: 0, wallet: 0 },
    agentEnv: options.agentEnv,
    say: () => {},
    echo: (line) => lines.push(line),
  })
  try {
    await work(stack, folder)
  } catch (error) {
    throw new Error(`what the programs printed:\n${lines.slice(-40).join('\n')}`, { cause: error })
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}
