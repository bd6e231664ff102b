// W7: small things: how long a start takes, the size of the binary and its memory, and the cost of an idle service.

import { statSync } from 'node:fs'
import type { Bench, Cell, Measured, Workload } from '../bench.ts'
import { residentMb, startCpuMeter } from '../measure/cpu.ts'
import { verify } from '../recount/verify.ts'
import { openTrial, type Trial } from '../world/trial.ts'

const starts = 10
/** Seldom enough not to take the processor from the start itself. */
const pollMs = 5
/** The wait until the requests of the start no longer count. */
const settleMs = 5_000

/** The process itself, not the harness's server: that one looks for readiness only every 25 ms. */
const startOnce = async (bench: Bench, trial: Trial): Promise<number> => {
  const startedAt = performance.now()
  const child = Bun.spawn([bench.world.binary, 'serve'], {
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'ignore',
    env: trial.env,
  })
  const isReady = () =>
    fetch(`${trial.url}/actuator/health/readiness`).then(
      ({ ok }) => ok,
      () => false,
    )
  try {
    while (!(await isReady())) await Bun.sleep(pollMs)
    return performance.now() - startedAt
  } finally {
    child.kill('SIGTERM')
    await child.exited
  }
}

const verified = async (bench: Bench, trial: Trial, measured: Omit<Measured, 'recount'>): Promise<Measured> => ({
  ...measured,
  recount: await verify(bench.world.binary, trial.env, { topics: true }),
})

const startCell = (bench: Bench): Cell => ({
  name: 'start to ready',
  async run() {
    await using trial = await openTrial(bench.world)
    const readyMs = await startOnce(bench, trial)
    return await verified(bench, trial, { figures: { readyMs }, cpu: {} })
  },
})

const idleCell = (bench: Bench, seconds: number): Cell => ({
  name: 'idle',
  rounds: 1,
  async run() {
    await using trial = await openTrial(bench.world)
    const service = await trial.serve()
    await Bun.sleep(settleMs)
    const meter = startCpuMeter({
      service: service.pid,
      postgres: bench.world.postgres.pid,
      kafka: bench.world.kafka.pid,
    })
    await Bun.sleep(seconds * 1000)
    const cpu = meter.stop()
    const binaryMb = statSync(bench.world.binary).size / 1e6
    const figures = { cpuPercent: cpu['service'] ?? 0, residentMb: residentMb(service.pid), binaryMb }
    return await verified(bench, trial, { figures, cpu })
  },
})

export const w7 = (bench: Bench): Workload => ({
  name: 'W7',
  title: 'Small things',
  rounds: starts,
  cells: [startCell(bench), idleCell(bench, 2 * bench.scale.seconds)],
})
