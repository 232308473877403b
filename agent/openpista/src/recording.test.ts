import { expect, test } from 'vitest'
import type { AgentParts } from './app.ts'
import { run } from './loop.ts'
import type { ModelRequest, ProviderEvent } from './providers/provider.ts'
import { recordRuns } from './recording.ts'
import { replayRun } from './replay-run.ts'
import { type Fixture, noteTool, startAgent } from './testing/agent-fixture.ts'
import { callTool, echo, lastUserText, type Script, sayText } from './testing/script.ts'

const tools = [noteTool('exec', [])]
const afterTool = ({ messages }: ModelRequest) => messages.at(-1)?.role === 'tool'

async function record(script: Script, talk: (fixture: Fixture) => Promise<void>, parts: Partial<AgentParts> = {}) {
  const recordings: string[] = []
  const runLoop = recordRuns(run, (_turnId, lines) => recordings.push(lines))
  await using fixture = await startAgent(script, { tools, runLoop, ...parts })
  await talk(fixture)
  return recordings
}

const script: Script = (request, signal) => {
  if (afterTool(request)) return sayText('noted')
  return lastUserText(request) === 'note it' ? callTool('note', { word: 'x' }) : echo(request, signal)
}

async function approve(fixture: Fixture): Promise<void> {
  const client = await fixture.client()
  await client.say('hello there')
  const finished = client.say('note it')
  const { card } = await client.next('approval.requested')
  client.send({ type: 'approval.answer', cardId: card.id, decision: 'approve' })
  expect((await finished).text).toBe('noted')
}

test('a recorded turn replays byte for byte, with its questions and tools', async () => {
  const [first, second] = await record(script, approve)
  expect(await replayRun(first!, tools)).toEqual({ same: true, requests: 1, calls: 0 })
  expect(await replayRun(second!, tools)).toEqual({ same: true, requests: 2, calls: 1 })
})

test('a replay runs no tool', async () => {
  const notes: string[] = []
  const [, second] = await record(script, approve)
  await replayRun(second!, [noteTool('exec', notes)])
  expect(notes).toEqual([])
})

test('any change in a recording, or in the program, is found with its line', async () => {
  const [, second] = await record(script, approve)
  const lines = second!.trimEnd().split('\n')
  const change = (from: string, to: string) => replayRun(second!.replace(from, to), tools)
  expect(await change('"noted x"', '"noted y"')).toMatchObject({ same: false })
  expect(await change('"kind":"end"', '"kind":"stop"')).toMatchObject({ same: false, line: lines.length })
  expect(await replayRun(lines.slice(0, -1).join('\n'), tools)).toMatchObject({ same: false, recorded: 'the end' })
  const other = { ...tools[0]!, summary: () => 'something else' }
  expect(await replayRun(second!, [other])).toMatchObject({
    same: false,
    found: expect.stringContaining('something else'),
  })
  await expect(replayRun('{"kind":"request"}', tools)).rejects.toThrow('not a recording')
})

test('retries, failures and cancelled turns replay too', async () => {
  let asked = 0
  const shaky: Script = async function* (request, signal): AsyncIterable<ProviderEvent> {
    asked += 1
    if (asked === 1) yield { type: 'error', code: 'OVERLOADED', message: 'busy' }
    else if (asked === 2) yield { type: 'error', code: 'BAD_REQUEST', message: 'no' }
    else if (lastUserText(request) === 'endless') {
      yield { type: 'text', delta: 'well' }
      await new Promise(() => {})
    } else yield* echo(request, signal)
  }
  const recordings = await record(
    shaky,
    async (fixture) => {
      const client = await fixture.client()
      expect((await client.say('go')).status).toBe('error')
      const finished = client.say('endless')
      await client.next('text.delta')
      client.send({ type: 'cancel' })
      expect((await finished).status).toBe('aborted')
    },
    { retry: { max: 3, delay: () => 0 } },
  )
  expect(await replayRun(recordings[0]!, tools)).toEqual({ same: true, requests: 2, calls: 0 })
  expect(await replayRun(recordings[1]!, tools)).toEqual({ same: true, requests: 1, calls: 0 })
})
