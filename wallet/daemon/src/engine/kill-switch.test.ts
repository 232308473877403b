import { expect, test } from 'vitest'
import { readSetting, settingKeys } from '../store/settings.ts'
import { createWriter, type Write } from '../store/writer.ts'
import { createChanges } from './changes.ts'
import { createKillSwitch, type KillSwitch } from './kill-switch.ts'
import { createLock } from './lock.ts'
import type { Context } from './parts.ts'
import { createLedgerChain, emptyBooks } from './testing/ledger-chain.ts'
import { createWorld } from './testing/world.ts'

const WAIT_SECONDS = 1800

/** A kill switch whose recovery is due, over a real database; `hooks` are called at steps of that recovery. */
async function inRecovery(hooks: { resumed?: (killSwitch: KillSwitch) => void; stored?: () => void }) {
  const world = await createWorld({ adapters: new Map([['evm-local', createLedgerChain('evm-local', emptyBooks())]]) })
  const { clock, steady, signer, log } = world
  const db = world.db.kysely
  const lock = createLock([])
  const writeNow = createWriter(db, clock.timers)
  const write: Write = async (work) => {
    const written = await writeNow(work)
    hooks.stored?.()
    return written
  }
  const resume = async () => {
    await signer.resume()
    hooks.resumed?.(killSwitch)
  }
  const parts = { db, lock, log, write, clock: steady, now: steady.seconds, changes: createChanges(clock.timers) }
  const killSwitch = createKillSwitch({ ...parts, signer: { ...signer, resume } } as unknown as Context)
  await killSwitch.activate('admin', 'first')
  await killSwitch.recover('admin', WAIT_SECONDS)
  clock.move(WAIT_SECONDS)
  return { world, killSwitch, state: () => readSetting(db, settingKeys.killSwitch) }
}

test('a stop between the stored end of a recovery and the release of the lock stays on', async () => {
  let activation: Promise<unknown> | undefined
  const hooks: Parameters<typeof inRecovery>[0] = {}
  const { world, killSwitch, state } = await inRecovery(hooks)
  hooks.stored = () => {
    activation ??= killSwitch.activate('admin', 'second')
  }
  await killSwitch.runDue()
  await activation
  expect(await state()).toBe('ACTIVATED')
  expect(killSwitch.locked()).toBe(true)
  expect(await world.signer.halted()).toBe(true)
  await killSwitch.runDue()
  expect(killSwitch.locked()).toBe(true)
  await world.close()
})

test('a stop while the signer resumes wins over the recovery', async () => {
  let activation: Promise<unknown> | undefined
  const { world, killSwitch, state } = await inRecovery({
    resumed: (each) => {
      activation ??= each.activate('admin', 'second')
    },
  })
  await killSwitch.runDue()
  await activation
  expect(await state()).toBe('ACTIVATED')
  expect(killSwitch.locked()).toBe(true)
  expect(await world.signer.halted()).toBe(true)
  await world.close()
})

test('without a stop in between, a recovery that is due releases lock and signer', async () => {
  const { world, killSwitch, state } = await inRecovery({})
  await killSwitch.runDue()
  expect(await state()).toBe('NORMAL')
  expect(killSwitch.locked()).toBe(false)
  expect(await world.signer.halted()).toBe(false)
  await world.close()
})

test('of two that end a recovery at once, the later one does not halt the signer again', async () => {
  const { world, killSwitch, state } = await inRecovery({})
  await Promise.all([killSwitch.runDue(), killSwitch.runDue()])
  expect(await state()).toBe('NORMAL')
  expect(killSwitch.locked()).toBe(false)
  expect(await world.signer.halted()).toBe(false)
  await world.close()
})
