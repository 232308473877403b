import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Inline, parseMarkdown, safeHref } from './markdown.ts'

const inlines = (text: string): Inline[] => {
  const [block] = parseMarkdown(text)
  if (block?.kind !== 'paragraph') throw new Error(`not a paragraph: ${JSON.stringify(block)}`)
  return block.children
}

test('blocks: headings, paragraphs, fences, lists, quotes, tables, rules', () => {
  const text = [
    '# Title',
    'One',
    'paragraph.',
    '',
    '```ts',
    'const a = `b`',
    '```',
    '- a',
    '- b',
    '  1. inner',
    '',
    '> said',
    '',
    '| a | b |',
    '|---|---|',
    '| 1 | 2 |',
    '',
    '---',
  ].join('\n')
  const blocks = parseMarkdown(text)
  expect(blocks.map(({ kind }) => kind)).toEqual(['heading', 'paragraph', 'code', 'list', 'quote', 'table', 'rule'])
  expect(blocks[2]).toEqual({ kind: 'code', language: 'ts', text: 'const a = `b`' })
  expect(blocks[3]).toMatchObject({
    items: [[{ kind: 'paragraph' }], [{ kind: 'paragraph' }, { kind: 'list', start: 1 }]],
  })
})

test('inlines: code, strong, emphasis, links, bare addresses', () => {
  expect(inlines('a `b` **c** *d* [e](https://f.example) https://g.example/h.').map(({ kind }) => kind)).toEqual([
    'text',
    'code',
    'text',
    'strong',
    'text',
    'emphasis',
    'text',
    'link',
    'text',
    'link',
    'text',
  ])
  expect(inlines('snake_case_name and 2 * 3 * 4')).toEqual([{ kind: 'text', text: 'snake_case_name and 2 * 3 * 4' }])
})

test('an answer that is still being written is shown as far as it goes', () => {
  expect(parseMarkdown('```sh\nls -l')).toEqual([{ kind: 'code', language: 'sh', text: 'ls -l' }])
  expect(inlines('half **bold')).toEqual([{ kind: 'text', text: 'half **bold' }])
})

test.each(['javascript:alert(1)', 'data:text/html,x', 'vbscript:x', 'file:///etc/passwd', ' java\nscript:x', '//x'])(
  'never makes a link of %j',
  (address) => {
    expect(safeHref(address)).toBeUndefined()
    expect(JSON.stringify(parseMarkdown(`[a](${address}) <${address}>`))).not.toContain('"link"')
  },
)

test('HTML and images stay text', () => {
  const text = '<img src=x onerror=alert(1)> ![a](https://tracker.example/p.png)'
  expect(inlines(text).filter(({ kind }) => kind === 'text')[0]).toMatchObject({
    text: expect.stringContaining('<img'),
  })
})

test('no text is lost, none is invented, and every text parses in a moment', () => {
  const alphabet = fc.constantFrom(
    '`',
    '*',
    '_',
    '[',
    ']',
    '(',
    ')',
    '|',
    '>',
    '-',
    '#',
    '1',
    '.',
    ' ',
    '\n',
    'a',
    'https://b.example',
  )
  fc.assert(
    fc.property(fc.array(alphabet, { maxLength: 60 }), (pieces) => {
      const text = pieces.join('')
      const letters = (value: string) => value.replace(/[^ab]/g, '').length
      const shown = letters(textOf(parseMarkdown(text)))
      expect(shown).toBeLessThanOrEqual(letters(text))
      // Addresses behind links, languages of code and borders of tables are not shown; all other text is.
      if (!/[`[|]/.test(text)) expect(shown).toBe(letters(text))
    }),
    { numRuns: 500 },
  )
})

test('hostile repetition does not hang the page', () => {
  const started = performance.now()
  for (const piece of ['**a', '[a](', '`', '*a_', '> ', '- ', '|-', 'http://']) parseMarkdown(piece.repeat(5_000))
  expect(performance.now() - started).toBeLessThan(30_000)
})

/** Everything that a reader would see. */
function textOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(textOf).join('')
  if (typeof value !== 'object' || value === null) return ''
  const { text, ...rest } = value as { text?: string }
  return (text ?? '') + Object.values(rest).map(textOf).join('')
}
