// W11: streams. What a thousand cost that have nothing to say, and what it costs to give every event to one stream of all and a quarter of
// them to 250 streams of users, while orders come at a steady rate; and the same with three times as many that another replica took.

import type { Bench, Cell, Measured, Workload } from '../bench.ts'
import { residentMb, startCpuMeter } from '../measure/cpu.ts'
import { openStreamClients } from '../measure/streamClients.ts'
import { userIdOf } from '../mix/orderMix.ts'
import { verify } from '../recount/verify.ts'
import { openTrial } from '../world/trial.ts'
import { writeOrders } from '../world/writer.ts'
import { recountOrders, roots } from './closedLoop.ts'
import { pacedFigures, runPaced } from './paced.ts'

const idleStreams = 1_000
const streamsOfUsers = 250
const ordersPerSecond = 3_000
const writtenPerSecond = 9_000
/** The wait until what the start and the connections cost no longer counts. */
const settleMs = 5_000

const portOf = (url: string): number => Number(new URL(url).port)

/** One of all orders, and one of each of so many users. */
const queriesOf = (streams: number): string[] => [
  '',
  ...Array.from({ length: streams }, (_, i) => `?userId=${userIdOf(i)}`),
]

const idleCell = (bench: Bench): Cell => ({
  name: '1,000 idle streams',
  rounds: 1,
  async run() {
    const { seconds } = bench.scale
    await using trial = await openTrial(bench.world, { env: { STREAMS_PER_CALLER_MAX: String(idleStreams) } })
    const service = await trial.serve()
    await Bun.sleep(settleMs)
    const before = residentMb(service.pid)
    const queries = Array.from({ length: idleStreams }, (_, i) => `?userId=${userIdOf(i)}`)
    const clients = await openStreamClients({ port: portOf(trial.url), queries })
    await Bun.sleep(settleMs)
    const meter = startCpuMeter(roots(bench, service.pid))
    await Bun.sleep(2 * seconds * 1000)
    const cpu = meter.stop()
    const after = residentMb(service.pid)
    const { lost } = await clients.stop()
    const figures = {
      streams: idleStreams,
      cpuPercent: cpu['service'] ?? 0,
      kbPerStream: Math.round(((after - before) * 1000) / idleStreams),
      lost,
    }
    return { figures, cpu, recount: await verify(bench.world.binary, trial.env, { topics: true }) }
  },
})

const loadedCell = (bench: Bench, streams: number): Cell => ({
  name: streams === 0 ? 'no stream' : `${streams} of users, 1 of all`,
  rounds: 3,
  async run(): Promise<Measured> {
    const { seconds, warmupSeconds } = bench.scale
    await using trial = await openTrial(bench.world)
    const service = await trial.serve()
    const clients =
      streams === 0 ? null : await openStreamClients({ port: portOf(trial.url), queries: queriesOf(streams) })
    const meter = startCpuMeter(roots(bench, service.pid))
    const { result, record } = await runPaced(bench, trial, { perSecond: ordersPerSecond, seconds })
    const cpu = meter.stop()
    const rssMb = residentMb(service.pid)
    // The rest comes within this time after the last order.
    await Bun.sleep(settleMs)
    const seen = await clients?.stop()
    const recount = await recountOrders(bench, trial, record, 'topics')
    const ofStreams =
      seen === undefined
        ? {}
        : {
            eventsPerSecond: seen.events / (seconds + warmupSeconds),
            missedByStreamOfAll: record.acked - seen.firstEvents,
            ageP50Ms: seen.ageP50Ms,
            ageP99Ms: seen.ageP99Ms,
            lost: seen.lost,
          }
    return { figures: { ...pacedFigures(result, seconds), ...ofStreams, residentMb: rssMb }, cpu, recount }
  },
})

const writtenCell = (bench: Bench, streams: number): Cell => ({
  name: `${writtenPerSecond.toLocaleString('en')} of another replica: ${streams} of users, 1 of all`,
  rounds: 3,
  async run(): Promise<Measured> {
    const { seconds } = bench.scale
    await using trial = await openTrial(bench.world)
    const service = await trial.serve()
    const clients = await openStreamClients({ port: portOf(trial.url), queries: queriesOf(streams) })
    const meter = startCpuMeter(roots(bench, service.pid))
    const { written, tookSeconds } = await writeOrders(trial.databaseUrl, { perSecond: writtenPerSecond, seconds })
    const cpu = meter.stop()
    const rssMb = residentMb(service.pid)
    await Bun.sleep(settleMs)
    const { events, firstEvents, ageP50Ms, ageP99Ms, lost } = await clients.stop()
    const figures = {
      perSecond: written / tookSeconds,
      eventsPerSecond: events / tookSeconds,
      missedByStreamOfAll: written - firstEvents,
      ageP50Ms,
      ageP99Ms,
      lost,
      residentMb: rssMb,
    }
    return { figures, cpu, recount: await verify(bench.world.binary, trial.env, { topics: false }) }
  },
})

export const w11 = (bench: Bench): Workload => ({
  name: 'W11',
  title: 'Streams',
  rounds: 3,
  cells: [idleCell(bench), loadedCell(bench, 0), loadedCell(bench, streamsOfUsers), writtenCell(bench, streamsOfUsers)],
})
