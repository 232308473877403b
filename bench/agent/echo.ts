import { fork } from 'node:child_process'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { latencies } from '../load.ts'

/** Milliseconds of `count` messages to a server that says them back, one after the other. */
export async function echoLatencies(count: number): Promise<number[]> {
  const child = fork(new URL('./echo-process.ts', import.meta.url), [])
  const ended = once(child, 'exit')
  try {
    const [port] = (await once(child, 'message')) as [number]
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    await once(socket, 'open')
    const echo = async () => {
      socket.send('Is the build green?')
      await once(socket, 'message')
    }
    await latencies(count, 1, echo)
    const millis = await latencies(count, 1, echo)
    socket.terminate()
    return millis
  } finally {
    child.disconnect()
    await ended
  }
}
