/** Above this many pairs of lines the changed part is shown as a whole. */
const MAX_PAIRS = 1_000_000

/** The lines of `after`, marked with `+` where they are new, and those of `before` that are gone with `-`. */
export function diffLines(before: readonly string[], after: readonly string[]): string[] {
  let start = 0
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1
  let tail = 0
  const most = Math.min(before.length, after.length) - start
  while (tail < most && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  const old = before.slice(start, before.length - tail)
  const fresh = after.slice(start, after.length - tail)
  const middle = old.length * fresh.length > MAX_PAIRS ? replaced(old, fresh) : aligned(old, fresh)
  return [...same(after.slice(0, start)), ...middle, ...same(after.slice(after.length - tail))]
}

function same(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`)
}

function replaced(old: readonly string[], fresh: readonly string[]): string[] {
  return [...old.map((line) => `- ${line}`), ...fresh.map((line) => `+ ${line}`)]
}

/** Keeps the longest common sequence of lines. */
function aligned(old: readonly string[], fresh: readonly string[]): string[] {
  const width = fresh.length + 1
  const longest = new Uint32Array((old.length + 1) * width)
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      const [down, right] = [longest[(i + 1) * width + j]!, longest[i * width + j + 1]!]
      longest[i * width + j] = old[i] === fresh[j] ? longest[(i + 1) * width + j + 1]! + 1 : Math.max(down, right)
    }
  }
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) {
      lines.push(`  ${fresh[j]}`)
      i += 1
      j += 1
    } else if (j === fresh.length || (i < old.length && longest[(i + 1) * width + j]! >= longest[i * width + j + 1]!)) {
      lines.push(`- ${old[i]}`)
      i += 1
    } else {
      lines.push(`+ ${fresh[j]}`)
      j += 1
    }
  }
  return lines
}
