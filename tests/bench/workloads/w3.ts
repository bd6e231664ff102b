// W3: the outbox.

import type { Bench, Cell, Figures, Workload } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, percentilesOf } from '../measure/histogram.ts'
import { runProducerPerf } from '../measure/producerPerf.ts'
import { median } from '../measure/statistics.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { measureDrain } from './outage.ts'
import { measurePaced } from './paced.ts'

const rates = [600, 5_000] as const
const drainCell = 'drain after Kafka was away'
/** The size of key, value and headers if no drain has measured it yet. */
const usualRecordBytes = 600
const page = 50_000
/** The broker's time is cut to the millisecond: with one more it is never early. */
const clockGrainMs = 1

type Placed = { orderId: string; ticker: string }

/**
 * From the commit of each order to the append of its event, by the clocks of Postgres and the broker, which are one machine's.
 * `counts` chooses the orders.
 */
export const publishLatency = async (
  bench: Bench,
  trial: Trial,
  counts: (order: Placed) => boolean = () => true,
): Promise<Figures> => {
  const appended = new Map<string, number>()
  await bench.reader.scan(trial.topics.placed, ({ value, appendedAt }) => {
    const order = JSON.parse(value!.toString()) as Placed
    if (counts(order)) appended.set(order.orderId, appendedAt)
  })
  const histogram = createHistogram()
  const warmUntil = Math.min(...appended.values()) + bench.scale.warmupSeconds * 1000
  const rows = trial.sql<{ id: string; at: number }[]>`
    select id, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at from orders`
  await rows.cursor(page, (some) => {
    for (const { id, at } of some) {
      const appendedAt = appended.get(id)
      if (at > warmUntil && appendedAt !== undefined) histogram.record((appendedAt + clockGrainMs - at) * 1000)
    }
  })
  const { p50Ms, p99Ms, p999Ms } = percentilesOf(histogram)
  return { commitToAckP50Ms: p50Ms, commitToAckP99Ms: p99Ms, commitToAckP999Ms: p999Ms }
}

const producerPerfCell = (bench: Bench): Cell => ({
  name: 'Kafka’s producer perf tool',
  async run() {
    await using trial = await openTrial(bench.world)
    const drained = bench.values('W3', drainCell, 'recordBytes')
    const recordBytes = drained.length === 0 ? usualRecordBytes : median(drained)
    const records = bench.scale.outboxRows
    const { kafka } = bench.world
    const meter = startCpuMeter({ kafka: kafka.pid })
    const startedAt = performance.now()
    const result = await runProducerPerf({
      bootstrap: kafka.bootstrap,
      topic: trial.topics.placed,
      records,
      recordBytes,
    })
    const { perSecond, p50Ms, p99Ms, p999Ms } = result
    const seconds = (performance.now() - startedAt) / 1000
    const cpu = { ...meter.stop(), producer: Math.round((result.cpuSeconds / seconds) * 100) }
    const ends = await bench.reader.ends(trial.topics.placed)
    const found = ends.reduce((sum, end) => sum + end, 0)
    const faults = found === records ? [] : [`${found} records are on the topic, not ${records}`]
    const recount = { ok: faults.length === 0, faults, facts: { records: found } }
    return { figures: { perSecond, p50Ms, p99Ms, p999Ms, recordBytes }, cpu, recount }
  },
})

export const w3 = (bench: Bench): Workload => ({
  name: 'W3',
  title: 'The outbox',
  rounds: bench.scale.rounds,
  cells: [
    { name: drainCell, run: () => measureDrain(bench) },
    producerPerfCell(bench),
    ...rates.map((rate) => ({
      name: `${rate}/s`,
      run: () => measurePaced(bench, rate, { more: (trial) => publishLatency(bench, trial) }),
    })),
  ],
})
