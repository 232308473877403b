import { expect, test } from 'vitest'
import { newestImages } from './images.ts'
import type { ImagePart, Message } from './message.ts'

const owner = { kind: 'owner', channel: 'web' } as const
const page = { kind: 'web', url: 'https://ducks.example/' } as const
const image = (base64: string): ImagePart => ({ type: 'image', mime: 'image/png', base64, provenance: page })
const asks = (id: string): Message => ({
  ...{ role: 'assistant', text: '', thinking: [] },
  calls: [{ id, name: 'look', arguments: {} }],
})
const looked = (id: string, ...images: string[]): Message => ({
  ...{ role: 'tool', callId: id, name: 'look', output: `look ${id}`, isError: false, provenance: page },
  images: images.map(image),
})
const sent = (...images: string[]): Message => ({
  role: 'user',
  parts: [{ type: 'text', text: 'See!', provenance: owner }, ...images.map(image)],
})

const shown = (messages: readonly Message[]) =>
  JSON.stringify(messages)
    .match(/"base64":"\w+"/g)
    ?.map((text) => text.slice(10, -1)) ?? []

test('only the newest images stay, and a line stands for each older one', () => {
  const messages = [
    sent('a', 'b'),
    asks('1'),
    looked('1', 'c', 'd'),
    asks('2'),
    looked('2', 'e'),
    asks('3'),
    looked('3', 'f'),
  ]
  const kept = newestImages(messages)
  expect(shown(kept)).toEqual(['e', 'f'])
  expect(JSON.stringify(kept).match(/older image is left out/g)).toHaveLength(4)
  expect(kept[2]).toMatchObject({ output: expect.stringMatching(/^look 1\n\[An older/), images: [], provenance: page })
  expect(kept[0]).toMatchObject({ parts: [{ text: 'See!' }, { type: 'text', provenance: page }, { type: 'text' }] })
  expect(shown(messages)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
})

test('what the model has not seen yet stays whatever its number', () => {
  const messages = [sent('a'), asks('1'), looked('1', 'b'), looked('2', 'c'), looked('3', 'd', 'e')]
  expect(shown(newestImages(messages))).toEqual(['b', 'c', 'd', 'e'])
})

test('a conversation with few images, or none, is the same one', () => {
  const few = [sent('a', 'b', 'c'), asks('1'), looked('1', 'd')]
  expect(newestImages(few)).toBe(few)
  expect(newestImages([])).toEqual([])
})
