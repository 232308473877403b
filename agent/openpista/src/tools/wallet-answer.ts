import { WAIaaSError } from '@waiaas/sdk'
import { z } from 'zod'
import { oneLine } from '../domain/one-line.ts'
import { isForeign } from '../wallet/words.ts'
import { failed } from './answer.ts'
import type { ToolResult } from './tool.ts'

export const Network = z.string().min(1).max(64).optional().meta({ description: 'Default: your own' })

/** Does something with the wallet; its refusals and a wallet that is away are results. */
export async function withWallet(tool: string, work: () => Promise<ToolResult>): Promise<ToolResult> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof WAIaaSError)) throw error
    const words = `${error.code}: ${oneLine(error.message)}${error.hint === undefined ? '' : ` ${error.hint}`}`
    return isForeign(error) ? failed(words, { kind: 'tool', tool }) : failed(words)
  }
}
