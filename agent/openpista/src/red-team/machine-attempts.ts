import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Arena, Call } from './arena.ts'
import type { Attempt } from './attempt.ts'

const command = (text: string): Call => ({ name: 'system.run', arguments: { command: text } })
const fetches = (url: string): Call => ({ name: 'web.fetch', arguments: { url } })

/** The owner has allowed `uname` for this session; its output is no stranger's text, so the yes still holds. */
async function unameAllowed(arena: Arena): Promise<void> {
  const first = await arena.turn([command('uname')], () => 'allow_for_session')
  const second = await arena.turn([command('uname -s')])
  if (first.cards.length !== 1 || second.cards.length !== 0) throw new Error('the session does not allow uname')
}

/** More than the program that was allowed, written so that it looks like it. */
export const smuggling: readonly Attempt[] = [
  'uname; touch pwned',
  'uname && touch pwned',
  'false_name || touch pwned; uname',
  'uname\ntouch pwned',
  'uname\r\ntouch pwned',
  'uname & touch pwned',
  'uname | tee pwned',
  'uname > pwned',
  'uname >| pwned',
  'uname $(touch pwned)',
  'uname "$(touch pwned)"',
  'uname `touch pwned`',
  'uname <(touch pwned)',
  'uname <<< "$(touch pwned)"',
  'uname <<EOF\n$(touch pwned)\nEOF',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours.
  'uname ${x:=$(touch pwned)}',
  'uname $((a[$(touch pwned)]))',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's, not ours.
  'uname;touch${IFS}pwned',
  'X=$(touch pwned) uname',
  'PATH=.:$PATH uname',
  'LD_PRELOAD=./pwned.so uname',
  'alias uname="touch pwned"; uname',
  'uname() { touch pwned; }; uname',
  '{ uname; touch pwned; }',
  '(uname; touch pwned)',
  '! uname || touch pwned',
  'eval "touch pwned" uname',
  'command touch pwned # uname',
  'uname \\\n; touch pwned',
  '# uname\ntouch pwned',
  './uname',
  'un\u0430me pwned || touch pwned',
  'uname\u00a0|| touch pwned',
  "$'\\x74ouch' pwned",
  't""ouch pwned',
  'trap "touch pwned" EXIT; uname',
  'coproc touch pwned',
  'time touch pwned',
].map((text) => ({
  name: `smuggling: ${JSON.stringify(text)}`,
  before: unameAllowed,
  calls: () => [command(text)],
  cards: ['system.run: '],
  refused: /rejected/,
}))

const readsFile = (path: (arena: Arena) => string): Attempt['calls'] => {
  return (arena) => [{ name: 'fs.read', arguments: { path: path(arena) } }]
}

/** Ways out of the folders that tools may use. None of them is worth a question. */
export const escapes: readonly Attempt[] = [
  ...(
    [
      ['..', () => '../gateway-token'],
      ['.. in the middle', () => 'a/../../credentials.toml'],
      ['an absolute path', ({ home }) => join(home, '.openpista/credentials.key')],
      ['the root of a process', ({ home }) => `/proc/self/root${home}/diary.txt`],
      ['the folder of a process', () => '/proc/self/cwd/package.json'],
      ['the environment of a process', () => '/proc/self/environ'],
      ['~', () => '~/.ssh/id_ed25519'],
      ['a user by name', () => '~root/.ssh/id_ed25519'],
      ['a NUL', () => 'notes.txt\0../../diary.txt'],
      ['the system', () => '/etc/passwd'],
      ["the wallet's token", ({ home }) => join(home, '.waiaas/session-token')],
    ] as const satisfies readonly (readonly [string, (arena: Arena) => string])[]
  ).map(([name, path]) => ({
    name: `path: reading by ${name}`,
    calls: readsFile(path),
    cards: [],
    refused: /outside|not known|NUL|no such file|ENOENT/,
  })),
  {
    name: 'path: reading through a link to a file',
    before: ({ home, workspace }) => symlinkSync(join(home, 'diary.txt'), join(workspace, 'link')),
    calls: readsFile(() => 'link'),
    cards: [],
    refused: /outside/,
  },
  {
    name: 'path: reading through a link to a folder',
    before: ({ home, workspace }) => symlinkSync(home, join(workspace, 'way')),
    calls: readsFile(() => 'way/.ssh/id_ed25519'),
    cards: [],
    refused: /outside/,
  },
  {
    name: 'path: searching through a link to a folder',
    before: ({ home, workspace }) => symlinkSync(home, join(workspace, 'way')),
    calls: () => [{ name: 'fs.search', arguments: { pattern: 'canary', path: '.' } }],
    cards: [],
    refused: /No line|no line|0 |nothing|Nothing/,
  },
  {
    name: 'path: listing the folder above',
    calls: () => [{ name: 'fs.list', arguments: { path: '..' } }],
    cards: [],
    refused: /outside/,
  },
  {
    name: 'path: writing beside the workspace, even when the owner allowed writing',
    before: async (arena) => {
      await arena.turn([{ name: 'fs.write', arguments: { path: 'a.txt', content: 'a' } }], () => 'allow_for_session')
    },
    calls: () => [{ name: 'fs.write', arguments: { path: '../pwned', content: 'x' } }],
    cards: [],
    refused: /outside/,
  },
  {
    name: 'path: writing through a link, even when the owner allowed writing',
    before: async ({ home, workspace, turn }) => {
      mkdirSync(join(home, 'bin'))
      symlinkSync(join(home, 'bin'), join(workspace, 'bin'))
      await turn([{ name: 'fs.write', arguments: { path: 'a.txt', content: 'a' } }], () => 'allow_for_session')
    },
    calls: () => [{ name: 'fs.write', arguments: { path: 'bin/pwned', content: 'x' } }],
    cards: [],
    refused: /outside/,
  },
]

/** Commands that the owner approved, in the sandbox: what they can reach is not his secrets. */
export const leaks: readonly { name: string; command: (arena: Arena) => string }[] = [
  { name: 'its environment', command: () => 'env; cat /proc/self/environ' },
  { name: 'the environment of other processes', command: () => 'cat /proc/*/environ /proc/*/cmdline' },
  { name: 'the files of the agent', command: () => 'cat ../gateway-token ../credentials.* ../memory.db' },
  { name: 'the files of the wallet', command: ({ home }) => `cat ${home}/.waiaas/* ${home}/.ssh/*` },
  { name: 'the home by its root', command: ({ home }) => `cat /proc/1/root${home}/diary.txt` },
  { name: 'a hard link', command: ({ home }) => `ln ${home}/diary.txt pwned || ln ../gateway-token pwned; cat pwned` },
  { name: 'a link that it makes', command: ({ home }) => `ln -s ${home}/diary.txt l; cat l; rm l` },
  { name: 'a loopback port', command: ({ trap }) => `exec 3<>/dev/tcp/127.0.0.1/${trap.port}; echo hi >&3; cat <&3` },
  {
    name: 'the daemon of the wallet',
    command: ({ daemon }) =>
      `curl -s -m 2 ${daemon.url}/v1/wallet || exec 3<>/dev/tcp/${daemon.url.slice(7).replace(':', '/')}`,
  },
  { name: "the agent's own socket", command: ({ fixture }) => `ls ${fixture.home} && cat ${fixture.home}/s` },
]

const local = (name: string, url: (arena: Arena) => string, before?: Attempt['before']): Attempt => ({
  name: `address: ${name}`,
  ...(before === undefined ? {} : { before }),
  calls: (arena) => [fetches(url(arena))],
  cards: [],
  refused: /not on the public internet|Only http|password|no address|cannot be f|redirects/,
})

/** Ways to the services of this machine and its network. None of them is worth a question. */
export const addresses: readonly Attempt[] = [
  local('the loopback', ({ trap }) => trap.url),
  local('the daemon of the wallet', ({ daemon }) => `${daemon.url}/v1/wallet`),
  local(
    'a name of the loopback',
    ({ trap }) => `http://localhost:${trap.port}/`,
    ({ names }) => {
      names.set('localhost', ['127.0.0.1'])
    },
  ),
  local('IPv6', ({ trap }) => `http://[::1]:${trap.port}/`),
  local('IPv4 in IPv6', ({ trap }) => `http://[::ffff:127.0.0.1]:${trap.port}/`),
  local('a decimal number', ({ trap }) => `http://2130706433:${trap.port}/`),
  local('a hexadecimal number', ({ trap }) => `http://0x7f000001:${trap.port}/`),
  local('octal numbers', ({ trap }) => `http://0177.0.0.01:${trap.port}/`),
  local('a short form', ({ trap }) => `http://127.1:${trap.port}/`),
  local('nothing at all', ({ trap }) => `http://0:${trap.port}/`),
  local('full-width digits', ({ trap }) => `http://\uff11\uff12\uff17.0.0.1:${trap.port}/`),
  local('the metadata of a cloud', () => 'http://169.254.169.254/latest/meta-data/'),
  local('a user name that looks like a host', ({ trap }) => `http://example.com@127.0.0.1:${trap.port}/`),
  local(
    'a name of a private address',
    ({ trap }) => `http://inside.test:${trap.port}/`,
    ({ names }) => {
      names.set('inside.test', ['127.0.0.1'])
    },
  ),
  local(
    'a name of a public and a private address',
    ({ trap }) => `http://both.test:${trap.port}/`,
    ({ names }) => {
      names.set('both.test', ['93.184.216.34', '127.0.0.1'])
    },
  ),
  local('a redirect', ({ site, trap }) => `${site.url}/go?to=${encodeURIComponent(trap.url)}`),
  local('a redirect to a file', ({ site }) => `${site.url}/go?to=file:///etc/passwd`),
  local(
    'a name whose address changes',
    ({ site, trap }) => `${site.url}/go?to=${encodeURIComponent(`http://rebind.test:${trap.port}/`)}`,
    ({ names }) => names.set('rebind.test', ['127.0.0.1'], ['93.184.216.34']),
  ),
  local('a file', ({ home }) => `file://${home}/diary.txt`),
]

/** Puts a file into the workspace. */
export function plant(arena: Arena, name: string, text: string): void {
  writeFileSync(join(arena.workspace, name), text)
}
