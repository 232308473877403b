import { expect, test } from 'vitest'
import type { NodeReader } from '../rpc-endpoint.ts'
import { createLine } from './line.ts'
import { blockOf, nodeThat } from './nodes.fixture.ts'

test('the blocks between two looks are read together', async () => {
  let head = 100
  const node = nodeThat((_method, [named]) => blockOf(named === 'latest' ? head : Number(named)))
  const batches: number[] = []
  const counting: NodeReader = {
    ...node,
    read: async (method, params, schema) => {
      if (isNewTurn()) batches.push(0)
      batches[batches.length - 1]! += 1
      await new Promise((resolve) => setImmediate(resolve))
      return await node.read(method, params, schema)
    },
  }
  let turn: NodeJS.Immediate | undefined
  const isNewTurn = () => {
    const isNew = turn === undefined
    turn ??= setImmediate(() => {
      turn = undefined
    })
    return isNew
  }
  const line = createLine()
  await line.follow(counting)
  head = 108
  expect(await line.follow(counting)).toMatchObject({ ok: true, value: { number: 108n } })
  expect(batches).toEqual([1, 1, 7])
  expect([101n, 107n].map((number) => line.at(number)?.hash)).toEqual(['0xa101', '0xa107'])
})

// https://github.com/DefiLlama/chainlist/issues/3168 : the chain behind an endpoint was switched.
test('a line starts anew only on a node that still serves the network', async () => {
  let serves: string | undefined
  let at = { head: 100, fork: 'a' }
  const node = nodeThat(
    (_method, [named]) => blockOf(named === 'latest' ? at.head : Number(named), at.fork),
    0,
    () => serves,
  )
  const line = createLine()
  await line.follow(node)
  at = { head: 300, fork: 'f' }
  serves = 'serves chain 4242'
  expect(await line.follow(node)).toMatchObject({ ok: false, failure: { message: serves } })
  expect(line.newest()?.hash).toBe('0xa100')
  serves = undefined
  expect(await line.follow(node)).toMatchObject({ ok: true, value: { hash: '0xf300' } })
})
