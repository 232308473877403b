/** Text from outside, made short and printable. */
export function clip(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}
