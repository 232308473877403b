/** What a person cannot see in a text, or may take for something else, in words; `undefined` for a plain one. */
export function oddText(text: string): string | undefined {
  const found = [
    ...(/[^\P{Cc}\n\t]|[\p{Cf}\u2028\u2029\u3164\uffa0\u115f\u1160]/u.test(text)
      ? ['characters that cannot be seen']
      : []),
    ...(/\p{Bidi_Control}/u.test(text) ? ['marks that turn text around'] : []),
    ...(hasMixedWord(text) ? ['words with letters of several alphabets, which may look like others'] : []),
    ...(/[^\S\n]{40}|\n{10}/.test(text) ? ['large gaps'] : []),
  ]
  return found.length === 0 ? undefined : `There are ${found.join(', ')} in it.`
}

/** Letters of these alphabets look like one another. */
const ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u]

function hasMixedWord(text: string): boolean {
  const words = text.match(/[\p{L}\p{M}]+/gu) ?? []
  return words.some((word) => ALPHABETS.filter((alphabet) => alphabet.test(word)).length > 1)
}
