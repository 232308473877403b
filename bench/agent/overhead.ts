import { latencies } from '../load.ts'
import { percentile } from '../measure.ts'

export type OverheadParts = {
  /** One turn, as its user waits for it. */
  turn: () => Promise<void>
  /** Asks the model for the same without the agent. */
  direct: () => Promise<void>
  /** How often a turn asks the model. */
  asksPerTurn: number
}

/** Milliseconds: whole turns, what of each is not the model's, and the model alone. */
export type Overhead = { turns: number[]; over: number[]; direct: number[] }

/**
 * What turns take beyond the model's own time. The conversation grows and a machine has its moods, so the model is
 * asked directly after every few turns; its median there is taken off these turns.
 */
export async function measureOverhead(
  { turn, direct, asksPerTurn }: OverheadParts,
  { batches, turnsPerBatch, asksPerBatch }: { batches: number; turnsPerBatch: number; asksPerBatch: number },
): Promise<Overhead> {
  const result: Overhead = { turns: [], over: [], direct: [] }
  for (let batch = 0; batch < batches; batch++) {
    const turns = await latencies(turnsPerBatch, 1, turn)
    const asked = await latencies(asksPerBatch, 1, direct)
    result.turns.push(...turns)
    result.over.push(...beyondModel(turns, asked, asksPerTurn))
    result.direct.push(...asked)
  }
  return result
}

/** What is left of each turn when the model's own time is taken off, which is the median of its answers. */
export function beyondModel(turns: readonly number[], asked: readonly number[], asksPerTurn: number): number[] {
  const own = percentile(asked, 0.5) * asksPerTurn
  return turns.map((millis) => millis - own)
}
