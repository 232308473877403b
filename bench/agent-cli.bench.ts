import { type BareNode, everyForm, mediansBeside, millisOf, withBareNode } from './agent/forms.ts'
import { makeAgentHome, withGateway } from './agent/gateway.ts'
import { type BenchModel, startModel } from './agent/model.ts'
import type { Bench, Row } from './bench.ts'
import type { Program } from './program.ts'

const ROUNDS = 9

/** What somebody at a terminal waits for, from start to end of the program. */
export const agentCli: Bench = {
  name: 'agent-cli',
  run: async (): Promise<Row[]> => {
    const model = await startModel()
    try {
      return await withBareNode((node) => everyForm((program) => commandRows(program, model, node)))
    } finally {
      await model.stop()
    }
  },
}

async function commandRows(program: Program, model: BenchModel, node: BareNode): Promise<Row[]> {
  const options = { model: { name: 'text', ...model } }
  const row = async (words: string, limit: number, command: () => Promise<void>): Promise<Row> => {
    await command()
    const medians = await mediansBeside(ROUNDS, node, () => millisOf(command))
    return { what: `agent ${program.name}: ${words}`, unit: 'ms', target: { atMost: limit }, ...medians }
  }
  const turn = ['run', '-e', 'Is the build green?']
  const rows = await withGateway(program, options, async (_gateway, { command }) => [
    await row('openpista --help', 80, () => command('--help')),
    await row('openpista status, beside a gateway', 200, () => command('status')),
    await row('openpista run -e, beside a gateway', 200, () => command(...turn)),
  ])
  const home = makeAgentHome(program, options)
  try {
    return [...rows, await row('openpista run -e, without a gateway', 350, () => home.command(...turn))]
  } finally {
    home.remove()
  }
}
