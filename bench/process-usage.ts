import { readdirSync, readFileSync } from 'node:fs'

/** From the kernel: pages in memory, and the same with those that processes share divided among them. In MiB. */
export function memoryOf(pid: number): { rss: number; pss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  const mebibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)![1]) / 1024
  return { rss: mebibytes('Rss'), pss: mebibytes('Pss') }
}

/** From the kernel: milliseconds of processor time that the threads of a process which live now have used. */
export function processorMillisOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
  return nanoseconds.reduce((total, text) => total + Number(text.split(' ')[0]), 0) / 1e6
}
