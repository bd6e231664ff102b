// W13: one close. A hundred thousand DAY orders end at the same instant, while others are placed at a steady rate and trades are applied: how
// long it takes until the last has its status, and what becomes of the latency of placing meanwhile.

import type { Bench, Figures, Measured, Workload } from '../bench.ts'
import { startCpuMeter } from '../measure/cpu.ts'
import { createHistogram, type SparseCounts } from '../measure/histogram.ts'
import { median } from '../measure/statistics.ts'
import { openTradeFeed } from '../mix/tradeFeed.ts'
import { drawTrades } from '../mix/tradeMix.ts'
import { untilPublished } from '../recount/evidence.ts'
import { mergeRecounts, type Recount } from '../recount/recount.ts'
import { openTrial, type Trial } from '../world/trial.ts'
import { recountOrders, roots } from './closedLoop.ts'
import { runPaced } from './paced.ts'

const closing = 100_000
const rounds = 3
const ordersPerSecond = 200
/** Two legs each, between orders that do not end. */
const tradesPerSecond = 100
const tradedOrders = 1_000
/** An odd number, so that orders of either side come to each. */
const tickers = 25
const storedAtOnce = 10_000
/** From the first row that is stored to the close: all of them are published before the quiet phase. */
const prepareMs = 120_000
const quietMs = 40_000
/** Of the load; from its beginning. What is left of it after the end of the close is quiet again. */
const loadSeconds = 300
const endLimitMs = 900_000
const pollMs = 500

/** Open orders that the broker has, as the service would have stored them. */
const storeOrders = async ({ sql }: Trial, ids: readonly string[], closesAt: Date | null): Promise<void> => {
  for (let i = 0; i < ids.length; i += storedAtOnce)
    await sql`
      with placed as (
        insert into orders (rules_epoch, id, user_id, ticker, side, type, time_in_force, quantity, price, expires_at, created_at, updated_at)
        select 1, id, gen_random_uuid(), 'T' || n % ${tickers}::integer, case when n % 2 = 0 then 'BUY' else 'SELL' end, 'LIMIT',
               case when ${closesAt}::timestamptz is null then 'GTC' else 'DAY' end, 1000000, 150, ${closesAt}::timestamptz, now(), now()
        from unnest(${ids.slice(i, i + storedAtOnce)}::uuid[]) with ordinality as t (id, n)
        returning id, ticker
      )
      insert into outbox (event_id, kind, order_id, ticker, occurred_at) select gen_random_uuid(), 'PLACED', id, ticker, now() from placed`
}

const newIds = (count: number): string[] => Array.from({ length: count }, () => Bun.randomUUIDv7())

/** When the last of the orders had its status, by the database's clock; null: not all have one within the limit. */
const untilEnded = async ({ sql }: Trial, closesAt: Date): Promise<Date | null> => {
  const limit = performance.now() + endLimitMs
  while (performance.now() < limit) {
    const [row] = await sql<{ open: boolean }[]>`
      select exists (select from orders where open and expires_at = ${closesAt}::timestamptz) as open`
    if (!row!.open) break
    await Bun.sleep(pollMs)
  }
  const [ended] = await sql<{ orders: number; at: Date }[]>`
    select count(*)::integer as orders, max(h.at) as at
    from order_changes h join orders o on o.id = h.order_id where o.expires_at = ${closesAt}::timestamptz and h.kind = 'EXPIRED'`
  return ended!.orders === closing ? ended!.at : null
}

/** When the broker had the last cancellation. */
const lastTold = async (bench: Bench, trial: Trial): Promise<number> => {
  let last = 0
  await bench.reader.scan(trial.topics.cancelled, ({ appendedAt }) => void (last = Math.max(last, appendedAt)))
  return last
}

/** Of windows of a second. `typical`: the median of their own percentiles, so that a few seconds of another load do not decide. */
const phaseFigures = (name: string, windows: readonly SparseCounts[]): Figures => {
  const all = createHistogram(...windows)
  const each = windows.map((window) => createHistogram(window))
  return {
    [`${name}Seconds`]: windows.length,
    [`${name}P50Ms`]: all.percentileMs(0.5),
    [`${name}P99Ms`]: all.percentileMs(0.99),
    [`${name}TypicalP50Ms`]: median(each.map((one) => one.percentileMs(0.5))),
    [`${name}TypicalP99Ms`]: median(each.map((one) => one.percentileMs(0.99))),
  }
}

type Load = { beganAt: number; windows: readonly SparseCounts[] }

/** A window that is partly in one phase and partly in the other counts for neither. */
const latencyFigures = ({ beganAt, windows }: Load, closesAt: number, endedAt: number): Figures => {
  const phaseOf = (n: number): 'quiet' | 'closing' | null => {
    const [from, to] = [beganAt + n * 1000, beganAt + (n + 1) * 1000]
    if (to <= closesAt || from >= endedAt) return 'quiet'
    return from >= closesAt && to <= endedAt ? 'closing' : null
  }
  const of = (phase: string): SparseCounts[] => windows.filter((_, n) => phaseOf(n) === phase)
  return { ...phaseFigures('quiet', of('quiet')), ...phaseFigures('closing', of('closing')) }
}

/** Trades between the orders that do not end, for as long as the load lasts. */
const trade = async (bench: Bench, trial: Trial, ids: readonly string[]): Promise<void> => {
  const numbered = ids.map((id, i) => ({ id, n: i + 1 }))
  const books = Array.from({ length: tickers }, (_, ticker) => {
    const sideOf = (parity: number): string[] =>
      numbered.filter(({ n }) => n % tickers === ticker && n % 2 === parity).map(({ id }) => id)
    return { ticker: `T${ticker}`, buys: sideOf(0), sells: sideOf(1) }
  })
  const { messages } = drawTrades(books, tradesPerSecond * loadSeconds, trial.name)
  const feed = openTradeFeed(bench.world.kafka.bootstrap)
  await feed.pace(trial.topics.trades, messages, tradesPerSecond)
  await feed.close()
}

const allEnded = (endedAt: Date | null): Recount =>
  endedAt === null
    ? { ok: false, faults: ['not every order of the close ended'], facts: {} }
    : { ok: true, faults: [], facts: {} }

const oneClose = async (bench: Bench): Promise<Measured> => {
  await using trial = await openTrial(bench.world, { env: { IMMEDIATE_GRACE_MS: '0' } })
  const service = await trial.serve()
  const [ids, traded] = [newIds(closing), newIds(tradedOrders)]
  const closesAt = new Date(Date.now() + prepareMs + quietMs)
  await storeOrders(trial, traded, null)
  await storeOrders(trial, ids, closesAt)
  await untilPublished(trial)
  const lateMs = Date.now() - (closesAt.getTime() - quietMs)
  if (lateMs > 0) throw new Error(`the orders were published ${lateMs} ms too late for a quiet phase`)
  await Bun.sleep(-lateMs)
  const meter = startCpuMeter(roots(bench, service.pid))
  const [{ result, record }] = await Promise.all([
    runPaced(bench, trial, { perSecond: ordersPerSecond, seconds: loadSeconds, windowSeconds: 1 }),
    trade(bench, trial, traded),
  ])
  const cpu = meter.stop()
  const endedAt = await untilEnded(trial, closesAt)
  const toldAt = await lastTold(bench, trial)
  const acked = {
    ...record,
    acked: record.acked + closing + tradedOrders,
    ackedIds: [...record.ackedIds, ...ids, ...traded],
  }
  const recount = mergeRecounts(await recountOrders(bench, trial, acked, 'topics'), allEnded(endedAt))
  const ended = endedAt?.getTime() ?? Infinity
  const load = { beganAt: result.beganAt, windows: result.latencies.post }
  const figures = {
    toldSeconds: (toldAt - closesAt.getTime()) / 1000,
    endedSeconds: (ended - closesAt.getTime()) / 1000,
    ...latencyFigures(load, closesAt.getTime(), ended),
    generatorLateP99Ms: result.lateP99Ms,
  }
  return { figures, cpu, recount }
}

export const w13 = (bench: Bench): Workload => ({
  name: 'W13',
  title: 'One close',
  rounds: Math.min(rounds, bench.scale.rounds),
  cells: [{ name: '100,000 DAY orders', run: () => oneClose(bench) }],
})
