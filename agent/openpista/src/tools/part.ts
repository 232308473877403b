/** A part of a text, with a mark that says where to go on when more follows. */
export function partOf(text: string, { offset, limit }: { offset: number; limit: number }): string {
  const end = offset + limit
  const marker =
    end < text.length ? `\n[cut: characters ${offset} to ${end} of ${text.length}; go on with offset ${end}]` : ''
  return `${text.slice(offset, end).toWellFormed()}${marker}`
}
