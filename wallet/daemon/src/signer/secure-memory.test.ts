import { expect, test } from 'vitest'
import { secureMemory, wipe } from './secure-memory.ts'

const isZero = (bytes: Uint8Array) => bytes.every((byte) => byte === 0)

test('a scratch is zero before and after, also when the work fails', () => {
  const memory = secureMemory(32)
  memory.scratch((bytes) => bytes.fill(7))
  expect(memory.use(isZero)).toBe(true)
  const failing = () =>
    memory.scratch((bytes) => {
      bytes.fill(7)
      throw new Error('stop')
    })
  expect(failing).toThrow('stop')
  expect(memory.use(isZero)).toBe(true)
  memory.free()
})

test('memory that was given back is not used again', () => {
  const memory = secureMemory(32)
  memory.free()
  memory.free()
  expect(() => memory.use(() => {})).toThrow('given back')
})

test('a wiped buffer is zero', () => {
  const bytes = Buffer.from('a secret')
  wipe(bytes)
  expect(isZero(bytes)).toBe(true)
})
