import { expect, test } from 'vitest'
import { evmPersonalities, solanaPersonalities } from './personalities.ts'
import { vocabulary } from './vocabulary.ts'

test('every entry has words without gaps, a code or none, and a source', () => {
  for (const entry of vocabulary) {
    expect(entry.message, JSON.stringify(entry)).toMatch(/\S/)
    expect(entry.message, JSON.stringify(entry)).not.toMatch(/\{\w+\}/)
    expect(entry.source, JSON.stringify(entry)).toMatch(/[/#]|reports? of|public/)
  }
})

test('every client says something of its own, and a gateway does not repeat the words of the client behind it', () => {
  const clients = new Set(vocabulary.map(({ client }) => client))
  const names = [...Object.values(evmPersonalities), ...Object.values(solanaPersonalities)].map(({ name }) => name)
  const silent = names.filter((name) => !clients.has(name))
  // One only leaves out history, the other only refuses batches without a word.
  expect(silent).toEqual(['mevBlocker', 'agaveWithoutHistory'])
  const known = vocabulary.filter(({ situation }) => situation === 'alreadyKnown')
  expect(known.map(({ client }) => client)).toEqual(expect.arrayContaining(['geth', 'erigon', 'besu', 'reth']))
  expect(known.filter(({ client }) => client === 'alchemy')).toEqual([])
})

test('names are the keys of the lists', () => {
  for (const [key, { name }] of Object.entries({ ...evmPersonalities, ...solanaPersonalities })) expect(name).toBe(key)
})
