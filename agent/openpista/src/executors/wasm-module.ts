/** Why a module is refused before it is compiled, in words, or `undefined`. The limits of V8 are per memory and table. */
export function moduleFault(bytes: Uint8Array): string | undefined {
  if (bytes.length < 8 || !MAGIC.every((byte, index) => bytes[index] === byte)) return 'it is no WebAssembly module'
  let at = 8
  while (at < bytes.length) {
    const id = bytes[at]!
    const size = readCount(bytes, at + 1)
    if (size === undefined || size.next + size.value > bytes.length) return 'it is cut off'
    const most = MOST[id]
    if (most !== undefined) {
      const count = readCount(bytes, size.next)
      if (count === undefined || count.value > most.count) return `it has more than ${most.count} ${most.name}`
    }
    at = size.next + size.value
  }
  return undefined
}

const MAGIC = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]

/** By number of the section. */
const MOST: Readonly<Record<number, { count: number; name: string }>> = {
  4: { count: 8, name: 'tables' },
  5: { count: 1, name: 'memory' },
}

/** An unsigned LEB128 number of at most 32 bits. */
function readCount(bytes: Uint8Array, from: number): { value: number; next: number } | undefined {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = bytes[from + index]
    if (byte === undefined) return undefined
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return { value, next: from + index + 1 }
  }
  return undefined
}
