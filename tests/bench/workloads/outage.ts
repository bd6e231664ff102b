// Kafka is away: orders go on and wait in the outbox; and how fast they leave it when Kafka comes back.

import type { Bench, Figures, Measured } from '../bench.ts'
import { sharesOf, startCpuClock, startCpuMeter } from '../measure/cpu.ts'
import type { WrkResult } from '../measure/wrk.ts'
import { untilPublished, waitingIn } from '../recount/evidence.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { ackedBy, post, recountOrders, roots, wrkFigures } from './closedLoop.ts'

/** The service notices within this time that no broker answers. */
const noticeMs = 2_000
const fillSeconds = 5
const fillConnections = 256

const withKafkaAway = async <T>({ world: { kafka } }: Bench, use: () => Promise<T>): Promise<T> => {
  await kafka.stop()
  try {
    await Bun.sleep(noticeMs)
    return await use()
  } finally {
    await kafka.restart()
  }
}

/** POST /orders with no broker; recounted when it is back and the outbox is empty. */
export const measureWithoutKafka = async (
  bench: Bench,
  { connections }: { connections: number },
): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  const { warm, result, cpu } = await withKafkaAway(bench, async () => {
    const warm = await post(bench, trial, { connections, seconds: bench.scale.warmupSeconds })
    const meter = startCpuMeter(roots(bench, service.pid))
    const result = await post(bench, trial, { connections, seconds: bench.scale.seconds })
    return { warm, result, cpu: { ...meter.stop(), wrk: Math.round((result.cpuSeconds / result.seconds) * 100) } }
  })
  const recount = await recountOrders(bench, trial, ackedBy([warm, result], connections), 'topics')
  await bench.world.warmKafka()
  return { figures: wrkFigures(result), cpu, recount }
}

/** Between the first and the last record on the topic, by the broker's clock. */
const drainFigures = async (bench: Bench, trial: Trial): Promise<Figures> => {
  let [first, last, records, bytes] = [Number.POSITIVE_INFINITY, 0, 0, 0]
  await bench.reader.scan(trial.topics.placed, (record) => {
    first = Math.min(first, record.appendedAt)
    last = Math.max(last, record.appendedAt)
    records++
    bytes += record.bytes
  })
  return { perSecond: (records / (last - first)) * 1000, rows: records, recordBytes: Math.round(bytes / records) }
}

/** Orders are placed while Kafka is away until enough of them wait; then it comes back. */
export const measureDrain = async (bench: Bench): Promise<Measured> => {
  await using trial = await openTrial(bench.world)
  const service = await trial.serve()
  const filled: WrkResult[] = []
  await withKafkaAway(bench, async () => {
    let waiting = 0
    while (waiting < bench.scale.outboxRows) {
      filled.push(await post(bench, trial, { connections: fillConnections, seconds: fillSeconds }))
      waiting = ackedBy(filled, 0).acked
      bench.say(`W3: ${waiting.toLocaleString('en-US')} events wait`)
    }
  })
  const clock = startCpuClock(roots(bench, service.pid))
  const operations = await waitingIn(trial)
  await untilPublished(trial)
  const used = clock.stop()
  const record = ackedBy(filled, fillConnections)
  const figures = await drainFigures(bench, trial)
  const recount = await recountOrders(bench, trial, record, 'topics')
  await bench.world.warmKafka()
  const cost = { operations, cpuSeconds: used.cpuSeconds }
  return { figures, cpu: sharesOf(used), cost, recount }
}
