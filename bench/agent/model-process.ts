import { type ChatRequest, type FakeReply, startFakeOpenAI } from '@openpista/testing'
import type { ModelReport } from './model.ts'

/** A model service in a process of its own. What it answers at once is chosen by the name of the model. */
const answers: Readonly<Record<string, (request: ChatRequest) => FakeReply>> = {
  text: () => ({ text: 'The build is green and the tests pass.' }),
  'one-call': ({ messages }) =>
    messages.at(-1)?.role === 'tool' ? { text: 'The note says so.' } : { calls: [readNote] },
  'same-call': () => ({ calls: [readNote] }),
}

const readNote = { name: 'fs_read', arguments: { path: 'note.txt' } }

const report: ModelReport = { asked: 0, last: undefined, bytes: 0 }
const service = await startFakeOpenAI({
  models: Object.keys(answers),
  keep: 1,
  script: (request) => {
    // Without tools it is asked to sum up, which says nothing about a turn.
    if (request.tools === undefined) return { text: 'They spoke about the build.' }
    Object.assign(report, { asked: report.asked + 1, last: request, bytes: service.sizes[0] })
    return answers[request.model]!(request)
  },
})

process.on('message', () => process.send!(report))
process.once('disconnect', () => service.close())
process.send!({ baseUrl: service.baseUrl, apiKey: service.apiKey })
