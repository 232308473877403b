import type { NodeReader } from '../rpc-endpoint.ts'
import type { RpcPool } from '../rpc-pool.ts'
import type { RpcResult } from '../rpc-result.ts'

type Params = readonly unknown[]

/** What a node answers to one method; null where it has nothing, a string that begins with "error" for an error. */
export type Answers = (method: string, params: Params) => unknown

export function hex(value: number | bigint): string {
  return `0x${value.toString(16)}`
}

/** A block of a chain on which every hash names its number. */
export function blockOf(number: number, fork = 'a', transactions: readonly string[] = []) {
  return { number: hex(number), hash: `0x${fork}${number}`, parentHash: `0x${fork}${number - 1}`, transactions }
}

/** A node whose answers the test sets. `serves`: what is wrong with the chain that it serves. */
export function nodeThat(answer: Answers, index = 0, serves: () => string | undefined = () => undefined): NodeReader {
  const read: NodeReader['read'] = async (method, params, schema) => {
    const value = answer(method, params)
    if (typeof value === 'string' && value.startsWith('error')) return failure(value)
    const parsed = schema.safeParse(value)
    return parsed.success ? { ok: true, value: parsed.data } : failure('the answer cannot be read')
  }
  const confirm: NodeReader['confirm'] = async () => {
    const message = serves()
    return message === undefined ? { ok: true, value: null } : { ok: false, failure: { kind: 'unreachable', message } }
  }
  return { node: { index, host: `node-${index}` }, read, confirm }
}

function failure(message: string): RpcResult<never> {
  return { ok: false, failure: { kind: 'error', message, code: -32000 } as never }
}

/** The first node answers alone where one is asked. */
export function poolOf(...nodes: readonly NodeReader[]): Pick<RpcPool, 'onOne' | 'onEach' | 'read'> {
  return {
    read: nodes[0]!.read,
    onOne: (work) => work(nodes[0]!),
    onEach: async (work) => {
      const answers = await Promise.all(nodes.map((node) => work(node)))
      const values = answers.flatMap((answer) => (answer.ok ? [answer.value] : []))
      const fault = answers.find((answer) => !answer.ok)
      return values.length === 0 && fault !== undefined ? fault : { ok: true, value: values }
    },
  }
}
