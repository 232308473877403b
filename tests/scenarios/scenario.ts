import { test } from 'vitest'
import { type FaultNumber, faults } from './fault-index.ts'
import { type ScenarioId, scenarios } from './scenario-index.ts'

/** The test of one scenario, under its id. */
export function scenario(id: ScenarioId, attack: () => Promise<void>): void {
  test(`${id}: ${scenarios[id]}`, attack, 60_000)
}

/** The test that a fault is not here, under its number. */
export function fault(number: FaultNumber, attack: () => Promise<void>): void {
  test(`FAULT-${String(number).padStart(2, '0')}: ${faults[number].fault}`, attack, 60_000)
}
