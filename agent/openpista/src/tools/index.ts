import type { Roots } from '../executors/roots.ts'
import type { Payments } from '../wallet/payments.ts'
import type { Wallet } from '../wallet/wallet.ts'
import { createFsEdit } from './fs-edit.ts'
import { createFsList } from './fs-list.ts'
import { createFsRead } from './fs-read.ts'
import { createFsSearch } from './fs-search.ts'
import { createFsWrite } from './fs-write.ts'
import type { WebConfig } from './pinned-fetch.ts'
import { createSystemRun } from './system-run.ts'
import type { Tool } from './tool.ts'
import { createWalletAddress } from './wallet-address.ts'
import { createWalletAssets } from './wallet-assets.ts'
import { createWalletBalance } from './wallet-balance.ts'
import { createWalletHistory } from './wallet-history.ts'
import { createWalletSend } from './wallet-send.ts'
import { createWalletSimulate } from './wallet-simulate.ts'
import { createWebFetch } from './web-fetch.ts'

export type ToolDependencies = {
  roots: Roots
  web: WebConfig
  /** `null`: no wallet is configured, and there are no wallet tools. */
  wallet: { wallet: Wallet; payments: Payments } | null
}

/** Files, commands, the web and the wallet; `../machine.ts` has those that keep something open. */
export function createTools({ roots, web, wallet }: ToolDependencies): readonly Tool[] {
  const files = [createFsRead, createFsWrite, createFsEdit, createFsList, createFsSearch].map((create) => create(roots))
  const machine = [createSystemRun(roots), ...files, createWebFetch(web)]
  const money =
    wallet === null
      ? []
      : [
          createWalletBalance(wallet.wallet),
          createWalletAssets(wallet.wallet),
          createWalletAddress(wallet.wallet),
          createWalletHistory(wallet.wallet),
          createWalletSimulate(wallet.wallet),
          createWalletSend(wallet.wallet, wallet.payments),
        ]
  // A tool's functions take its own parsed input; whoever calls them parses first.
  return [...machine, ...money] as unknown as readonly Tool[]
}
