// W1: placing orders.

import type { Bench, Cell, Measured, Workload } from '../bench.ts'
import { median } from '../measure/statistics.ts'
import { measurePosts } from './closedLoop.ts'
import { echoCell } from './echo.ts'
import { limitCell } from './limit.ts'
import { measureWithoutKafka } from './outage.ts'
import { measurePaced } from './paced.ts'

const rates = [500, 1_000, 5_000] as const
const mainCell = '64 connections'
/** For the plot of throughput against batch: enough requests at once to fill the largest in both lanes. */
const batches = [1, 4, 16, 64, 256] as const
const batchConnections = 512

const half = async (bench: Bench): Promise<Measured> => {
  const most = bench.values('W1', mainCell, 'perSecond')
  if (most.length > 0) return measurePaced(bench, Math.round(median(most) / 2))
  return { figures: {}, cpu: {}, recount: { ok: false, faults: ['the maximum has no valid figure'], facts: {} } }
}

const closed = (bench: Bench, connections: number): Cell => ({
  name: `${connections} connections`,
  run: () => measurePosts(bench, { connections }),
})

const batchCell = (bench: Bench, batch: number): Cell => ({
  name: `batches of at most ${batch}`,
  rounds: 1,
  run: () =>
    measurePosts(bench, { connections: batchConnections, trial: { env: { BATCH_MAX_ORDERS: String(batch) } } }),
})

export const w1 = (bench: Bench): Workload => ({
  name: 'W1',
  title: 'Placing orders',
  rounds: bench.scale.rounds,
  cells: [
    limitCell(bench, { script: 'L1', title: 'begin; insert; insert; commit', rows: 1, table: 'orders' }),
    closed(bench, 64),
    limitCell(bench, { script: 'L2', title: 'both in one statement', rows: 1, table: 'orders' }),
    closed(bench, 16),
    limitCell(bench, { script: 'L3', title: '100 orders a statement', rows: 100, table: 'orders' }),
    closed(bench, 256),
    echoCell(bench, 'post'),
    ...rates.map((rate) => ({ name: `${rate}/s`, run: () => measurePaced(bench, rate) })),
    { name: 'half of the maximum', run: () => half(bench) },
    { name: '64 connections, Kafka stopped', run: () => measureWithoutKafka(bench, { connections: 64 }) },
    ...batches.map((batch) => batchCell(bench, batch)),
  ],
})
