import { randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The curve of EVM keys, in memory of its own that holds nothing of a key between two calls. */
export type Secp256k1 = {
  /** ECDSA with the nonce of RFC 6979 and low s: r, s and the recovery bit, 65 bytes. */
  sign: (secret: Uint8Array, hash: Uint8Array) => Uint8Array
  /** The compressed public key, 33 bytes; `undefined` for what is no secret key. */
  publicKey: (secret: Uint8Array) => Uint8Array | undefined
}

/** What is used of the module: inputs and results lie at these places of its memory. */
type Exports = {
  memory: WebAssembly.Memory
  initializeContext: () => void
  pointFromScalar: (length: number) => number
  signRecoverable: (withExtraData: number) => number
  PRIVATE_INPUT: WebAssembly.Place
  HASH_INPUT: WebAssembly.Place
  PUBLIC_KEY_INPUT: WebAssembly.Place
  SIGNATURE_INPUT: WebAssembly.Place
}

/** Order of the curve's group, big-endian: secret keys are above zero and below it. */
const ORDER = Buffer.from('fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141', 'hex')

/**
 * Loads libsecp256k1, compiled to WebAssembly. Its whole memory is put back after every call to what it was before
 * the first key came in: no stack and no intermediate number stays behind.
 */
export function loadSecp256k1(): Secp256k1 {
  const wasm = instantiate()
  wasm.initializeContext()
  const { PRIVATE_INPUT, HASH_INPUT, PUBLIC_KEY_INPUT, SIGNATURE_INPUT } = wasm
  const clean = new Uint8Array(wasm.memory.buffer).slice()
  const withSecret = <Result>(secret: Uint8Array, work: (memory: Uint8Array) => Result): Result => {
    new Uint8Array(wasm.memory.buffer).set(secret, PRIVATE_INPUT.value)
    try {
      return work(new Uint8Array(wasm.memory.buffer))
    } finally {
      const memory = new Uint8Array(wasm.memory.buffer)
      memory.set(clean)
      memory.fill(0, clean.length)
    }
  }
  return {
    sign: (secret, hash) => {
      if (!isSecret(secret) || hash.length !== 32) throw new TypeError('not a secret key and a hash of 32 bytes')
      return withSecret(secret, (memory) => {
        memory.set(hash, HASH_INPUT.value)
        const recovery = wasm.signRecoverable(0)
        const signature = new Uint8Array(65)
        signature.set(memory.subarray(SIGNATURE_INPUT.value, SIGNATURE_INPUT.value + 64))
        signature[64] = recovery
        return signature
      })
    },
    publicKey: (secret) => {
      if (!isSecret(secret)) return undefined
      return withSecret(secret, (memory) => {
        if (wasm.pointFromScalar(33) !== 1) return undefined
        return memory.slice(PUBLIC_KEY_INPUT.value, PUBLIC_KEY_INPUT.value + 33)
      })
    },
  }
}

function isSecret(secret: Uint8Array): boolean {
  return secret.length === 32 && Buffer.compare(secret, ORDER) < 0 && secret.some((byte) => byte !== 0)
}

function instantiate(): Exports {
  const file = new URL('secp256k1.wasm', import.meta.resolve('tiny-secp256k1'))
  const imports = {
    './rand.js': { generateInt32: () => randomInt(-(2 ** 31), 2 ** 31) },
    './validate_error.js': {
      throwError: (code: number) => {
        throw new Error(`secp256k1 refused its input (${code})`)
      },
    },
  }
  return new WebAssembly.Instance(new WebAssembly.Module(readFileSync(file)), imports).exports as Exports
}
