import type { Skills } from '../skills/skills.ts'
import {
  type AboutParts,
  createClear,
  createConnection,
  createHelp,
  createLogin,
  createModel,
  createSession,
  createStatus,
} from './about.ts'
import { cancel } from './cancel.ts'
import { type Command, forOwner } from './command.ts'
import { browse, container, fetch, list, read, remember, run, search, write } from './machine.ts'
import { output } from './output.ts'
import { createPairingCommand, type PairingCommandParts } from './pairing.ts'
import { schedule } from './schedule.ts'
import { createSkill } from './skill.ts'
import { wallet } from './wallet.ts'
import { worker } from './worker.ts'

/** Every slash command. A new one is a file beside this one and a word here. */
export function createCommands(parts: AboutParts & { skills: Skills } & PairingCommandParts): readonly Command[] {
  const about = [
    createSession(parts),
    createClear(parts),
    createModel(parts),
    createStatus(parts),
    createConnection(parts),
    createLogin(parts),
  ].map(forOwner)
  const commands = [
    run,
    read,
    write,
    list,
    search,
    fetch,
    browse,
    container,
    remember,
    forOwner(output),
    schedule,
    createSkill(parts.skills),
    createPairingCommand(parts),
    wallet,
    forOwner(worker),
    cancel,
    ...about,
  ]
  return [...commands, createHelp(commands)]
}
