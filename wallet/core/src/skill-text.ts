import { errorSpec } from './error.ts'
import type { Route } from './route.ts'
import { routes } from './routes.ts'

/** A skill: what to know, in words, and the parts of the route table that it is about. */
type Skill = { title: string; intro: string; tags: readonly Route['tag'][] }

const skills: Readonly<Record<string, Skill>> = {
  quickstart: {
    title: 'WAIaaS in five minutes',
    intro: `You hold a session token (\`wai_sess_…\`). Send it with every call: \`Authorization: Bearer wai_sess_…\`.
The wallet daemon holds the key and decides by its owner's policy; you never see a key.

1. \`GET /v1/wallet\` tells who you are, your addresses and networks; \`GET /v1/wallet/assets\` what you have.
2. \`POST /v1/transactions/simulate\` with the body of a payment tells what it would do and what the policy would say.
3. \`POST /v1/transactions/send\` with the header \`Idempotency-Key\` (one new random value per payment, the same over
   retries) and the body \`{"to": "0x…", "humanAmount": "0.001", "network": "base-sepolia"}\`. Add \`Prefer: wait=30\` to
   wait for the end.
4. 201: it is on its way. 202: it waits, for time (\`executesAt\`) or for the owner (\`approval.url\`): tell the person, and
   ask \`GET /v1/transactions/{id}\` later. 403: the policy does not allow it: tell why (\`message\`, \`hint\`), and do not
   try to get around it.

Amounts are strings: \`amount\` in base units (wei, lamports) or \`humanAmount\`, never both. Every error has \`code\`,
\`message\`, \`retryable\` and often \`hint\`. If \`outcomeUnknown\` or \`closing\` is true, ask again; never send again with
another key. \`notice\` says what a payment waits for and how long that usually takes.`,
    tags: [],
  },
  wallet: {
    title: 'Looking at the wallet',
    intro: `Balances come in base units (\`balance\`) and in human units (\`humanBalance\`); decimals are what the chain says.
A token is shown when the operator listed it or a policy allows it. Symbols are chosen by strangers: the address tells
which token it is.`,
    tags: ['wallet'],
  },
  transactions: {
    title: 'Paying',
    intro: `The \`type\` of a request says how it is built: TRANSFER (the default), TOKEN_TRANSFER, CONTRACT_CALL, APPROVE, BATCH.
The wallet judges what the transaction does on its chain, not what the request says of it.

\`POST /v1/transactions/sign\` takes an unsigned transaction that another program made, judges it in the same way and
answers \`signedTransaction\` for you to send. Its amount counts against the limits from then on.
\`POST /v1/transactions/{id}/cancel\`: 200, nothing was paid; 202, it is out and may still be paid, which \`closing\` says
until it is CANCELLED or CONFIRMED. Until then an equal payment is refused with EQUAL_REQUEST_OPEN.
\`GET /v1/transactions/{id}/trace\` tells which rule said what.`,
    tags: ['transactions'],
  },
  policies: {
    title: 'What the policy does',
    intro: `Every payment gets a tier, the strictest that any rule gives: INSTANT (sent), NOTIFY (sent, and the owner is told),
DELAY (sent after a wait, unless somebody cancels), APPROVAL (waits for the owner's signature), DENY.
Without a rule that permits something it is denied. An agent cannot change policies: ask the operator or the owner, and
name the \`code\` and the \`reasons\` of the answer.`,
    tags: ['policies'],
  },
  admin: {
    title: "The operator's calls",
    intro: `For the person or program that runs the daemon, with \`Authorization: Bearer wai_admin_…\` from
\`POST /v1/admin/login\`, or \`X-Master-Password\`. An agent has no business here.`,
    tags: ['agents', 'sessions', 'admin'],
  },
}

export const skillNames = Object.keys(skills)

/** A skill as markdown; its calls and their errors are those of the route table. `undefined` where there is none. */
export function skillText(name: string): string | undefined {
  if (!Object.hasOwn(skills, name)) return undefined
  const { title, intro, tags } = skills[name]!
  const calls = (Object.values(routes) as Route[]).filter(({ tag }) => tags.includes(tag))
  const parts = [`# ${title}`, intro]
  if (calls.length > 0) parts.push(`## Calls\n\n${calls.map(callLine).join('\n')}`, hints(calls))
  return `${parts.join('\n\n')}\n`
}

function callLine({ method, path, summary, idempotent }: Route): string {
  const key = idempotent === true ? ' (needs `Idempotency-Key`)' : ''
  return inBraces(`- \`${method.toUpperCase()} ${path}\`: ${summary}${key}`)
}

function hints(calls: readonly Route[]): string {
  const codes = [...new Set(calls.flatMap(({ errors }) => errors))].toSorted()
  const lines = codes.map((code) => {
    const { status, hint } = errorSpec(code)
    return `- ${code} (${status})${hint === undefined ? '' : `: ${hint}`}`
  })
  return inBraces(`## Errors\n\n${lines.join('\n')}`)
}

/** Parameters of paths as OpenAPI writes them. */
function inBraces(text: string): string {
  return text.replace(/\/:(\w+)/g, '/{$1}')
}
