/** Cuts a byte stream into lines; empty ones are left out. */
export type LineReader = {
  /** The lines that are complete with this chunk. */
  push: (chunk: Buffer) => string[]
  /** Bytes of a line that has no end yet. */
  waiting: () => number
}

export function createLineReader(): LineReader {
  let chunks: Buffer[] = []
  let waiting = 0
  return {
    push: (chunk) => {
      const lines: string[] = []
      let start = 0
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        lines.push(Buffer.concat([...chunks, chunk.subarray(start, end)]).toString())
        chunks = []
        waiting = 0
        start = end + 1
      }
      if (start < chunk.length) {
        chunks.push(chunk.subarray(start))
        waiting += chunk.length - start
      }
      return lines.filter((line) => line.trim() !== '')
    },
    waiting: () => waiting,
  }
}
