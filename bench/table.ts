import { type Row, reachesTarget } from './bench.ts'

const HEADINGS = ['what', 'value', 'unit', 'target', 'of target', 'beside', 'ratio']

/** The rows as a table for a terminal, figures to the right. */
export function formatTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)))
  const isFigure = (column: number) => [1, 3, 4, 6].includes(column)
  return lines
    .map((line) =>
      line
        .map((cell, column) => (isFigure(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function cells(row: Row): string[] {
  const { what, unit, value, target, beside } = row
  return [
    what,
    figure(value),
    unit,
    target === undefined ? '' : 'atLeast' in target ? `>= ${figure(target.atLeast)}` : `<= ${figure(target.atMost)}`,
    target === undefined ? '' : `${ratio(value, targetValue(target))} ${reachesTarget(row) ? 'ok' : 'SHORT'}`,
    beside === undefined ? '' : `${beside.what}: ${figure(beside.value)}`,
    beside === undefined ? '' : ratio(value, beside.value),
  ]
}

function targetValue(target: NonNullable<Row['target']>): number {
  return 'atLeast' in target ? target.atLeast : target.atMost
}

function ratio(value: number, other: number): string {
  return other === 0 ? '-' : `${(value / other).toPrecision(2)}x`
}

function figure(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}
