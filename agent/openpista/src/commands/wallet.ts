import { type Command, type CommandStep, usageOf } from './command.ts'

const SEND = /^(\S+)\s+([A-Za-z][A-Za-z0-9.]*)\s+to\s+(\S+)(?:\s+on\s+(\S+))?$/i
const AMOUNT = /^(0|[1-9][0-9]*)(\.[0-9]+)?$/
const ON_NETWORK = /^(?:on\s+(\S+))?$/i

/** `/wallet balance`, `/wallet send 0.01 ETH to 0x… on evm-local`. */
export const wallet: Command = {
  name: 'wallet',
  usage: [
    '/wallet balance [on <network>]',
    '/wallet assets [on <network>]',
    '/wallet address [on <network>]',
    '/wallet history',
    '/wallet send <amount> <coin> to <address> [on <network>]',
  ],
  summary: 'your money',
  missing: 'No wallet is connected: set wallet.url and wallet.token_file in the configuration, and start again.',
  plan: (args) => {
    const [, verb = '', rest = ''] = /^(\S*)\s*([\s\S]*)$/.exec(args) ?? []
    switch (verb.toLowerCase()) {
      case 'send':
        return send(rest)
      case 'balance':
      case 'assets':
      case 'address':
        return look(`wallet.${verb.toLowerCase()}`, rest)
      case 'history':
        return { kind: 'call', tool: 'wallet.history', arguments: {} }
      case '':
        return usageOf(wallet, 'What about the wallet?')
      default:
        return usageOf(wallet, `The wallet has no '${verb}' here.`)
    }
  },
  // The owner wrote the payment himself: a dry run has nobody to convince, and the wallet asks him where its rules say so.
  follow: (first, output) => {
    const quote = /quote: "([^"]+)"/.exec(output)?.[1]
    if (first.name !== 'wallet.send' || quote === undefined) return undefined
    return { kind: 'call', tool: first.name, arguments: { ...first.arguments, confirm: true, quote } }
  },
}

function look(tool: string, rest: string): CommandStep {
  const match = ON_NETWORK.exec(rest)
  if (match === null) return usageOf(wallet, `'${rest}' is not understood here.`)
  return { kind: 'call', tool, arguments: match[1] === undefined ? {} : { network: match[1] } }
}

function send(rest: string): CommandStep {
  const match = SEND.exec(rest.trim())
  if (match === null) return usageOf(wallet, 'Write the amount, the coin and the address: 0.01 ETH to 0x….')
  const [, amount = '', symbol = '', to = '', network] = match
  if (!AMOUNT.test(amount)) return usageOf(wallet, `'${amount}' is not an amount. Write it with a point: 0.01.`)
  if (/^[0.]+$/.test(amount)) return usageOf(wallet, 'The amount is zero.')
  const named = network === undefined ? {} : { network }
  return { kind: 'call', tool: 'wallet.send', arguments: { amount, symbol: symbol.toUpperCase(), to, ...named } }
}
