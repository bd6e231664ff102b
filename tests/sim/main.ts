// bun tests/sim/main.ts --seeds 1000 [--from N]      runs that many seeds, each twice, and compares the logs byte for byte
// bun tests/sim/main.ts --seed N [--verbose]         runs one; --verbose prints its whole log

import { parseArgs } from 'node:util'
import { simulate, type Run } from './simulate.ts'

/** More failures would say nothing new. */
const failuresMax = 5

/** The command that replays a seed. */
export const replayOf = (seed: number): string => `bun tests/sim/main.ts --seed ${seed} --verbose`

const firstDifference = (a: string, b: string): string => {
  const [left, right] = [a.split('\n'), b.split('\n')]
  const at = left.findIndex((line, i) => line !== right[i])
  return `line ${at + 1}:\n  ${left[at]}\n  ${right[at]}`
}

/** Errors that escaped from the code of the run: uncaught exceptions and unhandled rejections. */
const escapes: unknown[] = []

/** One run; an error that nobody caught is a broken promise like any other. */
const runOnce = async (seed: number): Promise<Run> => {
  let run: Run = { log: '', broken: [] }
  try {
    run = simulate(seed)
  } catch (error) {
    escapes.push(error)
  }
  // Rejections are reported between two turns of the real event loop.
  await new Promise((resolve) => setImmediate(resolve))
  const errors = escapes.splice(0).map((error) => `not caught: ${error instanceof Error ? error.stack : String(error)}`)
  return { log: run.log, broken: [...run.broken, ...errors] }
}

/** Runs a seed twice; says what did not hold. */
const faultsOf = async (seed: number): Promise<string[]> => {
  const [first, second] = [await runOnce(seed), await runOnce(seed)]
  if (first.log === second.log) return first.broken
  return [...first.broken, `two runs of one seed differ, ${firstDifference(first.log, second.log)}`]
}

const runOne = async (seed: number, verbose: boolean): Promise<number> => {
  const { log, broken } = await runOnce(seed)
  if (verbose) process.stdout.write(log)
  for (const promise of broken) console.error(`seed ${seed}: ${promise}`)
  return broken.length === 0 ? 0 : 1
}

const runMany = async (from: number, count: number): Promise<number> => {
  const startedAt = performance.now()
  let failed = 0
  let seed = from
  for (; seed < from + count && failed < failuresMax; seed++) {
    const broken = await faultsOf(seed)
    if (broken.length === 0) continue
    failed++
    console.error(`seed ${seed}: ${broken.slice(0, 3).join('\n')}\n${replayOf(seed)}`)
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  console.log(`${seed - from} seeds from ${from}, each twice, in ${seconds} s: ${failed} failed`)
  return failed === 0 ? 0 : 1
}

if (import.meta.main) {
  process.on('unhandledRejection', (error) => void escapes.push(error))
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '1000' },
      from: { type: 'string', default: '1' },
      seed: { type: 'string' },
      verbose: { type: 'boolean', default: false },
    },
  })
  process.exitCode =
    values.seed === undefined
      ? await runMany(Number(values.from), Number(values.seeds))
      : await runOne(Number(values.seed), values.verbose)
}
