import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemPrompt } from './prompt.ts'
import { createTools } from './tools/index.ts'
import { systemLookup } from './tools/pinned-fetch.ts'
import { toolSpec } from './tools/tool-spec.ts'
import type { Payments } from './wallet/payments.ts'
import type { Wallet } from './wallet/wallet.ts'

test('prompt and built-in tools together stay below 8 KB', () => {
  const workspace = mkdtempSync(join(tmpdir(), 'openpista-prompt-'))
  try {
    const roots = { workspace, writable: [], readable: [], secret: [] }
    const web = { allowedHosts: [], resolve: systemLookup }
    const tools = createTools({ roots, web, wallet: { wallet: {} as Wallet, payments: {} as Payments } })
    const prompt = systemPrompt({ workspace, executor: 'bubblewrap', channel: 'web', skills: '' })
    expect(Buffer.byteLength(prompt) + Buffer.byteLength(JSON.stringify(tools.map(toolSpec)))).toBeLessThan(8_192)
  } finally {
    rmSync(workspace, { recursive: true })
  }
})
