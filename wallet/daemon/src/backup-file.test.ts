import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { openBackup, sealBackup } from './backup-file.ts'

const passphrase = () => Buffer.from('a passphrase of its own')
const files = [
  { path: 'config.toml', content: Buffer.from('[daemon]\n') },
  { path: 'keystore/keystore.json', content: Buffer.from('{}') },
]
const withHash = (content: Buffer) => Buffer.concat([content, createHash('sha256').update(content).digest()])

test('what was sealed comes out again, and every backup is sealed differently', async () => {
  const sealed = await sealBackup(files, passphrase())
  expect(await openBackup(sealed, passphrase())).toEqual(files)
  expect(await sealBackup(files, passphrase())).not.toEqual(sealed)
  await expect(openBackup(sealed, Buffer.from('another'))).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE_WRONG' })
  expect(sealed.includes('daemon')).toBe(false)
})

test('a change of any one bit is refused', async () => {
  const sealed = await sealBackup(files, passphrase())
  for (let place = 0; place < sealed.length; place++) {
    const changed = Buffer.from(sealed)
    changed[place]! ^= 1 << (place % 8)
    const code = expect.stringMatching(/^BACKUP_(DAMAGED|FOREIGN)$/)
    await expect(openBackup(changed, passphrase())).rejects.toMatchObject({ code })
  }
})

test('a change is refused too where somebody made the checksum anew', async () => {
  const sealed = await sealBackup(files, passphrase())
  const content = sealed.subarray(0, -32)
  for (const place of [content.length - 1, content.length - 17, content.length - 60]) {
    const changed = Buffer.from(content)
    changed[place]! ^= 1
    await expect(openBackup(withHash(changed), passphrase())).rejects.toMatchObject({ code: 'BACKUP_PASSPHRASE_WRONG' })
  }
  const weak = Buffer.from(content.toString('latin1').replace('"memoryCost":65536', '"memoryCost":8'), 'latin1')
  await expect(openBackup(withHash(weak), passphrase())).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
})

test.each([
  '../../etc/cron.d/x',
  '/etc/passwd',
  'keystore/../../x.json',
  'run/daemon.lock',
  'keystore/secrets/../x.json',
])('a file called %s is not taken out of a backup', async (path) => {
  const sealed = await sealBackup([{ path, content: Buffer.from('x') }], passphrase())
  await expect(openBackup(sealed, passphrase())).rejects.toMatchObject({ code: 'BACKUP_DAMAGED' })
})
