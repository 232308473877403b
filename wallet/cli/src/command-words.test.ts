import { type ErrorCode, errorCodes, errorSpec } from '@waiaas/core'
import { WAIaaSError } from '@waiaas/sdk'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { inCommandWords } from './command-words.ts'
import { createProgram } from './program.ts'

function commandOf(...names: string[]): Command {
  let command = createProgram()
  for (const name of names) command = command.commands.find((child) => child.name() === name)!
  return command
}

function daemonError(code: ErrorCode, facts: { hint?: string | undefined; details?: Record<string, unknown> } = {}) {
  const hint = facts.hint ?? errorSpec(code).hint
  return new WAIaaSError({ code, message: 'Refused.', status: 400, retryable: false, ...facts, hint })
}

const issue = (path: string) => ({ in: 'body', path, message: 'is wrong' })
const invalid = (...paths: string[]) => daemonError('VALIDATION_FAILED', { details: { issues: paths.map(issue) } })

test('no hint at a command line speaks of requests', () => {
  for (const code of Object.keys(errorCodes) as ErrorCode[]) {
    const { hint } = inCommandWords(daemonError(code), commandOf('tx', 'cancel'))
    expect(hint ?? '', code).not.toMatch(
      /Idempotency|GET |POST |PUT |DELETE |\/v1\/|header|details|challenge|functionName|despite|Poll/,
    )
  }
})

test('a hint for the one case wins, unless it is about requests', () => {
  const open = daemonError('AGENT_NOT_EMPTY', { hint: 'Cancel it, or wait for its end.' })
  expect(inCommandWords(open, commandOf('agent', 'terminate')).hint).toBe('Cancel it, or wait for its end.')
  const locked = daemonError('OWNER_ALREADY_CONNECTED', { hint: 'Ask for a challenge with the action set_owner.' })
  expect(inCommandWords(locked, commandOf('agent', 'set-owner')).hint).not.toMatch(/challenge/)
})

test.each([
  ['session create', '$.ttl', '--ttl: is wrong'],
  ['session create', '$.agentId', '<agent>: is wrong'],
  ['agent create', '$.ownerAddress', '--owner: is wrong'],
  ['agent create', '$.name', '<name>: is wrong'],
  ['agent set-owner', '$.ownerAddress', '<address>: is wrong'],
  ['tx cancel', '$.maxFee', '--max-fee: is wrong'],
  ['tx prove', '$.rpcUrl', '--rpc: is wrong'],
  ['simulate', '$.request.token.address', '--token: is wrong'],
  ['simulate', '$.request.humanAmount', '--amount: is wrong'],
  ['simulate', '$.request.amount', '--base-units: is wrong'],
  ['policy add', '$.rules.allowed_tokens[0].address', '--rules, allowed_tokens[0].address: is wrong'],
  ['policy add', '$.type', '<type>: is wrong'],
  ['token add', '$.network', '<network>: is wrong'],
  ['stop', '$.more', 'more: is wrong'],
  ['stop', '$', 'is wrong'],
])('%s names %s by what carries it', (words, path, expected) => {
  expect(inCommandWords(invalid(path), commandOf(...words.split(' '))).message).toBe(expected)
})

test('every field that is wrong has its line', () => {
  expect(inCommandWords(invalid('$.network', '$.address'), commandOf('token', 'add')).message).toBe(
    '<network>: is wrong\n<address>: is wrong',
  )
})

test('the argument of the command stands in the hint, where a shell takes it as it is', () => {
  const command = commandOf('tx', 'cancel')
  command.args = ['01a22c94']
  expect(inCommandWords(daemonError('TX_ALREADY_PROCESSED'), command).hint).toBe('See: waiaas tx show 01a22c94')
  command.args = ['$(rm)']
  expect(inCommandWords(daemonError('TX_ALREADY_PROCESSED'), command).hint).toBe('See: waiaas tx show <transaction>')
})
