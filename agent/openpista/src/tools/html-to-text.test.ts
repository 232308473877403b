import fc from 'fast-check'
import { expect, test } from 'vitest'
import { htmlToText } from './html-to-text.ts'

const text = (html: string) => htmlToText(html, 'https://a.example/dir/').text

test.each([
  ['<p>one</p><p>two</p>', 'one\n\ntwo'],
  ['a<br>b<!-- c --><!doctype html>d', 'a\nbd'],
  ['<ul><li>x<li>y</ul>', '- x\n- y'],
  ['<style>p{}</style><SCRIPT>if (a<b) </SCRIPT >shown<noscript>hidden</noscript>', 'shown'],
  ['3 < 4 &amp; 5 &gt; 4 &#65;&#x42; &unknown; &nbsp;end', '3 < 4 & 5 > 4 AB &unknown; end'],
  [
    '<a href="../x?a=1&amp;b=2">link</a> <a href="javascript:evil()">plain</a>',
    'link (https://a.example/x?a=1&b=2) plain',
  ],
  ['<a title="1 > 0" href=y>z</a>', 'z (https://a.example/dir/y)'],
  ['<table><tr><td>1<td>2<tr><td>3</table>', '1 2\n3'],
  ['<p>open', 'open'],
  ['<script>never closed', ''],
  ['<', '<'],
  ['</>x</ >y', 'xy'],
])('%j reads as %j', (html, expected) => {
  expect(text(html)).toBe(expected)
})

test('the first title is the title', () => {
  expect(htmlToText('<title> A\n B </title>x<svg><title>C</title></svg>', 'https://a.example')).toEqual({
    title: 'A B',
    text: 'x',
  })
})

test('hostile pages take time by their length only', () => {
  for (const piece of [
    '<',
    '<a ',
    '<a href="',
    '<!--',
    '</',
    '<title>',
    '<svg>',
    '&#',
    '<a href=x>',
    '<a>x</a>',
    '<li',
    '\n \n',
  ]) {
    const begun = performance.now()
    text(piece.repeat(Math.ceil(2_000_000 / piece.length)))
    expect(performance.now() - begun).toBeLessThan(30_000)
  }
})

test('never throws, never keeps what was script', () => {
  const pieces = fc.constantFrom(
    '<',
    '>',
    '</',
    'script',
    'a',
    ' href=',
    '"',
    '&',
    '#',
    ';',
    'x',
    '<!--',
    '-->',
    '<script>SECRET</script>',
  )
  fc.assert(fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => typeof text(parts.join('')) === 'string'))
  expect(text('<script>SECRET</script>'.repeat(3))).toBe('')
})
