import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

test('secrets are cut out of log lines by field name', () => {
  const script = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'index.ts'))}
    createLogger('test', 'info').info({ token: 'abc-1', request: { headers: { authorization: 'abc-2' } }, user: { password: 'abc-3' }, fine: 'shown' }, 'hello')`
  const line = execFileSync('sh', ['-c', `"${process.execPath}" --input-type=module -e "$0" 2>&1`, script], {
    encoding: 'utf8',
  })
  expect(line).toContain('shown')
  expect(line).not.toMatch(/abc-\d/)
})
