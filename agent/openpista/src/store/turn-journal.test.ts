import { expect, test } from 'vitest'
import { noteTool, startAgent } from '../testing/agent-fixture.ts'
import { callTool, type Script, sayText } from '../testing/script.ts'
import type { Tool } from '../tools/tool.ts'
import { openStore } from './store.ts'

const script: Script = ({ messages }) =>
  messages.at(-1)?.role === 'tool' ? sayText('done') : callTool('note', { word: 'x' })

test.each([true, false])(
  'a payment is on disk with everything before it when it starts, repeatable: %s',
  async (repeatable) => {
    const store = await openStore(':memory:')
    const found: unknown[] = []
    const pay: Tool = {
      ...noteTool('spend', []),
      repeatable,
      run: async (_input, { turnId, callId }) => {
        const call = store.db.selectFrom('tool_calls').select('state').where('id', '=', `${turnId}/${callId}`)
        const said = store.db.selectFrom('messages').select('role').where('turn_id', '=', turnId).orderBy('position')
        found.push(await call.execute(), await said.execute())
        return { output: 'paid', isError: false, provenance: { kind: 'system' } }
      },
    }
    await using fixture = await startAgent(script, { store, tools: [pay] })
    await (await fixture.client()).say('pay')
    expect(found).toEqual([[{ state: 'STARTED' }], [{ role: 'user' }, { role: 'assistant' }]])
  },
)
