// L4 as a cell: wrk against the echo server, with the same requests.

import { join } from 'node:path'
import type { Bench, Cell } from '../bench.ts'
import { startEcho } from '../echoServer.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { runWrk } from '../measure/wrk.ts'
import { wrkFigures } from './closedLoop.ts'

const connections = 64

export const echoCell = (bench: Bench, kind: 'post' | 'get'): Cell => ({
  name: kind === 'post' ? 'L4 Elysia, validation only' : 'L4 Elysia, no database',
  async run() {
    await using echo = await startEcho(join(bench.world.dir, 'echo.log'))
    const args = kind === 'post' ? [bench.bodiesFile, 'echo'] : [`${bench.scale.readOrders}`]
    const wrk = (seconds: number) =>
      runWrk({ wrk: bench.tools.wrk, script: `${kind}.lua`, url: echo.url, connections, seconds, args })
    await wrk(bench.scale.warmupSeconds)
    const meter = startCpuMeter({ echo: echo.pid })
    const result = await wrk(bench.scale.seconds)
    const cpu = { ...meter.stop(), wrk: Math.round((result.cpuSeconds / result.seconds) * 100) }
    const faults = result.refused > 0 ? [`${result.refused} requests were refused`] : []
    return { figures: wrkFigures(result), cpu, recount: { ok: faults.length === 0, faults, facts: {} } }
  },
})
