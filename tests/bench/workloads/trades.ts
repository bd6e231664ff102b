// The parts that the cells of W2 share: open orders to trade, a topic full of trades, the wait until the service has handled it,
// and the recount of every leg.

import type { Bench, Figures } from '../bench.ts'
import { createHistogram, percentilesOf } from '../measure/histogram.ts'
import { openTradeFeed } from '../mix/tradeFeed.ts'
import { drawTrades, type Book, type TradeSet } from '../mix/tradeMix.ts'
import { tradeLag, withVerify, type VerifyScope } from '../recount/evidence.ts'
import { judgeTrades, type Recount, type TradeEvidence } from '../recount/recount.ts'
import { openDigits } from '../world/loader.ts'
import type { Trial } from '../world/trial.ts'

const drainLimitMs = 600_000
const pollMs = 200
const page = 50_000
/** At the beginning of a drain the service has just started: rows of that part are left out of its rate. */
const warmupPart = 0.1

/** In a large table either every n-th order trades or the newest n do: as many trades, widely spread or as on an exchange. */
const tradedMax = 100_000

/** Which orders trade: the size of the table, and whether the newest of it or some from all over it. */
type Traded = { orders: number; newest: boolean }

/** Open orders that the loader made, by ticker; those with both sides. */
const readBooks = async ({ sql }: Trial, { orders, newest }: Traded): Promise<Book[]> => {
  // One more than a multiple of ten, so that it meets every last digit and both sides.
  const step = newest ? 1 : 10 * Math.floor(orders / tradedMax / 10) + 1
  const first = newest ? Math.max(1, orders - tradedMax + 1) : 1
  const rows = await sql<{ ticker: string; buys: string[]; sells: string[] }[]>`
    with numbered as (
      select ('0190' || 1000 + n / 9000 || '-' || 1000 + n % 9000 || '-7000-8000-000000000000')::uuid as id
      from generate_series(${first}::integer, ${orders}::integer, ${step}::integer) n where n % 10 = any (${[...openDigits]}::integer[])
    )
    select ticker, coalesce(array_agg(id::text) filter (where side = 'BUY'), '{}') as buys,
           coalesce(array_agg(id::text) filter (where side = 'SELL'), '{}') as sells
    from orders join numbered using (id) group by ticker order by ticker`
  return rows.filter(({ buys, sells }) => buys.length > 0 && sells.length > 0)
}

/** Five buys and five sells of one ticker. */
export const hotBooks = (books: readonly Book[]): Book[] => {
  const { ticker, buys, sells } = books.toSorted((a, b) => b.buys.length - a.buys.length)[0]!
  return [{ ticker, buys: buys.slice(0, 5), sells: sells.slice(0, 5) }]
}

export const prepareTrades = async (
  trial: Trial,
  { count, hot, ...traded }: Traded & { count: number; hot: boolean },
): Promise<TradeSet> => {
  const books = await readBooks(trial, traded)
  return drawTrades(hot ? hotBooks(books) : books, count, trial.name)
}

export const preload = async (bench: Bench, trial: Trial, set: TradeSet): Promise<void> => {
  const feed = openTradeFeed(bench.world.kafka.bootstrap)
  await feed.preload(trial.topics.trades, set.messages)
  await feed.close()
}

/** Waits until the group has committed the end of the trade topic. */
export const untilDrained = async (bench: Bench, trial: Trial): Promise<void> => {
  const limit = performance.now() + drainLimitMs
  while ((await tradeLag(trial, bench.reader)) > 0 && performance.now() < limit) await Bun.sleep(pollMs)
}

/** Legs applied a second after the warm-up, from the commit times of the ledger's rows. */
export const drainRate = async ({ sql, name }: Trial, set: TradeSet): Promise<Figures> => {
  const [row] = await sql<{ legs: number; seconds: number }[]>`
    with committed as materialized (
      select pg_xact_commit_timestamp(xmin) as at from ingested_fills where trade_id like ${`${name}-%`}
    ), warm as (
      select percentile_disc(${warmupPart}::float8) within group (order by at) as at from committed
    )
    select count(*)::integer as legs, extract(epoch from max(c.at) - min(w.at))::float8 as seconds
    from committed c, warm w where c.at > w.at`
  const perSecond = row!.legs / row!.seconds
  const judged = set.messages.length * 2
  return { perSecond, judgedPerSecond: perSecond * (judged / set.legs.size) }
}

/** When the broker appended each trade, by partition and offset. */
const readAppended = async (bench: Bench, trial: Trial): Promise<Map<string, number>> => {
  const appended = new Map<string, number>()
  await bench.reader.scan(trial.topics.trades, ({ partition, offset, appendedAt }) => {
    appended.set(`${partition} ${offset}`, appendedAt)
  })
  return appended
}

/**
 * From the append of a trade to the commit of each of its legs, by the clocks of the broker and of Postgres, which are one
 * machine's. The broker's time is cut to the millisecond, so the lag is overstated by up to one.
 */
export const lagFigures = async (bench: Bench, trial: Trial): Promise<Figures> => {
  const appended = await readAppended(bench, trial)
  const histogram = createHistogram()
  const warmUntil = Math.min(...appended.values()) + bench.scale.warmupSeconds * 1000
  const rows = trial.sql<{ source: string; at: number }[]>`
    select kafka_partition || ' ' || kafka_offset as source, extract(epoch from pg_xact_commit_timestamp(xmin))::float8 * 1000 as at
    from ingested_fills where trade_id like ${`${trial.name}-%`}`
  await rows.cursor(page, (some) => {
    for (const { source, at } of some) {
      const appendedAt = appended.get(source) ?? Number.NaN
      if (appendedAt >= warmUntil) histogram.record((at - appendedAt) * 1000)
    }
  })
  return percentilesOf(histogram)
}

const readLegs = async ({ sql, name }: Trial): Promise<string[]> => {
  const legs: string[] = []
  const rows = sql<{ leg: string }[]>`
    select order_id || ' ' || trade_id as leg from ingested_fills where trade_id like ${`${name}-%`}`
  await rows.cursor(page, (some) => legs.push(...some.map(({ leg }) => leg)))
  return legs
}

const gatherTrades = async (bench: Bench, trial: Trial, set: TradeSet): Promise<TradeEvidence> => {
  const sources = new Set<string>()
  await bench.reader.scan(trial.topics.letters, ({ header }) => sources.add(header('x-dead-letter-id') ?? ''))
  const [row] = await trial.sql<{ exceptions: number }[]>`select count(*)::integer as exceptions from exceptions`
  const metrics = await trial.metrics()
  return {
    expectedLegs: set.legs,
    ledgerLegs: await readLegs(trial),
    expectedExceptions: set.overfillLegs,
    exceptions: row!.exceptions,
    expectedLetters: set.unknownMessages,
    letters: sources.size,
    expectedDuplicates: set.duplicateLegs,
    duplicates: metrics['orders_trade_legs_total{disposition="DUPLICATE"}'] ?? 0,
    lag: await tradeLag(trial, bench.reader),
  }
}

export const recountTrades = async (bench: Bench, trial: Trial, set: TradeSet, scope: VerifyScope): Promise<Recount> =>
  withVerify(trial, bench.world.binary, judgeTrades(await gatherTrades(bench, trial, set)), scope)
