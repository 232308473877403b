import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cheapKdfParams } from './cheap-kdf.fixture.ts'
import { initKeystore, type Keystore, openKeystore } from './keystore.ts'
import type { Channel } from './protocol.ts'
import { createSignerClient } from './signer-client.ts'
import { serveSigner } from './signer-host.ts'

/** Two ends of one pipe. */
function pipe(): [Channel, Channel] {
  const wires = [new EventEmitter(), new EventEmitter()] as const
  const end = (own: EventEmitter, other: EventEmitter): Channel => ({
    send: (message) => void setImmediate(() => other.emit('message', message)),
    onMessage: (listener) => own.on('message', listener),
    onClose: (listener) => own.once('close', listener),
  })
  return [end(wires[0], wires[1]), end(wires[1], wires[0])]
}

test('until the keystore is open every question but "unlocked" is refused, and "unlocked" waits', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'signer-host-'))
  try {
    await initKeystore(folder, Buffer.from('open sesame'), cheapKdfParams())
    const opening = Promise.withResolvers<Keystore>()
    const [daemon, signer] = pipe()
    serveSigner(opening.promise, signer, () => expect.unreachable('the daemon keeps to the protocol'))
    const client = createSignerClient(daemon)
    const locked = { code: 'KEYSTORE_LOCKED' }
    await expect(client.sign('any', Buffer.from('message'))).rejects.toMatchObject(locked)
    await expect(client.createKey('evm')).rejects.toMatchObject(locked)
    await expect(client.secret('session')).rejects.toMatchObject(locked)
    await expect(client.checkPassword('open sesame')).rejects.toMatchObject(locked)
    const keystore = await openKeystore(folder, Buffer.from('open sesame'))
    opening.resolve(keystore)
    await client.unlocked()
    expect(await client.checkPassword('open sesame')).toBe(true)
    keystore.close()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
