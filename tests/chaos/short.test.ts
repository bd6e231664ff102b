// Proves: no promise breaks in a short chaos run, as `check` has it: every kind of crash once, and the whole checker at the end.
// The long run is started by hand (README.md in this folder).

import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { hold, release } from '../stack/guard.ts'

/** Five times as long as it takes on an idle machine. */
const limitMs = 1_500_000

test(
  'under kill -9 nothing is lost and nothing happens twice',
  async () => {
    const main = join(import.meta.dir, 'main.ts')
    const run = Bun.spawn([process.execPath, main, '--short'], { stdout: 'pipe', stderr: 'pipe', detached: true })
    hold(run.pid, 'SIGTERM')
    const [out, err] = await Promise.all([new Response(run.stdout).text(), new Response(run.stderr).text()])
    const exitCode = await run.exited
    release(run.pid)
    expect(`${out}${err}`.trimEnd().split('\n').at(-1), `${out}${err}`).toMatch(
      /^12 cycles, \d{4,} orders, 0 violations$/,
    )
    expect(exitCode).toBe(0)
  },
  limitMs,
)
