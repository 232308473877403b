/** Error numbers of WASI preview 1. */
export const ERRNO = {
  SUCCESS: 0,
  ACCES: 2,
  BADF: 8,
  FAULT: 21,
  INVAL: 28,
  IO: 29,
  ISDIR: 31,
  LOOP: 32,
  MFILE: 33,
  NAMETOOLONG: 37,
  NOENT: 44,
  NOSYS: 52,
  NOTDIR: 54,
  NOTSUP: 58,
  ROFS: 69,
  SPIPE: 70,
  NOTCAPABLE: 76,
} as const

/** Answered to the module as an error number. */
export class WasiFault extends Error {
  readonly errno: number
  constructor(name: keyof typeof ERRNO) {
    super(name)
    this.errno = ERRNO[name]
  }
}

/** The error number of what went wrong in a call; what is not the module's doing is thrown on. */
export function errnoOf(error: unknown): number {
  if (error instanceof WasiFault) return error.errno
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return ERRNO.INVAL
  if (code === 'ERR_ACCESS_DENIED') return ERRNO.NOTCAPABLE
  // A DataView was asked for what lies outside the memory.
  if (error instanceof RangeError) return ERRNO.FAULT
  if (code === undefined || !/^E[A-Z0-9]+$/.test(code)) throw error
  const name = code.slice(1)
  return name in ERRNO ? ERRNO[name as keyof typeof ERRNO] : ERRNO.IO
}
