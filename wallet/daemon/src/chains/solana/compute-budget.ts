import type { ComputeBudget } from './message.ts'
import { builtinPrograms, COMPUTE_BUDGET_PROGRAM } from './programs.ts'
import type { ReadMessage } from './read-message.ts'

/** First byte of the ComputeBudget program's instructions. */
export const BudgetInstruction = { HeapFrame: 1, UnitLimit: 2, UnitPrice: 3, LoadedAccounts: 4 } as const

const UNITS_PER_INSTRUCTION = 200_000
const UNITS_PER_BUILTIN = 3_000
const MAX_UNITS = 1_400_000
const heap = { min: 32 * 1_024, max: 256 * 1_024 }

/**
 * The compute budget that a message asks for, as a validator reads it, or why none takes it.
 *
 * An instruction is read from its beginning and may have bytes behind; one kind twice, a short one and the
 * retired RequestUnits (0) are refused. anza-xyz/agave, compute-budget-instruction,
 * compute_budget_instruction_details.rs (`try_from_slice_unchecked` of borsh). Version 1 has its budget in the
 * message, and such instructions do nothing there (runtime-transaction/src/transaction_config_source.rs).
 */
export function budgetOf(
  message: Pick<ReadMessage, 'instructions' | 'config'>,
): { ok: true; budget: ComputeBudget } | { ok: false; why: string } {
  const { config, instructions } = message
  if (config !== undefined) return { ok: true, budget: { units: Math.min(config.units, MAX_UNITS), unitPrice: 0n } }
  const asked = new Map<number, bigint>()
  for (const { program, data } of instructions) {
    if (program !== COMPUTE_BUDGET_PROGRAM) continue
    const read = readBudget(data)
    if (read === undefined)
      return { ok: false, why: 'an instruction of the ComputeBudget program that no validator takes' }
    if (asked.has(read.kind)) return { ok: false, why: 'two instructions that set the same part of the compute budget' }
    asked.set(read.kind, read.value)
  }
  const units = Number(asked.get(BudgetInstruction.UnitLimit) ?? defaultUnits(instructions))
  const unitPrice = asked.get(BudgetInstruction.UnitPrice) ?? 0n
  return { ok: true, budget: { units: Math.min(units, MAX_UNITS), unitPrice } }
}

function readBudget(data: Buffer): { kind: number; value: bigint } | undefined {
  const kind = data[0]
  if (kind === BudgetInstruction.UnitPrice) {
    return data.length < 9 ? undefined : { kind, value: data.readBigUInt64LE(1) }
  }
  if (kind === undefined || kind < BudgetInstruction.HeapFrame || kind > BudgetInstruction.LoadedAccounts)
    return undefined
  if (data.length < 5) return undefined
  const value = data.readUInt32LE(1)
  if (kind === BudgetInstruction.LoadedAccounts && value === 0) return undefined
  const isHeap = kind === BudgetInstruction.HeapFrame
  if (isHeap && (value % 1_024 !== 0 || value < heap.min || value > heap.max)) return undefined
  return { kind, value: BigInt(value) }
}

/** Where a message sets no limit: little for programs that are part of the validator, much for others. */
function defaultUnits(instructions: ReadMessage['instructions']): number {
  return instructions.reduce(
    (sum, { program }) => sum + (builtinPrograms.has(program) ? UNITS_PER_BUILTIN : UNITS_PER_INSTRUCTION),
    0,
  )
}
