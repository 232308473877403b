/** A JSON-RPC error that a method answers with. */
export class RpcFault extends Error {
  readonly code: number
  readonly data: unknown

  constructor(code: number, message: string, data?: unknown) {
    super(message)
    this.name = 'RpcFault'
    this.code = code
    this.data = data
  }
}

export function invalidParams(message: string): RpcFault {
  return new RpcFault(-32602, `Invalid params: ${message}`)
}
