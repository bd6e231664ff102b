// Pages of the list at several depths of a loaded table, by the filters that promise the same cost at any depth.

import type { Bench, Figures, Measured } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, percentilesOf, type Histogram } from '../measure/histogram.ts'
import { tickerOf, userIdOf } from '../mix/orderMix.ts'
import type { Recount } from '../recount/recount.ts'
import { loadedId } from '../world/loader.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { roots } from './closedLoop.ts'

const limit = 50
const pagesEach = 10
/** Depths and filters take turns, so that code that is getting warm favours none. */
const passes = 4
/** From the newest order to near the oldest: the last pages must still be full. */
const depths = [0, 0.25, 0.5, 0.75, 0.95] as const
const filters = [
  '',
  `userId=${userIdOf(7)}`,
  `ticker=${tickerOf(3)}`,
  `userId=${userIdOf(8)}&status=open`,
  `ticker=${tickerOf(5)}&status=closed`,
] as const

/** When the n-th loaded order was accepted: its id says so. */
const timeOf = (n: number): string =>
  new Date(Number.parseInt(loadedId(n).replace('-', '').slice(0, 12), 16)).toISOString()

type Page = { orders: { id: string }[]; nextCursor: string | null }
type Walk = { filter: string; depth: number; orders: number }

/** Some pages on from a depth; answers what was wrong with them. */
const walk = async (trial: Trial, { filter, depth, orders }: Walk, latencies: Histogram): Promise<string[]> => {
  const before = depth === 0 ? '' : `&createdBefore=${timeOf(Math.round(orders * (1 - depth)))}`
  let cursor = ''
  let last = 'g'
  for (let page = 0; page < pagesEach; page++) {
    const startedAt = performance.now()
    const response = await fetch(`${trial.url}/orders?limit=${limit}&${filter}${before}${cursor}`)
    const { orders: found, nextCursor } = (await response.json()) as Page
    latencies.record((performance.now() - startedAt) * 1000)
    const where = `page ${page} of "${filter}" at depth ${depth}`
    if (!response.ok) return [`${where} was refused`]
    if (found.some(({ id }, i) => id >= (i === 0 ? last : found[i - 1]!.id))) return [`${where} is out of order`]
    if (nextCursor === null) return []
    last = found.at(-1)?.id ?? last
    cursor = `&cursor=${nextCursor}`
  }
  return []
}

export const measurePages = async (bench: Bench, orders: number): Promise<Measured> => {
  await using trial = await openTrial(bench.world, { database: await bench.world.loadedDatabase(orders) })
  const service = await trial.serve()
  const faults: string[] = []
  for (const filter of filters) await walk(trial, { filter, depth: 0, orders }, createHistogram())
  const meter = startCpuMeter(roots(bench, service.pid))
  const startedAt = performance.now()
  const byDepth = depths.map((depth) => ({ depth, latencies: createHistogram() }))
  for (let pass = 0; pass < passes; pass++)
    for (const { depth, latencies } of byDepth)
      for (const filter of filters) faults.push(...(await walk(trial, { filter, depth, orders }, latencies)))
  const cpu = meter.stop()
  const all = createHistogram(...byDepth.map(({ latencies }) => latencies.sparse()))
  const perSecond = (all.count() / (performance.now() - startedAt)) * 1000
  const figures: Figures = Object.fromEntries(
    byDepth.map(({ depth, latencies }) => [`depth${depth * 100}P50Ms`, latencies.percentileMs(0.5)]),
  )
  const recount: Recount = { ok: faults.length === 0, faults, facts: { pages: all.count() } }
  return { figures: { perSecond, ...percentilesOf(all), ...figures }, cpu, recount }
}
