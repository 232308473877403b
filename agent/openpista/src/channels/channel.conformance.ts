import { describe, expect, test } from 'vitest'

/** How a test reaches one channel from its platform's side. */
export type ChannelHarness = {
  /** The platform brings a message of the owner; resolves once the channel acknowledged it. */
  receive: (id: string, text: string) => Promise<unknown>
  /** The text of the next answer that a person on the platform sees. */
  seen: () => Promise<string>
  /** The owner answers the next card there. */
  answerCard: (decision: 'approve' | 'reject') => Promise<void>
  close: () => Promise<void>
}

/**
 * What every channel must do. The agent behind it echoes a message; for `note <word>` it calls a tool that asks first,
 * and says what came of it.
 */
export function describeChannel(name: string, connect: () => Promise<ChannelHarness>): void {
  describe(`channel ${name}`, () => {
    const using = (work: (harness: ChannelHarness) => Promise<void>) => async () => {
      const harness = await connect()
      try {
        await work(harness)
      } finally {
        await harness.close()
      }
    }

    test(
      'brings a message in and the answer back',
      using(async ({ receive, seen }) => {
        await receive('1', 'hello')
        expect(await seen()).toBe('hello')
      }),
    )

    test(
      'answers a redelivered message once',
      using(async ({ receive, seen }) => {
        await receive('1', 'once')
        await receive('1', 'once')
        await receive('2', 'after')
        expect([await seen(), await seen()]).toEqual(['once', 'after'])
      }),
    )

    test(
      'keeps the order of a conversation',
      using(async ({ receive, seen }) => {
        for (const id of ['1', '2', '3']) await receive(id, `message ${id}`)
        expect([await seen(), await seen(), await seen()]).toEqual(['message 1', 'message 2', 'message 3'])
      }),
    )

    test.each([
      ['approve', 'noted milk'],
      ['reject', 'Tool call rejected by user'],
    ] as const)(
      'lets the owner %s a tool call',
      async (decision, outcome) =>
        await using(async ({ receive, seen, answerCard }) => {
          await receive('1', 'note milk')
          await answerCard(decision)
          expect(await seen()).toBe(outcome)
        })(),
    )

    test(
      'carries long and foreign text whole',
      using(async ({ receive, seen }) => {
        const text = `Ünïcödé 🦊 ${'x'.repeat(20_000)} end`
        await receive('1', text)
        expect(await seen()).toBe(text)
      }),
    )
  })
}
