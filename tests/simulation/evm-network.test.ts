import { describe, expect, test } from 'vitest'
import {
  BLOCK_MILLIS,
  BURNING,
  type Careless,
  createCareless,
  ETHER,
  GWEI,
  PAYEE,
  REVERTING,
  URLS,
} from './evm-client.fixture.ts'
import { anvil, evmClients } from './evm-clients.ts'
import { drawEvmFaults, type EvmFaults, evmFaultKinds } from './evm-faults.ts'
import type { Hex } from './evm-transaction.ts'
import { createRandom } from './random.ts'

const [URL] = URLS

/** One honest node with a pool like anvil's, and finality four blocks behind. */
function createHonest(seed: string): Careless {
  return createCareless(
    seed,
    {},
    { nodes: [{ url: URL, client: { ...anvil, belowBaseFee: 'wait' }, backends: 1 }], finality: { lag: 4, every: 1 } },
  )
}

describe('Seeds', () => {
  test('The same seed gives the same trace twice, and another seed another one.', async () => {
    const run = async (seed: string) => {
      const careless = createCareless(seed, drawEvmFaults(createRandom(seed)))
      await careless.live(40)
      return careless.trace
    }
    for (const seed of ['1', '2', '3']) expect(await run(seed)).toEqual(await run(seed))
    expect(await run('1')).not.toEqual(await run('2'))
  })

  test('A seed never has all faults, and some have none.', () => {
    const counts = Array.from({ length: 300 }, (_, seed) => Object.keys(drawEvmFaults(createRandom(seed))).length)
    expect(Math.min(...counts)).toBe(0)
    expect(Math.max(...counts)).toBe(8)
    const drawn = new Set(
      Array.from({ length: 300 }, (_, seed) => Object.keys(drawEvmFaults(createRandom(seed)))).flat(),
    )
    expect([...drawn].sort()).toEqual([...evmFaultKinds].sort())
  })

  test('Without faults none is reported.', async () => {
    const careless = createCareless('honest', {})
    await careless.live(60)
    expect(careless.reports).toEqual([])
    expect(careless.network.truth.consumed(careless.wallet, 'head').own).toBeGreaterThan(3)
  })
})

describe('Faults', () => {
  test.each(evmFaultKinds)('%s strikes where it is the only one, and not after healing.', async (kind) => {
    // Some faults show only beside others: bytes are lost only where somebody loses them.
    const beside: EvmFaults =
      {
        minesLostVersion: { effectNowhere: 0.5 },
        answerOk: {},
        staleFork: { sideBlocks: 0.5 },
        receiptOfLostBlock: { reorganises: 0.3 },
      }[kind as string] ?? {}
    for (let seed = 0; ; seed += 1) {
      expect(seed, `${kind} never strikes`).toBeLessThan(20)
      const careless = createCareless(`${kind}/${seed}`, { ...beside, [kind]: 0.8 })
      await careless.live(30)
      if ((careless.network.counters.get(kind) ?? 0) === 0) continue
      const others = [...careless.network.counters.keys()].filter((other) => other !== kind && !(other in beside))
      expect(others).toEqual([])
      careless.network.heal()
      const before = careless.reports.length
      await careless.live(10)
      expect(careless.reports.length).toBe(before)
      return
    }
  })
})

describe('Consensus', () => {
  test('Every canonical chain keeps nonces, money and finality, whatever the adversary does.', async () => {
    for (let seed = 0; seed < 12; seed += 1) {
      const adversary: EvmFaults = {
        ...drawEvmFaults(createRandom(`consensus/${seed}`)),
        reorganises: 0.3,
        minesOldVersion: 0.5,
        minesLostVersion: 0.5,
        foreignPayment: 0.1,
        authorizationRaisesNonce: 0.1,
        depositRaisesNonce: 0.1,
      }
      const careless = createCareless(`consensus/${seed}`, adversary)
      const { truth } = careless.network
      const finals = new Map<number, Hex>()
      const dead = new Set<Hex>()
      for (let round = 0; round < 12; round += 1) {
        await careless.live(6)
        for (const hash of truth.out().keys()) if (!truth.canEverLand(hash).can) dead.add(hash)
        for (const hash of dead) expect([hash, truth.inclusion(hash)]).toEqual([hash, undefined])
        const final = truth.final()
        finals.set(final.number, final.hash)
        for (const [number, hash] of finals) expect(truth.canonical(number)?.hash).toBe(hash)
      }
      expectSound(careless)
    }
  })

  test('A payment uses gas and pays the base fee and its tip; a revert moves nothing; a burn uses all gas.', async () => {
    const { ask, sign, clock, network, wallet } = createHonest('payment')
    for (const [nonce, to] of [PAYEE, REVERTING, BURNING].entries()) {
      await ask(URL, 'eth_sendRawTransaction', [sign({ nonce, to, value: ETHER })])
    }
    await clock.run(BLOCK_MILLIS)
    const { truth } = network
    const block = truth.head()
    const price = block.baseFeePerGas + 2n * GWEI
    const used = block.transactions.map(({ gasUsed, succeeded, effectiveGasPrice }) => ({
      gasUsed,
      succeeded,
      effectiveGasPrice,
    }))
    expect(used).toEqual([
      { gasUsed: 21_000n, succeeded: true, effectiveGasPrice: price },
      { gasUsed: 26_000n, succeeded: false, effectiveGasPrice: price },
      { gasUsed: 50_000n, succeeded: false, effectiveGasPrice: price },
    ])
    expect(truth.account(wallet, 'head')).toEqual({ nonce: 3n, balance: 9n * ETHER - 97_000n * price })
    expect(truth.account(wallet, 'final')).toEqual({ nonce: 0n, balance: 10n * ETHER })
    expect(truth.transfersTo(PAYEE).map(({ transaction }) => transaction.value)).toEqual([ETHER])
    expect(truth.outflow(wallet, 'head')).toEqual({ own: ETHER + 97_000n * price, foreign: 0n })
  })

  test('Nonces rise by authorisations, deposits and payments from elsewhere, which are not ours.', async () => {
    const { clock, network, wallet, ask } = createHonest('raises')
    network.acts.authorize(wallet, undefined)
    network.acts.deposit(wallet)
    network.acts.payFrom(wallet, PAYEE, ETHER)
    network.acts.credit(wallet, 5n * ETHER)
    await clock.run(BLOCK_MILLIS)
    expect(network.truth.consumed(wallet, 'head')).toEqual({ own: 0, foreign: 3 })
    expect(network.truth.account(wallet, 'head').nonce).toBe(3n)
    expect(network.truth.account(wallet, 'head').balance).toBeGreaterThan(13n * ETHER)
    network.acts.authorize(wallet, `0x${'de'.repeat(20)}`)
    await clock.run(BLOCK_MILLIS + 2_000)
    expect(await ask(URL, 'eth_getCode', [wallet, 'latest'])).toBe(`0xef0100${'de'.repeat(20)}`)
  })
})

describe('The oracle', () => {
  test('Bytes can land until the final chain has used their nonce, also where they lost once.', async () => {
    const { ask, sign, clock, network } = createHonest('landing')
    const { truth, acts } = network
    const first = (await ask(URL, 'eth_sendRawTransaction', [sign({ nonce: 0 })])) as Hex
    const second = (await ask(URL, 'eth_sendRawTransaction', [
      sign({ nonce: 0, fee: 9n * GWEI, tip: 4n * GWEI }),
    ])) as Hex
    await clock.run(2 * BLOCK_MILLIS)
    expect(truth.inclusion(second)?.isFinal).toBe(false)
    expect(truth.canEverLand(first)).toEqual({ can: true, why: 'the final chain has not used its nonce' })
    acts.reorganise(2)
    acts.mineNext(first)
    await clock.run(BLOCK_MILLIS)
    const landed = [first, second].filter((hash) => truth.inclusion(hash) !== undefined)
    expect(landed).toHaveLength(1)
    await clock.run(6 * BLOCK_MILLIS)
    const dead = [first, second].find((hash) => hash !== landed[0])!
    expect(truth.inclusion(landed[0]!)?.isFinal).toBe(true)
    expect(truth.canEverLand(dead)).toEqual({ can: false, why: 'the final chain has used its nonce' })
    expect(truth.canEverLand(landed[0]!).can).toBe(true)
    expect(truth.canEverLand(`0x${'00'.repeat(32)}`).can).toBe(false)
  })

  test('What consensus forbids for ever can never land.', async () => {
    const { ask, sign, network, clock } = createHonest('forbidden')
    for (const [fields, why] of [
      [{ nonce: 0, gas: 20_999n }, 'gas too low'],
      [{ nonce: 0, gas: 17_000_000n }, 'gas above block'],
      [{ nonce: 0, chainId: 1 }, 'wrong chain'],
    ] as const) {
      const raw = sign(fields)
      await ask(URL, 'eth_sendRawTransaction', [raw])
      const [hash] = [...network.truth.out()].find(([, out]) => out.raw === raw)!
      expect(network.truth.canEverLand(hash)).toEqual({ can: false, why })
      network.acts.mineNext(hash)
    }
    await clock.run(BLOCK_MILLIS)
    expect(network.truth.head().transactions).toEqual([])
  })

  test('A reorganisation stops at the final block, unless the test asks for a deeper one.', async () => {
    const { clock, network } = createHonest('deep')
    await clock.run(10 * BLOCK_MILLIS)
    const { truth, acts } = network
    const depth = truth.head().number - truth.final().number
    const final = truth.final().hash
    acts.reorganise(depth)
    expect(truth.final().hash).toBe(final)
    expect(() => acts.reorganise(depth + 1)).toThrow(RangeError)
    acts.reorganise(depth + 1, { despiteFinality: true })
    expect(truth.isCanonical(final)).toBe(false)
  })
})

describe('Healing', () => {
  test('Whatever happened before, a payment at a fair price is final soon afterwards.', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const careless = createCareless(`heal/${seed}`, drawEvmFaults(createRandom(`heal/${seed}`)))
      const { network, clock, wallet, sign, ask } = careless
      await careless.live(30)
      network.heal()
      network.acts.credit(wallet, 10n * ETHER)
      await clock.run(30 * BLOCK_MILLIS)
      const nonce = Number(network.truth.account(wallet, 'head').nonce)
      const raw = sign({ nonce, fee: 1_000n * GWEI, tip: 100n * GWEI })
      const hash = (await ask(URL, 'eth_sendRawTransaction', [raw])) as Hex
      await clock.run(60 * BLOCK_MILLIS)
      expect([seed, network.truth.inclusion(hash)?.isFinal]).toEqual([seed, true])
    }
  })
})

describe('A node', () => {
  test('keeps the states of 128 blocks, by number and by hash, and says so in the words of its client.', async () => {
    const nodes = [{ url: URL, client: evmClients.geth, backends: 1 }]
    let careless = createCareless('window/0', {}, { nodes })
    for (let seed = 1; ; seed += 1) {
      await careless.clock.run(140 * BLOCK_MILLIS)
      const old = careless.network.truth.canonical(1_001)!
      const answer = await careless.ask(URL, 'eth_getBalance', [careless.wallet, { blockHash: old.hash }])
      // One node in five is an archive.
      if (answer !== '0x8ac7230489e80000') {
        expect(answer).toEqual(evmClients.geth.stateGone)
        break
      }
      careless = createCareless(`window/${seed}`, {}, { nodes })
    }
    const { truth } = careless.network
    const recent = truth.canonical(truth.head().number - 126)!
    for (const block of [`0x${recent.number.toString(16)}`, { blockHash: recent.hash, requireCanonical: true }]) {
      expect(await careless.ask(URL, 'eth_getBalance', [careless.wallet, block])).toBe('0x8ac7230489e80000')
    }
    expect(await careless.ask(URL, 'eth_getBlockByHash', [truth.canonical(1_001)!.hash, false])).toMatchObject({
      number: '0x3e9',
    })
    expect(await careless.ask(URL, 'eth_simulateV1', [{}, 'latest'])).toMatchObject({ code: -32601 })
  })

  test('makes a gap wait or refuses it, as its client does, and counts what waits as pending.', async () => {
    for (const [name, count] of [
      ['geth', '0x2'],
      ['arbitrum', '0x1'],
    ] as const) {
      const { ask, sign, clock, wallet } = createCareless(
        `gap/${name}`,
        {},
        { nodes: [{ url: URL, client: evmClients[name], backends: 1 }] },
      )
      await ask(URL, 'eth_sendRawTransaction', [sign({ nonce: 1 })])
      expect(await ask(URL, 'eth_getTransactionCount', [wallet, 'pending'])).toBe('0x0')
      await ask(URL, 'eth_sendRawTransaction', [sign({ nonce: 0 })])
      expect(await ask(URL, 'eth_getTransactionCount', [wallet, 'pending'])).toBe(count)
      await clock.run(2 * BLOCK_MILLIS)
      expect(await ask(URL, 'eth_getTransactionCount', [wallet, 'latest'])).toBe(count)
    }
  })

  test('gets nothing where the body is withheld, and acts on what has left where the client stops to wait.', async () => {
    const { network, clock, sign } = createHonest('transport')
    const withheld = network.exchange({ url: URL, body: () => undefined })
    expect(await clock.settle(withheld, 1_000)).toBe('not sent')
    expect(network.truth.out().size).toBe(0)
    const aborting = new AbortController()
    const raw = sign({ nonce: 0 })
    let left: number | undefined
    const body = () => {
      left = clock.monotonic()
      clock.after(1, () => aborting.abort(new Error('time is up')))
      return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_sendRawTransaction', params: [raw] })
    }
    const given = network.exchange({ url: URL, body, signal: aborting.signal })
    await expect(clock.settle(given, 1_000)).rejects.toThrow('time is up')
    const [out] = network.truth.out().values()
    expect(out?.handovers).toEqual([{ at: left, url: URL }])
    await clock.run(BLOCK_MILLIS)
    expect(network.truth.head().transactions.map(({ transaction }) => transaction.raw)).toEqual([raw])
  })
})

/** Follows the canonical chain from its first block and checks every rule that matters for money. */
function expectSound({ network, wallet }: Careless): void {
  const { truth } = network
  const total = (state: ReadonlyMap<Hex, { balance: bigint }>) =>
    state.values().reduce((sum, { balance }) => sum + balance, 0n)
  const used = new Map<string, Hex>()
  let parent = truth.canonical(1_000)!
  for (let block = truth.canonical(parent.number + 1); block !== undefined; block = truth.canonical(block.number + 1)) {
    expect(block.parentHash).toBe(parent.hash)
    expect(block.timestamp).toBeGreaterThan(parent.timestamp)
    let burnt = 0n
    for (const { transaction, gasUsed, effectiveGasPrice } of block.transactions) {
      const { from, nonce, hash, isDeposit } = transaction
      if (!isDeposit) {
        expect(used.get(`${from}/${nonce}`)).toBeUndefined()
        used.set(`${from}/${nonce}`, hash)
        expect(effectiveGasPrice).toBeGreaterThanOrEqual(block.baseFeePerGas)
        burnt += gasUsed * block.baseFeePerGas
      }
    }
    const credited = block.credits.reduce((sum, { amount }) => sum + amount, 0n)
    expect(total(block.state)).toBe(total(parent.state) - burnt + credited)
    parent = block
  }
  const consumed = truth.consumed(wallet, 'head')
  expect(truth.account(wallet, 'head').nonce).toBe(BigInt(consumed.own + consumed.foreign))
  const { own, foreign } = truth.outflow(wallet, 'head')
  expect(truth.account(wallet, 'head').balance).toBe(10n * ETHER - own - foreign)
}
