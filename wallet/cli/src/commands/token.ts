import type { BodyOf, QueryOf } from '@waiaas/sdk'
import { asOperator } from '../as-operator.ts'

export async function listTokens(dataDir: string, options: { network?: string }): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const tokens = await admin.listTokens(options)
    if (tokens.length === 0) console.log('No tokens are listed. List one with: waiaas token add <network> <address>')
    for (const { network, address, symbol, decimals } of tokens) {
      console.log(`${network}  ${address}  ${symbol}  ${decimals} decimals`)
    }
  })
}

export async function addToken(dataDir: string, network: string, address: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    const token = await admin.addToken({ network, address } as BodyOf<'addToken'>)
    console.log(`Listed ${token.symbol} (${token.address}) on ${token.network}, ${token.decimals} decimals.`)
    console.log('Wallets show it now. To let an agent pay with it: waiaas policy add ALLOWED_TOKENS --rules …')
  })
}

export async function removeToken(dataDir: string, network: string, address: string): Promise<void> {
  await asOperator(dataDir, async (admin) => {
    await admin.removeToken({ network, address } as QueryOf<'removeToken'>)
    console.log(`${address} is no longer listed on ${network}.`)
  })
}
