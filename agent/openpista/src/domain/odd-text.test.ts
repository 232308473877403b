import { expect, test } from 'vitest'
import { oddText } from './odd-text.ts'

test.each([
  ['ls -la', undefined],
  ['echo "Grüße, мир, 你好"\n\tdate', undefined],
  ['ls\u202e', 'There are characters that cannot be seen, marks that turn text around in it.'],
  ['ls\u200b', 'There are characters that cannot be seen in it.'],
  ['p\u0430ypal', 'There are words with letters of several alphabets, which may look like others in it.'],
  [`ls${' '.repeat(50)}; rm x`, 'There are large gaps in it.'],
  [`ls${'\n'.repeat(50)}rm x`, 'There are large gaps in it.'],
])('%j: %s', (text, words) => {
  expect(oddText(text)).toBe(words)
})
