import { type Command, usageOf } from './command.ts'

/** `/run uname -a` */
export const run: Command = {
  name: 'run',
  usage: ['/run <command>'],
  summary: 'run a shell command',
  plan: (args) =>
    args === '' ? usageOf(run, 'Which command?') : { kind: 'call', tool: 'system.run', arguments: { command: args } },
}

/** `/read notes.txt` */
export const read: Command = {
  name: 'read',
  usage: ['/read <path>'],
  summary: 'show a file',
  plan: (args) =>
    args === '' ? usageOf(read, 'Which file?') : { kind: 'call', tool: 'fs.read', arguments: { path: args } },
}

/** `/write notes.txt buy milk`: the path ends at the first white space. */
export const write: Command = {
  name: 'write',
  usage: ['/write <path> <text>'],
  summary: 'write a file anew',
  plan: (args) => {
    const match = /^(\S+)\s([\s\S]+)$/.exec(args)
    if (match === null) return usageOf(write, 'Which file, and what shall stand in it?')
    return { kind: 'call', tool: 'fs.write', arguments: { path: match[1], content: match[2] } }
  },
}

/** `/list`, `/list notes` */
export const list: Command = {
  name: 'list',
  usage: ['/list [<folder>]'],
  summary: 'show what is in a folder',
  plan: (args) => ({ kind: 'call', tool: 'fs.list', arguments: args === '' ? {} : { path: args } }),
}

/** `/search ducks?` */
export const search: Command = {
  name: 'search',
  usage: ['/search <regular expression>'],
  summary: 'find lines in the files of the workspace',
  plan: (args) =>
    args === ''
      ? usageOf(search, 'Search for what?')
      : { kind: 'call', tool: 'fs.search', arguments: { pattern: args } },
}

/** `/fetch https://example.org` */
export const fetch: Command = {
  name: 'fetch',
  usage: ['/fetch <url>'],
  summary: 'show a web page as text',
  plan: (args) =>
    /^https?:\/\/\S+$/.test(args)
      ? { kind: 'call', tool: 'web.fetch', arguments: { url: args } }
      : usageOf(fetch, 'Which page? It begins with http:// or https://.'),
}

/** `/browse https://example.org`: a page as a browser shows it, scripts and all. */
export const browse: Command = {
  name: 'browse',
  usage: ['/browse <url>'],
  summary: 'open a web page in the browser and show its text',
  missing: 'The browser is switched off: set browser.enabled in the configuration, and start again.',
  plan: (args) =>
    /^https?:\/\/\S+$/.test(args)
      ? { kind: 'call', tool: 'browser.navigate', arguments: { url: args } }
      : usageOf(browse, 'Which page? It begins with http:// or https://.'),
  follow: (first) =>
    first.name === 'browser.navigate' ? { kind: 'call', tool: 'browser.text', arguments: {} } : undefined,
}

/** `/container npm test` */
export const container: Command = {
  name: 'container',
  usage: ['/container <command>'],
  summary: 'run a shell command in a fresh container',
  missing:
    'Nothing may run in containers: name an image in [[containers.images]] of the configuration, and start again.',
  plan: (args) =>
    args === ''
      ? usageOf(container, 'Which command?')
      : { kind: 'call', tool: 'container.run', arguments: { command: args } },
}

/** `/remember ducks` */
export const remember: Command = {
  name: 'remember',
  usage: ['/remember <words>'],
  summary: 'find what was said before',
  plan: (args) =>
    args === ''
      ? usageOf(remember, 'Remember what?')
      : { kind: 'call', tool: 'memory.search', arguments: { query: args } },
}
