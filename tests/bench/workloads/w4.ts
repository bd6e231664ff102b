// W4: reading an order.

import type { Bench, Measured, Workload } from '../bench.ts'
import { sharesOf, startCpuClock } from '../measure/cpu.ts'
import { runWrk, type WrkResult } from '../measure/wrk.ts'
import type { Recount } from '../recount/recount.ts'
import { loadedId } from '../world/loader.ts'
import { openTrial, type Trial, type TrialOptions } from '../world/trial.ts'
import { roots, wrkFigures } from './closedLoop.ts'
import { echoCell } from './echo.ts'
import { limitCell } from './limit.ts'

const loadedOrders = async (bench: Bench): Promise<TrialOptions> => ({
  database: await bench.world.loadedDatabase(bench.scale.readOrders),
})

const sampled = 200
/** One in a hundred is unknown; so many requests leave little room for chance. */
const unknownBetween = { least: 0.005, most: 0.015 } as const

/** A read leaves nothing to count, so this checks that exactly the unknown ids got 404 and that a sample of answers equals the table. */
const recountReads = async (trial: Trial, result: WrkResult, orders: number): Promise<Recount> => {
  const refused = result.refused / result.requests
  const faults: string[] = []
  if (refused < unknownBetween.least || refused > unknownBetween.most)
    faults.push(`${(refused * 100).toFixed(2)} % of the answers were refusals, not 1 %`)
  const ids = Array.from({ length: sampled }, (_, i) => loadedId(1 + Math.floor((i / sampled) * orders)))
  const rows = await trial.sql<{ id: string; status: string; filled: number }[]>`
    select id, status, filled_quantity::float8 as filled from orders where id = any (${ids}::uuid[])`
  for (const { id, status, filled } of rows) {
    const order = (await (await fetch(`${trial.url}/orders/${id}`)).json()) as Record<string, unknown>
    if (order['id'] !== id || order['status'] !== status || order['filledQuantity'] !== filled)
      faults.push(`the answer for ${id} is not what the table holds`)
  }
  if (rows.length !== sampled) faults.push(`${rows.length} of ${sampled} sampled orders are in the table`)
  return { ok: faults.length === 0, faults, facts: { requests: result.requests, refused: result.refused, sampled } }
}

/** `connections` read single orders of a loaded table as fast as they are answered. */
export const measureReads = async (
  bench: Bench,
  { trial: options, orders, connections }: { trial: TrialOptions; orders: number; connections: number },
): Promise<Measured> => {
  await using trial = await openTrial(bench.world, options)
  const service = await trial.serve()
  const wrk = (seconds: number) =>
    runWrk({ wrk: bench.tools.wrk, script: 'get.lua', url: trial.url, connections, seconds, args: [`${orders}`] })
  await wrk(bench.scale.warmupSeconds)
  const clock = startCpuClock(roots(bench, service.pid))
  const result = await wrk(bench.scale.seconds)
  const used = clock.stop()
  const cpu = { ...sharesOf(used), wrk: Math.round((result.cpuSeconds / result.seconds) * 100) }
  const cost = { operations: result.requests, cpuSeconds: used.cpuSeconds }
  const recount = await recountReads(trial, result, orders)
  return { figures: { ...wrkFigures(result), perSecond: result.requests / result.seconds }, cpu, cost, recount }
}

export const w4 = (bench: Bench): Workload => {
  const orders = bench.scale.readOrders
  const on = () => loadedOrders(bench)
  return {
    name: 'W4',
    title: 'Reading an order',
    rounds: bench.scale.rounds,
    cells: [
      limitCell(bench, { script: 'L8', title: 'prepared select', rows: 1, table: null, on, variables: { orders } }),
      {
        name: 'GET, 64 connections',
        run: async () => measureReads(bench, { trial: await on(), orders, connections: 64 }),
      },
      echoCell(bench, 'get'),
    ],
  }
}
