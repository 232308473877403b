import type { Skills } from '../skills/skills.ts'
import { type Command, type CommandStep, usageOf } from './command.ts'

/** `/skill`, `/skill show greet`, `/skill approve greet 1a2b3c4d5e6f`: which skills the agent may use. */
export function createSkill(skills: Skills): Command {
  const skill: Command = {
    name: 'skill',
    usage: [
      '/skill',
      '/skill show <name> [<page>]',
      '/skill approve <name> <code>',
      '/skill revoke <name>',
      '/skill run <name> [<words>]',
    ],
    summary: 'list skills, look at new and changed ones, allow them, run them',
    plan: async (args, _sessionId, sender) => {
      const run = /^run\s+(\S+)\s*([\s\S]*)$/.exec(args)
      if (run !== null) return { kind: 'call', tool: 'skill.run', arguments: runArguments(run[1] ?? '', run[2] ?? '') }
      const [verb = '', name, more, ...rest] = args.split(/\s+/)
      if (verb === '') return { kind: 'call', tool: 'skill.read', arguments: {} }
      if (name === undefined || rest.length > 0) return usageOf(skill, 'Which skill?')
      const isOwner = sender.kind === 'owner'
      if (verb === 'show') return await show(skills, name, Number(more ?? 1), isOwner)
      if (verb !== 'approve' && verb !== 'revoke') return usageOf(skill, `Skills have no '${verb}'.`)
      if (!isOwner) return { kind: 'say', text: '❌ Only the owner decides about skills.' }
      if (verb === 'revoke') return await revoke(skills, name)
      if (more === undefined) return usageOf(skill, 'The code stands at the end of what /skill show says.')
      const approved = await skills.approve(name, more)
      return { kind: 'say', text: approved.ok ? approved.value : `❌ ${approved.why}` }
    },
  }
  return skill
}

/** `{…}` is what a module gets; anything else are words, in quotes where they hold blanks. */
function runArguments(name: string, rest: string): Record<string, unknown> {
  const input = rest.startsWith('{') ? objectIn(rest) : undefined
  if (input !== undefined) return { name, input }
  const words = [...rest.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)]
  return { name, args: words.map(([, double, single, bare]) => double ?? single ?? bare ?? '') }
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    // Then it is a word that begins with a brace.
    return undefined
  }
}

/** The words of the skill go through a tool, so that they count as those of a stranger. */
async function show(skills: Skills, name: string, page: number, isOwner: boolean): Promise<CommandStep> {
  const review = Number.isSafeInteger(page) && page > 0 ? page : 1
  const found = await skills.review(name)
  if (found.ok && isOwner && review === found.value.pages.length) await skills.noteSeen(name, found.value.hash)
  return { kind: 'call', tool: 'skill.read', arguments: { name, review } }
}

async function revoke(skills: Skills, name: string): Promise<CommandStep> {
  const text = (await skills.revoke(name)) ? `The skill '${name}' is no longer used.` : '❌ It was not approved.'
  return { kind: 'say', text }
}
