import { type Command, usageOf } from './command.ts'

/** `/output`, `/output 0199a… 15000`: the whole of what was cut. */
export const output: Command = {
  name: 'output',
  usage: ['/output [<call>] [<offset>]'],
  summary: 'read on in an output that was cut',
  missing: 'No tool was used in this conversation.',
  plan: (args) => {
    const match = /^(?:(\S*[^\s\d-]\S*)\s*)?(-?\d{1,15})?$/.exec(args)
    if (match === null) return usageOf(output, 'Which output, and from which character on?')
    const [, call, offset] = match
    return {
      kind: 'call',
      tool: 'output.read',
      arguments: {
        ...(call === undefined ? {} : { call }),
        ...(offset === undefined ? {} : { offset: Number(offset) }),
      },
    }
  },
}
