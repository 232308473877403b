import { parseArgs } from 'node:util'
import { runSeed, type SeedResult } from './driver.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '300' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
    trace: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
})
const only = values.only as 'evm' | 'solana' | undefined
const from = Number(values.from)
const began = performance.now()
const cpu = process.cpuUsage()
let simulated = 0
let failed = 0
const acts = new Map<string, number>()
const struck = new Map<string, number>()
for (let seed = from; seed < from + Number(values.seeds); seed += 1) {
  const result = await runSeed(seed, { ...(only && { only }), ...(values.trace && { onTrace: console.log }) })
  simulated += result.simulatedMillis
  for (const [name, count] of result.acts) acts.set(name, (acts.get(name) ?? 0) + count)
  for (const [name, count] of result.struck) struck.set(name, (struck.get(name) ?? 0) + count)
  if (result.failure === undefined) continue
  failed += 1
  tell(result)
  if (!values.keep) break
}
function tell({ seed, failure }: SeedResult) {
  console.log(`seed ${seed}: ${failure!.rule}: ${failure!.message}`)
}
const { user, system } = process.cpuUsage(cpu)
console.log(
  `${failed} failed; ${Math.round(performance.now() - began)} ms, cpu ${Math.round((user + system) / 1000)} ms, simulated ${Math.round(simulated / 3600_000)} h`,
)
if (values.keep) console.log(Object.fromEntries(acts))
