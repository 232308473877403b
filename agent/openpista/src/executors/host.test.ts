import { executorConformance } from './executor.conformance.ts'
import { createHostExecutor } from './host.ts'

executorConformance('host', (_roots, env) => createHostExecutor(env))
