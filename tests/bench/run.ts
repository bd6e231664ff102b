// Round after round, cell after cell: limits and workloads take turns, so that other load of the machine hits them equally. A run
// that resumes does not repeat earlier measurements.

import type { Bench, Cell, Measurement, Workload } from './bench.ts'
import { writeState, type BenchState } from './state.ts'

/** A run prints at least this often, so that nobody thinks that it hangs. */
const silenceMaxMs = 10_000

export type Say = ((line: string) => void) & { silentMs: () => number }

/** Lines with their time, on standard output. */
export const createSay = (): Say => {
  let saidAt = performance.now()
  const say = (line: string): void => {
    saidAt = performance.now()
    console.log(`${new Date().toISOString().slice(11, 19)} ${line}`)
  }
  return Object.assign(say, { silentMs: () => performance.now() - saidAt })
}

const figureText = ({ figures, recount }: Measurement): string =>
  recount.ok
    ? Object.entries(figures)
        .map(([name, value]) => `${name} ${value.toLocaleString('en-US', { maximumFractionDigits: 2 })}`)
        .join(', ')
    : `INVALID: ${recount.faults.join('; ')}`

const cpuText = ({ cpu }: Measurement): string =>
  Object.entries(cpu)
    .map(([name, share]) => `${name} ${share} %`)
    .join(', ')

const measure = async (bench: Bench, workload: Workload, cell: Cell, round: number): Promise<Measurement> => {
  const what = `${workload.name} round ${round}/${cell.rounds ?? workload.rounds}  ${cell.name}`
  const startedAt = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - startedAt) / 1000)} s`
  const heartbeat = setInterval(() => {
    if (bench.say.silentMs() > silenceMaxMs) bench.say(`${what}: under way for ${seconds()}`)
  }, 1_000)
  try {
    const measured = await cell.run(round)
    const at = new Date().toISOString()
    const tookMs = Math.round(performance.now() - startedAt)
    const measurement = { ...measured, workload: workload.name, cell: cell.name, round, at, tookMs }
    bench.say(`${what}: ${figureText(measurement)} (${seconds()}; cpu ${cpuText(measurement)})`)
    return measurement
  } finally {
    clearInterval(heartbeat)
  }
}

/** One cell that fails need not end a night's run; two in a row mean that something is wrong with the run itself. */
const failuresInARowMax = 2

const cellsIn = ({ cells, alternating = false }: Workload, round: number): readonly Cell[] =>
  alternating && round % 2 === 0 ? cells.toReversed() : cells

/** Adds what is missing to the state; answers how many cells failed. Those are not in the state, so that --resume repeats them. */
export const runWorkload = async (
  bench: Bench,
  workload: Workload,
  state: BenchState,
  dir: string,
): Promise<number> => {
  const isDone = (cell: Cell, round: number): boolean =>
    state.measurements.some((one) => one.workload === workload.name && one.cell === cell.name && one.round === round)
  let [failures, inARow] = [0, 0]
  for (let round = 1; round <= workload.rounds; round++)
    for (const cell of cellsIn(workload, round)) {
      if (round > (cell.rounds ?? workload.rounds) || isDone(cell, round)) continue
      try {
        state.measurements.push(await measure(bench, workload, cell, round))
        inARow = 0
      } catch (error) {
        failures++
        if (++inARow === failuresInARowMax) throw error
        bench.say(`${workload.name} round ${round}  ${cell.name}: FAILED`)
        console.error(error)
      }
      writeState(dir, state)
    }
  return failures
}
