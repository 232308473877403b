import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openStore, type Store } from './store/store.ts'
import { startAgent } from './testing/agent-fixture.ts'
import { createChannelDouble } from './testing/channel-double.ts'
import { type Script, sayText } from './testing/script.ts'

test('a turn that was told to end when the program was killed does not go on', async () => {
  const store = await openStore(':memory:')
  let writesLeft = Number.POSITIVE_INFINITY
  const doomed: Store = {
    ...store,
    write: (work) => (writesLeft-- > 0 ? store.write(work) : new Promise(() => {})),
  }
  const asked = Promise.withResolvers<void>()
  const endless: Script = async function* () {
    asked.resolve()
    await new Promise(() => {})
    yield* sayText('never')
  }
  const before = createChannelDouble()
  const first = await startAgent(endless, { store: doomed, channels: [before.definition] })
  await before.receive('1', 'think for ever')
  await asked.promise
  writesLeft = 1
  const stored = async () => (await store.db.selectFrom('inbox').select('id').execute()).length
  // It is stored, and the end of the turn that it waits for is not.
  await Promise.race([before.receive('2', '/cancel'), expect.poll(stored).toBe(2)])
  rmSync(first.home, { recursive: true, force: true })

  let requests = 0
  const counting: Script = () => {
    requests += 1
    return sayText('hello')
  }
  const after = createChannelDouble()
  await using _ = await startAgent(counting, { store, channels: [after.definition] })
  expect((await after.delivered('text')).text).toBe('Cancelled.')
  expect(requests).toBe(0)
  await after.receive('3', 'and now?')
  expect((await after.delivered('text')).text).toBe('hello')
  const turns = await store.db.selectFrom('turns').select('state').orderBy('id').execute()
  expect(turns).toEqual([{ state: 'ABORTED' }, { state: 'STOPPED' }])
})
