// W14: placing orders by FIX, from the NewOrderSingle to the first ExecutionReport, beside HTTP with as many requests under way.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sessionLines, sessionRow, secretOf } from '../../fix/client/sessions.ts'
import { freePort } from '../../stack/ports.ts'
import type { Bench, Cell, Measured, Workload } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { fixLoad } from '../measure/fixLoad.ts'
import { createHistogram, percentilesOf } from '../measure/histogram.ts'
import { openTrial } from '../world/trial.ts'
import { measurePosts, recountOrders, roots } from './closedLoop.ts'

const underWay = 64
const idPrefix = 'firm-'

const measureFix = async (bench: Bench, sessions: number): Promise<Measured> => {
  const port = await freePort()
  const file = join(bench.world.dir, 'fix-sessions.jsonl')
  const ids = Array.from({ length: sessions }, (_, n) => `${idPrefix}${n}`)
  writeFileSync(file, sessionLines(ids.map((id) => sessionRow(id))))
  await using trial = await openTrial(bench.world, { env: { FIX_PORT: String(port), FIX_SESSIONS_FILE: file } })
  const service = await trial.serve()
  const ackedFile = join(bench.world.dir, `${trial.name}.acked`)
  const meter = startCpuMeter(roots(bench, service.pid))
  const { seconds, warmupSeconds } = bench.scale
  const result = await fixLoad({
    port,
    sessions: ids.map((id) => ({ sender: id.toUpperCase(), target: 'ORDERS', password: secretOf(id) })),
    underWay: underWay / sessions,
    seconds,
    warmupSeconds,
    ackedFile,
  })
  const cpu = { ...meter.stop(), client: Math.round((result.cpuSeconds / (seconds + warmupSeconds)) * 100) }
  const ackedIds = readFileSync(ackedFile, 'utf8').trimEnd().split('\n')
  rmSync(ackedFile)
  const record = { acked: ackedIds.length, ackedIds, unanswered: result.unanswered }
  const recount = await recountOrders(bench, trial, record, 'topics')
  const figures = {
    perSecond: result.accepted / seconds,
    refused: result.refused,
    ...percentilesOf(createHistogram(result.latencies)),
  }
  return { figures, cpu, recount }
}

const cell = (bench: Bench, sessions: number): Cell => ({
  name: sessions === 1 ? 'FIX, 1 session' : `FIX, ${sessions} sessions`,
  run: () => measureFix(bench, sessions),
})

export const w14 = (bench: Bench): Workload => ({
  name: 'W14',
  title: 'Placing orders by FIX',
  rounds: bench.scale.rounds,
  cells: [
    { name: `HTTP, ${underWay} connections`, run: () => measurePosts(bench, { connections: underWay }) },
    cell(bench, 1),
    cell(bench, 8),
  ],
})
