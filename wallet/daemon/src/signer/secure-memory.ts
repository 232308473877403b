import sodium from 'sodium-native'

/**
 * Memory for secrets: outside the JavaScript heap, between guard pages, locked into RAM where the limits of
 * the system allow, left out of core dumps, and unreadable for everybody, this process included, while no
 * `use` runs.
 */
export type SecureMemory = {
  /**
   * Opens the memory for the time of `work`. `work` is synchronous and keeps no reference: touching the
   * bytes later ends the process.
   */
  use: <Result>(work: (bytes: Buffer) => Result) => Result
  /** As `use`; the bytes are zero before and after. */
  scratch: <Result>(work: (bytes: Buffer) => Result) => Result
  /** Zeroes and gives the memory back. */
  free: () => void
}

export function secureMemory(size: number): SecureMemory {
  const bytes = sodium.sodium_malloc(size)
  sodium.sodium_memzero(bytes)
  sodium.sodium_mprotect_noaccess(bytes)
  let freed = false
  const use: SecureMemory['use'] = (work) => {
    if (freed) throw new Error('secure memory was given back')
    sodium.sodium_mprotect_readwrite(bytes)
    try {
      return work(bytes)
    } finally {
      sodium.sodium_mprotect_noaccess(bytes)
    }
  }
  return {
    use,
    scratch: (work) =>
      use((memory) => {
        try {
          return work(memory)
        } finally {
          sodium.sodium_memzero(memory)
        }
      }),
    free: () => {
      if (!freed) sodium.sodium_free(bytes)
      freed = true
    },
  }
}

/** Overwrites a buffer that held a secret. */
export function wipe(bytes: Uint8Array): void {
  sodium.sodium_memzero(bytes)
}
