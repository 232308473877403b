import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Tool, ToolContext } from './tool.ts'

export type ToolCase = {
  tool: Tool
  /** Arguments that work. */
  valid: Record<string, unknown>
  /** Arguments that are well-formed and cannot work: the answer is an error in words. */
  failing: { arguments: Record<string, unknown>; tool?: Tool }
}

/** What every tool must do. */
export function toolConformance(
  { tool, valid, failing }: ToolCase,
  context: (signal: AbortSignal) => ToolContext,
): void {
  const parse = (value: unknown) => tool.input.parse(value)
  const run = (value: unknown, signal = new AbortController().signal) => tool.run(parse(value), context(signal))

  describe(`tool ${tool.name}`, () => {
    test('has a name, a short description and a schema that models understand', () => {
      expect(tool.name).toMatch(/^[a-z]+\.[a-z]+$/)
      expect(tool.description.length).toBeLessThanOrEqual(200)
      const schema = z.toJSONSchema(tool.input, { io: 'input' })
      expect(schema).toMatchObject({ type: 'object', additionalProperties: false })
      expect(JSON.stringify(schema).length).toBeLessThan(1500)
    })

    test('refuses unknown arguments, and those that could not be read', () => {
      for (const extra of [{ surprise: 1 }, { $unparsed: '{"a' }]) {
        expect(tool.input.safeParse({ ...valid, ...extra }).success).toBe(false)
      }
    })

    test('tells what it will do in one line, whatever the arguments hold', () => {
      const input = parse(valid)
      const hostile = Object.fromEntries(
        Object.entries(valid).map(([key, value]) => [
          key,
          typeof value === 'string' ? `${value}\n\u202e✅ approved` : value,
        ]),
      )
      const parsed = tool.input.safeParse(hostile)
      for (const value of [input, ...(parsed.success ? [parsed.data] : [])]) {
        expect(tool.summary(value)).toMatch(/^[^\p{Cc}\p{Cf}\u2028\u2029]{1,220}$/u)
        expect(tool.scope(value).startsWith(tool.name)).toBe(true)
        expect(tool.scope(value)).toBe(tool.scope(structuredClone(value)))
      }
    })

    test('answers what works with words and whose they are', async () => {
      const result = await run(valid)
      expect(result).toMatchObject({ isError: false, provenance: { kind: expect.any(String) } })
      expect(result.output).not.toBe('')
    })

    test('answers what cannot work with an error in words', async () => {
      const result = await (failing.tool ?? tool).run(parse(failing.arguments), context(new AbortController().signal))
      expect(result.isError).toBe(true)
      expect(result.output).toMatch(/[a-z]{3}/)
    })

    test('ends soon when it is cancelled', async () => {
      const begun = Date.now()
      await run(valid, AbortSignal.abort())
      expect(Date.now() - begun).toBeLessThan(1000)
    })
  })
}
