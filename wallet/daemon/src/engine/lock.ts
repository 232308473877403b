/** Whether the kill switch is on, for those who cannot wait for the database: nothing goes out from the moment it is set. */
export type Lock = { locked: () => boolean; set: (locked: boolean) => void }

export function createLock(): Lock {
  let locked = false
  return {
    locked: () => locked,
    set: (value) => {
      locked = value
    },
  }
}
