import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { connectControl } from '@waiaas/devnet'
import { WAIaaSClient } from '@waiaas/sdk'
import { expect, test } from 'vitest'
import { withStack } from './with-stack.ts'

const broadcast = { 'evm-local': 'eth_sendRawTransaction', 'solana-local': 'sendTransaction' } as const

test('the daemon is killed in the middle of a send and started again: each payment is made once', async () => {
  await withStack({ agentEnv: {}, agentConfig: '' }, async (stack, folder) => {
    for (const chain of stack.chains) {
      const control = await connectControl(chain.rpcUrl)
      await control.misbehave({
        method: broadcast[chain.network],
        times: 'always',
        action: { kind: 'delay', ms: 3_000 },
      })
      const sessionToken = readFileSync(join(folder, 'wallet-token'), 'utf8').trim()
      const client = new WAIaaSClient({ baseUrl: stack.wallet.url, sessionToken, retries: 0 })
      const friends = Array.from({ length: 4 }, () => chain.newAddress())
      const request = (to: string) => ({ to, humanAmount: chain.small, network: chain.network }) as const
      const sends = friends.map((to, index) =>
        client.send(request(to), { idempotencyKey: `crash-${chain.symbol}-${index}` }),
      )
      const settled = Promise.allSettled(sends)
      await untilSigned(client)
      const { pid } = JSON.parse(readFileSync(join(folder, 'waiaas', 'run', 'daemon.json'), 'utf8')) as { pid: number }
      process.kill(pid, 'SIGKILL')
      await stack.wallet.process.ended
      await settled
      await control.behave()
      await stack.wallet.restart()

      for (const [index, to] of friends.entries()) {
        const again = await client.send(request(to), { idempotencyKey: `crash-${chain.symbol}-${index}`, wait: 60 })
        expect(again.status).toBe('CONFIRMED')
        expect(await chain.arrived(to)).toBe(chain.small)
      }
    }
    expect(await stack.wallet.admin.verifyAudit()).toMatchObject({ ok: true })
  })
}, 180_000)

/** Resolves when at least one payment is signed, and so on its way to a chain that is slow to answer. */
async function untilSigned(client: WAIaaSClient): Promise<void> {
  for (;;) {
    const { items } = await client.listTransactions({ limit: 10 })
    if (items.some(({ status }) => status === 'SIGNED')) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
