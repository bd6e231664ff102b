// Proves: a thousand seeds of the simulation hold, each run twice to the same log, on as many processors as there are. A seed
// that fails prints the one command that replays it.

import { expect, test } from 'bun:test'
import { availableParallelism } from 'node:os'
import { inRepo, repoDir } from '../../src/build/repository.ts'
import { hold, release } from '../stack/guard.ts'
import { replayOf } from './main.ts'
import { planOf } from './plan.ts'
import { simulate } from './simulate.ts'

const seeds = 1_000
const processesMax = 8
/** Only a run that hangs takes so long; a busy machine needs a quarter of it. */
const limitMs = 3_600_000

/** In processes of their own: the run swaps the clock of its process, and one processor would take twice the time. */
const runShare = async (from: number, count: number): Promise<{ exitCode: number; output: string }> => {
  const command = [process.execPath, inRepo('tests', 'sim', 'main.ts'), '--from', `${from}`, '--seeds', `${count}`]
  const child = Bun.spawn(command, { cwd: repoDir, stdout: 'pipe', stderr: 'pipe' })
  hold(child.pid, 'SIGTERM')
  const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()])
  const exitCode = await child.exited
  release(child.pid)
  return { exitCode, output: errors + output }
}

test(
  `${seeds} seeds keep every promise, and each gives the same log twice`,
  async () => {
    const shares = Math.min(processesMax, availableParallelism())
    const each = Math.ceil(seeds / shares)
    const runs = await Promise.all(Array.from({ length: shares }, (_, i) => runShare(1 + i * each, each)))
    for (const { exitCode, output } of runs) expect(exitCode, output).toBe(0)
  },
  limitMs,
)

test('a run leaves the clock, the timers and the random numbers of its process as they were', () => {
  const globals = () => {
    // oxlint-disable-next-line typescript/unbound-method -- it is only compared
    const { now } = performance
    return [setTimeout, setInterval, setImmediate, clearTimeout, Math.random, now]
  }
  const before = globals()
  simulate(1)
  expect(globals()).toEqual(before)
})

test('seeds differ: in what goes wrong, and in what happens', () => {
  expect(simulate(2).log).not.toBe(simulate(3).log)
  const plans = Array.from({ length: 200 }, (_, seed) => planOf(seed).plan)
  const share = (of: (plan: (typeof plans)[number]) => boolean): number => plans.filter(of).length / plans.length
  expect(share(({ calm }) => calm)).toBeGreaterThan(0.1)
  expect(share(({ kills, postgresCrashes }) => kills > 0 && postgresCrashes > 0)).toBeGreaterThan(0.05)
  expect(share(({ replicas }) => replicas > 1)).toBeGreaterThan(0.5)
})

test('one command replays a seed', () => {
  expect(replayOf(17)).toBe('bun tests/sim/main.ts --seed 17 --verbose')
})
