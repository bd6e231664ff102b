// Proves: a test that fails shows what its service said. It runs in a run of its own, since this one should pass.

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { inRepo } from '../../src/build/repository.ts'
import { temporaryDir } from './servers.ts'

const failing = `
  import { expect, test } from 'bun:test'
  import { startService } from '${inRepo('tests', 'support', 'service.ts')}'
  test.each(['one'])('%s that fails', async () => {
    const service = await startService({ env: { LOG_LEVEL: 'loud' }, wait: 'nothing' })
    expect(await service.exited).toBe(0)
  })
  test('one that passes', () => undefined)
`

test('the last words of a service are shown with the test that fails', async () => {
  const file = join(temporaryDir('explained'), 'failing.test.ts')
  await Bun.write(file, failing)
  const child = Bun.spawn([process.execPath, 'test', file], { cwd: inRepo(), stdout: 'pipe', stderr: 'pipe' })
  const [out, err, exitCode] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect(exitCode).toBe(1)
  expect(`${out}${err}`).toMatch(
    /-- the service on port \d+ \(process \d+\) said last[^]*LOG_LEVEL[^]*\(fail\) one that fails/,
  )
  expect(`${out}${err}`).toContain('(pass) one that passes')
})
