/** Whether a process with this number runs. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Of another user, so alive; anything else is none.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
