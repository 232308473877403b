import type { SourceView } from '../protocol/index.ts'
import { oneLine } from './one-line.ts'
import { isTrusted, type Provenance } from './provenance.ts'

/** Where a text came from, in words for a person, on one line: names and addresses are strangers' words too. */
export function sourceView(provenance: Provenance): SourceView {
  return { trusted: isTrusted(provenance), label: oneLine(label(provenance)) }
}

function label(provenance: Provenance): string {
  switch (provenance.kind) {
    case 'owner':
      return `you, on ${provenance.channel}`
    case 'person':
      return `${provenance.user} on ${provenance.channel}`
    case 'web':
      return `web page ${provenance.url}`
    case 'tool':
      return `output of ${provenance.tool}`
    case 'file':
      return `file ${provenance.path}`
    case 'schedule':
      return `schedule ${provenance.schedule}`
    case 'system':
      return 'openpista'
  }
}
