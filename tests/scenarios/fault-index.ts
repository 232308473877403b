import type { Elsewhere, ScenarioId } from './scenario-index.ts'

type Fault = {
  fault: string
  /** `here`: a test of that number in faults.test.ts. */
  shownBy: readonly ('here' | ScenarioId | Elsewhere)[]
}

const policies = (test: string): Elsewhere => ({ file: 'wallet/cli/src/policy.test.ts', test })

/** What another wallet of this kind was seen to do wrong, by number, and where it is shown that this one does not. */
export const faults = {
  1: { fault: 'a token for whoever asks for a prompt', shownBy: ['here'] },
  2: { fault: 'routes that are open without credentials', shownBy: ['here'] },
  3: { fault: 'a second payment when the answer of the node is lost', shownBy: ['here'] },
  4: {
    fault: 'a second payment when the answer to the client is lost',
    shownBy: [
      'SEC-01-10',
      {
        file: 'wallet/cli/src/send.test.ts',
        test: 'an answer that is lost after the daemon accepted does not pay twice',
      },
    ],
  },
  5: { fault: 'parallel payments that fail', shownBy: ['here'] },
  6: { fault: 'a key file that is written at every signature', shownBy: ['here'] },
  7: { fault: 'payments that hang, are lost or go twice after a crash', shownBy: ['here'] },
  8: {
    fault: 'no start soon after a crash',
    shownBy: [
      { file: 'wallet/cli/src/cli.test.ts', test: 'after kill -9 a start works at once, and sessions live on' },
    ],
  },
  9: { fault: 'money that goes out after the answer of the kill switch', shownBy: ['here'] },
  10: { fault: 'suspended agents that pay', shownBy: ['here', 'SEC-03-04', 'SEC-03-06'] },
  11: { fault: 'no way to approve or reject over HTTP', shownBy: ['here'] },
  12: {
    fault: 'owner signatures over any text, for any purpose, any number of times',
    shownBy: ['here', 'SEC-01-OA-03', 'SEC-01-OA-06', 'SEC-01-OA-07', 'SEC-01-OA-08'],
  },
  13: {
    fault: 'calls and unlimited approvals where no policy is',
    shownBy: ['SEC-02-09', policies('without any policy nothing goes, whatever its kind')],
  },
  14: { fault: 'limits of rate and time that are stored and never asked', shownBy: ['SEC-02-04', 'SEC-02-05'] },
  15: {
    fault: 'the lower priority that wins',
    shownBy: [policies('the higher priority wins, and an agent’s own policy over the global one')],
  },
  16: { fault: 'kinds of transactions that go past the policy', shownBy: ['here'] },
  17: {
    fault: 'amounts that overflow',
    shownBy: ['SEC-02-02', policies('totals above 2^63 are counted exactly, in words people read')],
  },
  18: {
    fault: 'parts that pass where the whole would not',
    shownBy: [policies('a payment in parts is held like the whole')],
  },
  19: { fault: 'a limit in dollars that lets everything pass where no price is known', shownBy: ['here'] },
  20: { fault: "another agent's transactions", shownBy: ['SEC-01-04'] },
  21: { fault: 'a rate limit on reading instead of on sending', shownBy: ['here'] },
  22: { fault: 'any number of wrong passwords', shownBy: ['SEC-03-02'] },
  23: { fault: 'payments that leave nothing in the audit log', shownBy: ['here'] },
  24: { fault: 'a new token for whoever knows the id of a session', shownBy: ['here'] },
  25: { fault: 'an owner who cannot turn the kill switch on', shownBy: ['SEC-03-03'] },
  26: { fault: 'one client without credentials that locks everybody out', shownBy: ['here'] },
} as const satisfies Readonly<Record<number, Fault>>

export type FaultNumber = keyof typeof faults
