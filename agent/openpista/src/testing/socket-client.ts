import { connect } from 'node:net'
import { createLineReader } from '../gateway/line-reader.ts'
import { createFrameInbox, type TestClient, testClient } from './agent-fixture.ts'

/** A client of the protocol over the Unix socket. */
export async function socketClient(path: string): Promise<TestClient> {
  const socket = connect(path)
  const inbox = createFrameInbox()
  const lines = createLineReader()
  socket.on('data', (chunk) => {
    for (const line of lines.push(chunk)) inbox.push(line)
  })
  await new Promise((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return testClient(
    inbox,
    (text) => socket.write(`${text}\n`),
    () => socket.destroy(),
  )
}
