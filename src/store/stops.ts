// Stops that wait for their price. A trade of their ticker at that price or beyond it triggers them: then they go to the engine. One
// statement looks whether a batch of trades can trigger anything; where it can, two more read what is due and trigger it, portion by portion.

import { formatAmount, type Amount } from '../domain/decimal.ts'
import type { Cause } from '../domain/history.ts'
import { gate, gateIsPassed } from './gate.ts'
import { textArray, type Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'

/** The prices of one ticker in a batch of trades. `latest`: the time of its latest trade, ISO-8601. */
export type PriceRange = { ticker: string; lowest: Amount; highest: Amount; latest: string }

/** What a stop has to know of a trade. `tradedAt`: ISO-8601, by the engine's clock. */
export type Tick = { ticker: string; price: Amount; tradedAt: string }

/** The condition of the index `orders_waiting_stops`, of the orders called `o`. */
const waiting = sqlText(['o.stop_price is not null and o.triggered_at is null and o.open'])

/**
 * How much older than the stop a trade may be: engines stamp whole seconds. (Subtracted from the time of the stop, because the time of a
 * trade may be any.)
 */
const oldestTrade = (sql: Sql, toleranceMs: number) =>
  sql`o.created_at - ${toleranceMs}::integer * interval '1 millisecond'`

/**
 * The tickers, of these, that have a waiting stop which some trade of the batch may trigger. Where no stop of these tickers waits, it costs
 * two probes of a partial index a ticker.
 */
export const readTickersWithDueStops = async (
  sql: Sql,
  ranges: readonly PriceRange[],
  toleranceMs: number,
): Promise<Set<string>> => {
  const rows = await sql<{ ticker: string }[]>`
    select t.ticker from unnest(
      ${textArray(ranges.map(({ ticker }) => ticker))}::text[],
      ${textArray(ranges.map(({ lowest }) => formatAmount(lowest)))}::text[],
      ${textArray(ranges.map(({ highest }) => formatAmount(highest)))}::text[],
      ${textArray(ranges.map(({ latest }) => latest))}::text[]
    ) as t (ticker, lowest, highest, latest)
    where exists (
      select from orders o
      where o.ticker = t.ticker and o.side = 'BUY' and o.stop_price <= t.highest::numeric and ${sql(waiting)}
        and ${oldestTrade(sql, toleranceMs)} <= t.latest::timestamptz
    ) or exists (
      select from orders o
      where o.ticker = t.ticker and o.side = 'SELL' and o.stop_price >= t.lowest::numeric and ${sql(waiting)}
        and ${oldestTrade(sql, toleranceMs)} <= t.latest::timestamptz
    )`
  return new Set(rows.map(({ ticker }) => ticker))
}

/** `trade`: the index of the first trade that triggers it. */
export type DueStop = { orderId: string; trade: number }

type DueQuery = {
  /** In the order in which they count. */
  trades: readonly Tick[]
  toleranceMs: number
  /** Stops to leave out. */
  except: readonly string[]
  limit: number
}

/**
 * Whether the trade called `t` may trigger stops: its ticker trades now, and did when the trade was made. Engines cut the time of a trade to
 * the millisecond, some to the second, so the trade may lie in a halt that began within that millisecond or, if its time is a whole second,
 * within the tolerance.
 */
const countsForStops = (sql: Sql, toleranceMs: number) => sql`
  not exists (select from trading_states s where s.state = 'HALTED' and s.ticker in ('', t.ticker))
  and not exists (
    select from rules_changes h
    where h.halted_since is not null and h.ticker in ('', t.ticker) and h.at > t.traded_at
      and date_trunc('milliseconds', h.halted_since)
          - case when date_trunc('second', t.traded_at) = t.traded_at then ${toleranceMs}::integer else 0 end
            * interval '1 millisecond' <= t.traded_at)`

/** `epoch`: of the rules by which they are due, those of the moment of the read; null if none is due. */
export type DueStops = { epoch: string | null; due: DueStop[] }

/**
 * The first `limit` waiting stops that these trades trigger, in the order in which they go to the engine: trade by trade; within one trade
 * the SELL stops by falling price, then the BUY stops by rising price, then by id. It locks nothing.
 *
 * It takes `limit` stops of each trade and side, by that order. So the first `limit` of all of them are among these, each with its first
 * trade.
 */
export const readDueStops = async (sql: Sql, { trades, toleranceMs, except, limit }: DueQuery): Promise<DueStops> => {
  const isDue = sql`${sql(waiting)} and ${oldestTrade(sql, toleranceMs)} <= t.traded_at
        and (o.expires_at is null or o.expires_at > clock_timestamp()) and o.id not in (select unnest(${textArray(except)}::text[]::uuid[]))`
  const rows = await sql<{ id: string; trade: number; epoch: string }[]>`
    with trade as materialized (
      select ticker, price::numeric as price, traded_at::timestamptz as traded_at, ordinality - 1 as n from unnest(
        ${textArray(trades.map(({ ticker }) => ticker))}::text[],
        ${textArray(trades.map(({ price }) => formatAmount(price)))}::text[],
        ${textArray(trades.map(({ tradedAt }) => tradedAt))}::text[]
      ) with ordinality as t (ticker, price, traded_at, ordinality)
    ), due as (
      select distinct on (s.id) s.id, s.side, s.stop_price, t.n
      from (select t.* from trade t where ${countsForStops(sql, toleranceMs)}) t cross join lateral (
        (select o.id, o.side, o.stop_price from orders o
         where o.ticker = t.ticker and o.side = 'SELL' and o.stop_price >= t.price and ${isDue}
         order by o.stop_price desc, o.id limit ${limit}::integer)
        union all
        (select o.id, o.side, o.stop_price from orders o
         where o.ticker = t.ticker and o.side = 'BUY' and o.stop_price <= t.price and ${isDue}
         order by o.stop_price, o.id limit ${limit}::integer)
      ) s
      order by s.id, t.n
    )
    select id, n::integer as trade, (select epoch from rules_gate) as epoch from due
    order by n, side desc, case side when 'SELL' then -stop_price else stop_price end, id
    limit ${limit}::integer`
  return { epoch: rows[0]?.epoch ?? null, due: rows.map(({ id, trade }) => ({ orderId: id, trade })) }
}

/** `cause`: the record of the trade that triggers the stop. */
export type Trigger = { orderId: string; cause: Cause }

/**
 * The id of the event that publishes a triggered stop, of the order called `o`: the id of the order as a UUID of version 8. However often
 * that event is made, it is the same.
 */
export const triggeredEventId = sqlText(["overlay(o.id::text placing '8' from 15)::uuid"])

/**
 * `epoch`: of the rules by which the stops are due. `now`: becomes the time of the trigger, unless the order was changed later. `skipLocked`:
 * stops that somebody else has locked are passed by.
 */
export type TriggerOptions = { epoch: string; now: Date; skipLocked?: boolean }

/** `epoch`: the one in force. If it is another one than that of the stops, nothing was triggered. */
export type Triggered = { epoch: string; triggered: Set<string> }

/**
 * Triggers the stops that still wait under their lock and have not passed their end by the database's clock, if the rules are those by which
 * they are due. Writes their log, and appends their placements to the outbox in the order of `stops`. Returns the ids of those that it
 * triggered.
 *
 * It waits for a lock, or fails after the lock's time-out: a stop whose holder rolls back must not go on waiting though its trade is over. Whoever
 * passes locked stops by has to come back to them. Rows are locked in ascending id, so that two batches cannot deadlock.
 */
export const triggerStops = async (
  sql: Sql,
  stops: readonly Trigger[],
  { epoch, now, skipLocked = false }: TriggerOptions,
): Promise<Triggered> => {
  const rows = await sql<{ epoch: string; id: string | null }[]>`
    with ${sql(gate)}, held as materialized (
      select o.id, o.open, o.triggered_at, o.expires_at from orders o
      where o.id = any (${textArray(stops.map(({ orderId }) => orderId))}::text[]::uuid[]) and o.stop_price is not null
        and ${sql(gateIsPassed, epoch)}
      order by o.id
      ${skipLocked ? sql`for update skip locked` : sql`for update`}
    ), triggered as (
      update orders o
      set triggered_at = greatest(o.updated_at, ${now.toISOString()}::timestamptz),
          updated_at = greatest(o.updated_at, ${now.toISOString()}::timestamptz), version = o.version + 1
      from held join unnest(
        ${textArray(stops.map(({ orderId }) => orderId))}::text[],
        ${textArray(stops.map(({ cause }) => JSON.stringify(cause)))}::text[]
      ) with ordinality as i (order_id, cause, ordinality) on i.order_id::uuid = held.id
      where o.id = held.id and held.open and held.triggered_at is null
        and (held.expires_at is null or held.expires_at > clock_timestamp())
      returning o.id, o.ticker, o.version, o.updated_at, o.filled_quantity, o.filled_notional, o.last_fill_price, i.cause, i.ordinality
    ), logged as (
      insert into order_changes (order_id, version, kind, at, cause, filled_quantity, filled_notional, last_fill_price,
                                 rules_epoch)
      select id, version, 'TRIGGERED', updated_at, cause::jsonb, filled_quantity, filled_notional, last_fill_price, (select epoch from gate)
      from triggered order by id
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at)
      select ${sql(triggeredEventId)}, 'PLACED', o.id, o.ticker, o.updated_at from triggered o order by o.ordinality
    )
    select gate.epoch, triggered.id from gate left join triggered on true`
  return { epoch: rows[0]!.epoch, triggered: new Set(rows.flatMap(({ id }) => (id === null ? [] : [id]))) }
}

/**
 * `waiting`: stops that wait, counted up to the limit. `oldReplicas`: replicas that were alive in the last minute and trigger no stops,
 * because their version is older than stops.
 */
export type StopsState = { waiting: number; oldReplicas: number }

/** A replica renews its leases each second or so; one that has not for this long is gone. */
const aliveForMs = 60_000

export const readStopsState = async (sql: Sql, countMax: number): Promise<StopsState> => {
  const [row] = await sql<{ waiting: number; old_replicas: number }[]>`
    select (select count(*)::integer from (select from orders o where ${sql(waiting)} limit ${countMax}::integer) w) as waiting,
           (select count(*)::integer from replicas
            where version is null and seen_at > clock_timestamp() - ${aliveForMs}::integer * interval '1 millisecond') as old_replicas`
  return { waiting: row!.waiting, oldReplicas: row!.old_replicas }
}
