import { expect, test } from 'vitest'
import { assertBooks, startCaseWallet } from './bench.ts'
import { SOL, startSolanaTruth } from './solana-truth.ts'

test('of two payments that the coins do not cover together one is made, and the other one fails and says why', async () => {
  const truth = await startSolanaTruth()
  const wallet = await startCaseWallet(truth, [truth.rpcUrl])
  try {
    const payer = await wallet.payer(1n)
    await truth.control.pauseMining()
    const amount = (6n * SOL) / 10n
    const sent = [await wallet.pay(payer, amount), await wallet.pay(payer, amount)]
    for (const { id } of sent) await wallet.until(id, { status: 'SUBMITTED' })
    await truth.control.resumeMining()
    const [made, failed] = sent.map(({ id }) => id)
    await wallet.until(made!, { status: 'CONFIRMED' })
    const error = { code: 'INSUFFICIENT_BALANCE', message: 'It failed: the account that pays has too few coins.' }
    await wallet.until(failed!, { status: 'FAILED', error, fee: '5000' })
    expect(await truth.made(payer.address)).toBe(2)
    await assertBooks(wallet, payer)
  } finally {
    await wallet.close()
    await truth.stop()
  }
})
