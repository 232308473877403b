import { createHash } from 'node:crypto'
import type { Provenance } from '../domain/provenance.ts'
import type { Pairing, PairingOutcome, Sender } from '../pairing/pairing.ts'
import { type Command, usageOf } from './command.ts'

/** `isLocal`: whether only the owner reaches a channel. */
export type PairingCommandParts = { pairing: Pairing; isLocal: (channel: string) => boolean; now: () => number }

/** `/pairing`, `/pairing approve ABCD-EFGH`: who may talk to the agent. Decided by the owner, on his machine. */
export function createPairingCommand({ pairing, isLocal, now }: PairingCommandParts): Command {
  const command: Command = {
    name: 'pairing',
    usage: [
      '/pairing',
      '/pairing approve <code> [owner]',
      '/pairing reject <channel> <user>',
      '/pairing revoke <channel> <user>',
    ],
    summary: 'list who may talk to the agent and who wants to; let them in or not',
    plan: async (args, _sessionId, sender) => {
      if (!isHere(sender, isLocal)) return { kind: 'say', text: ELSEWHERE }
      const [verb = '', first = '', second, ...rest] = args.split(/\s+/)
      if (verb === '' || (verb === 'list' && first === '')) return { kind: 'say', text: await listed(pairing, now()) }
      if (first === '' || rest.length > 0) return usageOf(command, 'Who?')
      if (verb === 'approve' && (second === undefined || second === 'owner')) {
        const outcome = await pairing.approve(first, second ?? 'person')
        return said(outcome, second === 'owner' ? 'is you from now on' : 'may talk to the agent now')
      }
      if (verb !== 'reject' && verb !== 'revoke') return usageOf(command, `This is not understood here.`)
      if (second === undefined) return usageOf(command, 'Who? /pairing tells the channel and the name.')
      const named = await find(pairing, first, second)
      return said(await pairing[verb](named), verb === 'reject' ? 'was turned down' : 'is not let in any more')
    },
  }
  return command
}

const ELSEWHERE = '❌ Only the owner decides this, on his machine: in the web chat, the terminal, or openpista pairing.'

function isHere(sender: Provenance, isLocal: PairingCommandParts['isLocal']): boolean {
  return sender.kind === 'owner' && isLocal(sender.channel)
}

async function listed(pairing: Pairing, now: number): Promise<string> {
  const { waiting, known } = await pairing.list()
  const minutes = (expiresAt: number) => Math.ceil((expiresAt - now) / 60_000)
  const lines = [
    ...waiting.map((one) => `${words(one)}  waits; the code is good for ${minutes(one.expiresAt)} minutes`),
    ...known.map((one) => `${words(one)}  ${one.role}${one.from === 'code' ? '' : ', in config.toml'}`),
  ]
  return lines.length === 0 ? 'Nobody but you may talk to the agent, and nobody waits.' : lines.join('\n')
}

function said(outcome: PairingOutcome, what: string) {
  return { kind: 'say' as const, text: outcome.ok ? `${words(outcome.sender)} ${what}.` : `❌ ${outcome.message}` }
}

const words = ({ channel, user }: Sender) => `${channel} ${userWord(user)}`

/** A user's id on the screen, and before a model: an id that anybody can choose is no place for sentences. */
function userWord(user: string): string {
  return /^[\w@.+-]{1,32}$/.test(user) ? user : `#${createHash('sha256').update(user).digest('hex').slice(0, 12)}`
}

/** Whoever is shown under this word, else the one of this very id. */
async function find(pairing: Pairing, channel: string, word: string): Promise<Sender> {
  const { waiting, known } = await pairing.list()
  const found = [...waiting, ...known].find((one) => one.channel === channel && userWord(one.user) === word)
  return { channel, user: found?.user ?? word }
}
