import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clean, cut, graphemes, graphemeWidth, widthOf, wrap } from './text.ts'

test.each([
  ['plain', 5],
  ['한국어', 6],
  ['한국어'.normalize('NFD'), 6],
  ['日本', 4],
  ['カナ', 4],
  ['ｶﾅ', 2],
  ['é', 1],
  ['e\u0301', 1],
  ['👍🏽', 2],
  ['👩‍👩‍👧‍👦', 2],
  ['🇰🇷', 2],
  ['❤️', 2],
  ['\u200b', 0],
  ['┃●…', 3],
  ['Ａ', 2],
])('%j takes %i cells', (text, cells) => {
  expect(widthOf(text)).toBe(cells)
})

test('lines break between words, and within one that is too long', () => {
  expect(wrap('one two three', 8)).toEqual(['one two', 'three'])
  expect(wrap('안녕하세요 세계', 6)).toEqual(['안녕하', '세요', '세계'])
  expect(wrap('a\n\nb', 10)).toEqual(['a', '', 'b'])
  expect(wrap('ab cdefghij', 4)).toEqual(['ab c', 'defg', 'hij'])
})

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test('no line is wider than asked for, and nothing but blanks is lost', () => {
  fc.assert(
    fc.property(anyText, fc.integer({ min: 2, max: 40 }), (raw, width) => {
      const text = clean(raw)
      const lines = wrap(text, width)
      for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width)
      expect(lines.join('').replace(/\s/g, '')).toBe(text.replace(/\s/g, ''))
      expect(widthOf(cut(text.replaceAll('\n', ' '), width))).toBeLessThanOrEqual(width)
    }),
  )
})

test("a stranger's text cannot steer the terminal", () => {
  expect(clean('a\x1b[2Jb\x07\x9bc\u202ed\r\ne\tf')).toBe('a\ufffd[2Jb\ufffd\ufffdc\ufffdd\ne    f')
  fc.assert(
    fc.property(anyText, (raw) => {
      expect(clean(raw)).not.toMatch(/[^\P{Cc}\n]|\p{Bidi_Control}|[\u2028\u2029]/u)
    }),
  )
})

test('the quick way for common letters measures as the thorough one', () => {
  const letters = fc.constantFrom(...'aZ ~가힣ㄱ漢ぁヺー。', '\u0301', '\u3099', '\u11ab')
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 12 }), (text) => {
      const thorough = Array.from(new Intl.Segmenter('en').segment(text), ({ segment }) => segment)
      expect(graphemes(text)).toEqual(thorough)
      expect(widthOf(text)).toBe(thorough.reduce((sum, grapheme) => sum + graphemeWidth(grapheme), 0))
    }),
  )
})
