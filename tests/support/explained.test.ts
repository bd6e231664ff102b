// Proves: a test that fails shows what its service said. It runs in a run of its own, since this one should pass.

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { inRepo } from '../../src/build/repository.ts'
import { temporaryDir } from './servers.ts'

const failing = `
  import { expect, test } from '${inRepo('tests', 'support', 'explained.ts')}'
  import { startService } from '${inRepo('tests', 'support', 'service.ts')}'
  test.each(['one'])('%s that fails', async () => {
    const service = await startService({ env: { LOG_LEVEL: 'loud' }, wait: 'nothing' })
    expect(await service.exited).toBe(0)
  })
  test('one that passes', () => undefined)
`
const quick = `
  import { test } from 'bun:test'
  test('one that needs no time', () => undefined)
`
const slow = `
  import { beforeAll, test } from 'bun:test'
  beforeAll(() => Bun.sleep(5_200))
  test('one that needs longer', () => Bun.sleep(5_200))
`

/** Runs these files by `bun test` as a person does, without a flag. */
const runTests = async (sources: Readonly<Record<string, string>>): Promise<{ exitCode: number; output: string }> => {
  const dir = temporaryDir('explained')
  const files = Object.keys(sources).map((name) => join(dir, `${name}.test.ts`))
  await Promise.all(files.map((file, i) => Bun.write(file, Object.values(sources)[i]!)))
  const child = Bun.spawn([process.execPath, 'test', ...files], { cwd: inRepo(), stdout: 'pipe', stderr: 'pipe' })
  const [out, err, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  return { exitCode, output: `${out}${err}` }
}

test('the last words of a service are shown with the test that fails', async () => {
  const { exitCode, output } = await runTests({ failing })
  expect(exitCode).toBe(1)
  expect(output).toMatch(/-- the service on port \d+ \(process \d+\) said last[^]*LOG_LEVEL[^]*\(fail\) one that fails/)
  expect(output).toContain('(pass) one that passes')
})

test('a slow test and a slow hook pass, also in the second file of a run', async () => {
  const { exitCode, output } = await runTests({ quick, slow })
  expect(output).toContain(' 2 pass')
  expect(exitCode).toBe(0)
})

test('every file that starts services has its tests explained', async () => {
  const files = [...new Bun.Glob('tests/**/*.test.ts').scanSync(inRepo())]
  const texts = await Promise.all(files.map((file) => Bun.file(inRepo(file)).text()))
  const silent = files.filter((_, i) => {
    const imports = [...texts[i]!.matchAll(/^import .*|^\} from .*/gm)].join('\n')
    return /support\/(?:service|world)\.ts'/.test(imports) && /from 'bun:test'/.test(imports)
  })
  expect(silent).toEqual([])
})
