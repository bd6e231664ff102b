// Orders that the service ends: at their expiresAt, or because an engine without reports left a remainder. A row of order_endings leads from
// the moment at which the engine has to be told to the status, which follows the trade topic. Every replica runs these statements; none waits
// for a row that another one has. All times are the database's.

import type { Outcome } from '../domain/ending.ts'
import { hasNoEnding, isDue, isImmediate } from './endingConditions.ts'
import { textArray, type Fragment, type Sql } from './sql.ts'

/** A stop that waits for its price when its time is over: no engine knows it, so it ends at once. `now`: the database's time. */
export type ExpiringStop = { id: string; version: number; reasonCode: string; now: Date }

/**
 * Which stages have something to do: orders whose time is over, orders to be executed at once, and endings of which the engine has to be
 * told, whose cancellation is under way, or that the broker has.
 */
export type EndingsWork = Record<'due' | 'immediate' | 'untold' | 'sent' | 'acknowledged', boolean>

/** It is asked at each pass. So it has no parameters: Postgres plans such a statement once a connection. */
export const readEndingsWork = async (sql: Sql): Promise<EndingsWork> => {
  const [row] = await sql<[EndingsWork]>`
    select
      exists (select from orders o where ${isDue(sql)}) as due,
      exists (
        select from orders o
        where ${isImmediate(sql)} and ${hasNoEnding(sql)}
      ) as immediate,
      exists (
        select from order_endings where acknowledged_at is null and told_at is null and due_at <= statement_timestamp()
      ) as untold,
      exists (select from order_endings where acknowledged_at is null and told_at is not null) as sent,
      exists (select from order_endings where acknowledged_at is not null) as acknowledged`
  return row
}

/** One that somebody else has locked at this moment has its turn later: it must not hold up the others. */
export const readExpiringStops = async (sql: Sql, limit: number): Promise<ExpiringStop[]> => {
  const rows = await sql<{ id: string; version: number; reason_code: string; now: Date }[]>`
    select o.id, o.version, 'EXPIRED_' || o.time_in_force as reason_code, statement_timestamp() as now
    from orders o
    where ${isDue(sql)} and o.stop_price is not null and o.triggered_at is null
    order by o.expires_at, o.id
    limit ${limit}::integer
    for update skip locked`
  return rows.map(({ id, version, reason_code, now }) => ({ id, version, reasonCode: reason_code, now }))
}

/** Where a walk over the orders that are due stands: after this order. `expiresAt`: with its microseconds, as Postgres writes it. */
export type DuePlace = { expiresAt: string; id: string }

/**
 * Makes an ending of each order that an engine knows and whose time is over, from a place on (null: from the first). Returns how many orders
 * it looked at that had none, and the last of them; null: there were none. What was to end later for another reason ends now. An order that
 * somebody has locked is left for the next walk: the foreign key would wait for it.
 */
export const addDueEndings = async (
  sql: Sql,
  { after, limit }: { after: DuePlace | null; limit: number },
): Promise<{ orders: number; last: DuePlace | null }> => {
  const from = after ?? { expiresAt: '-infinity', id: '00000000-0000-0000-0000-000000000000' }
  const rows = await sql<{ expires_at: string; id: string }[]>`
    with due as materialized (
      select o.id, o.time_in_force, o.expires_at
      from orders o
      where ${isDue(sql)} and (o.expires_at, o.id) > (${from.expiresAt}::text::timestamptz, ${from.id}::uuid)
        and (o.stop_price is null or o.triggered_at is not null)
        and not exists (
          select from order_endings e
          where e.order_id = o.id and (e.told_at is not null or e.due_at <= o.expires_at)
        )
      order by o.expires_at, o.id
      limit ${limit}::integer
      for key share of o skip locked
    ), added as (
      insert into order_endings as e (order_id, outcome, reason_code, due_at)
      select id, 'EXPIRED', 'EXPIRED_' || time_in_force, expires_at from due order by id
      on conflict (order_id) do update
        set outcome = excluded.outcome, reason_code = excluded.reason_code, due_at = excluded.due_at
        where e.told_at is null and e.due_at > excluded.due_at
    )
    select expires_at::text as expires_at, id from due order by due.expires_at, id`
  const last = rows.at(-1)
  return { orders: rows.length, last: last === undefined ? null : { expiresAt: last.expires_at, id: last.id } }
}

/**
 * Makes an ending, due after `graceMs`, of each order that an engine executes at once or not at all, whose placement the broker has
 * acknowledged, and that is open. Returns how many. (The row of the outbox was written in the transaction that published the order, so
 * where it is not to be seen it is gone.)
 *
 * The outbox has no index by order, and may be long. `except` reads it once and hashes, however Postgres estimates both sides; a join may
 * compare each order with each event.
 */
export const addImmediateEndings = async (
  sql: Sql,
  { graceMs, limit }: { graceMs: number; limit: number },
): Promise<number> => {
  const rows = await sql`
    with published as materialized (
      select o.id from orders o where ${isImmediate(sql)} and ${hasNoEnding(sql)}
      except
      select x.order_id from outbox x
    ), left_over as materialized (
      select o.id
      from orders o
      where o.id = any (array(select id from published)) and o.open
      order by o.id
      limit ${limit}::integer
      for key share of o skip locked
    )
    insert into order_endings (order_id, outcome, reason_code, due_at)
    select id, 'CANCELED', 'REMAINDER', clock_timestamp() + ${graceMs}::float8 * interval '1 millisecond' from left_over order by id
    on conflict (order_id) do nothing
    returning order_id`
  return rows.length
}

/** Makes an ending, due now, of each of these orders that has none; returns how many. */
export const addEndings = async (
  sql: Sql,
  orderIds: readonly string[],
  { outcome, reasonCode }: { outcome: Outcome; reasonCode: string },
): Promise<number> => {
  const rows = await sql`
    insert into order_endings (order_id, outcome, reason_code, due_at)
    select id, ${outcome}::text, ${reasonCode}::text, clock_timestamp()
    from unnest(${textArray(orderIds)}::text[]::uuid[]) as i (id)
    order by id
    on conflict (order_id) do nothing
    returning order_id`
  return rows.length
}

/** `told`: the orders whose cancellation is in the outbox now. `over`: how many needed none, because they had ended meanwhile. */
type Told = { told: { orderId: string; reasonCode: string }[]; over: number }

/**
 * Appends the cancellation of each order whose ending is due, at most one for each of `eventIds`. It is decided under the lock of the order,
 * which may have been filled or canceled a moment ago; a locked one has its turn later.
 */
export const tellEndings = async (sql: Sql, eventIds: readonly string[]): Promise<Told> => {
  const rows = await sql<{ order_id: string; reason_code: string; told: boolean }[]>`
    with due as materialized (
      select e.order_id, e.reason_code, e.due_at, o.ticker, o.filled_quantity, o.open
      from order_endings e join orders o on o.id = e.order_id
      where e.acknowledged_at is null and e.told_at is null and e.due_at <= statement_timestamp()
      order by e.acknowledged_at, e.told_at, e.due_at
      limit ${eventIds.length}::integer
      for update of e, o skip locked
    ), numbered as (
      select *, row_number() over (order by due_at, order_id) as n from due where open
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, filled_quantity, reason_code)
      select (${textArray(eventIds)}::text[]::uuid[])[d.n], 'CANCELLED', d.order_id, d.ticker, clock_timestamp(), d.filled_quantity, d.reason_code
      from numbered d
      order by d.n
      returning order_id, position
    ), told as (
      update order_endings e set told_at = clock_timestamp(), outbox_position = a.position
      from appended a where e.order_id = a.order_id
      returning e.order_id, e.reason_code
    ), over as (
      delete from order_endings e using due d where e.order_id = d.order_id and not d.open
      returning e.order_id, e.reason_code
    )
    select order_id, reason_code, true as told from told
    union all
    select order_id, reason_code, false from over`
  const told = rows.filter((row) => row.told).map((row) => ({ orderId: row.order_id, reasonCode: row.reason_code }))
  return { told, over: rows.length - told.length }
}

/** Notes which cancellations have left the outbox, because the broker has them; returns how many. */
export const noteAcknowledged = async (sql: Sql, limit: number): Promise<number> => {
  const rows = await sql`
    with gone as materialized (
      select e.order_id
      from order_endings e
      where e.acknowledged_at is null and e.told_at is not null
        and (select true from outbox x where x.position = e.outbox_position) is null
      limit ${limit}::integer
      for update skip locked
    )
    update order_endings e set acknowledged_at = clock_timestamp()
    where e.order_id = any (array(select order_id from gone)) and e.acknowledged_at is null
    returning e.order_id`
  return rows.length
}

/** An ending whose order may get its status now. `now`: the database's time. */
export type SettledEnding = { orderId: string; outcome: Outcome; reasonCode: string; now: Date }

/**
 * Endings that were acknowledged `settleMs` before all of the trade topic was applied: what the engine did until it read the cancellation is
 * in the ledger. None while a partition of the topic has no mark. A locked order or ending has its turn later.
 */
export const readSettledEndings = async (
  sql: Sql,
  { topic, settleMs, limit }: { topic: string; settleMs: number; limit: number },
): Promise<SettledEnding[]> => {
  const rows = await sql<{ order_id: string; outcome: Outcome; reason_code: string; now: Date }[]>`
    select e.order_id, e.outcome, e.reason_code, statement_timestamp() as now
    from order_endings e join orders o on o.id = e.order_id
    where e.acknowledged_at <= (select min(read_until) from tape_marks where topic = ${topic}::text)
                               - ${settleMs}::float8 * interval '1 millisecond'
    order by e.acknowledged_at
    limit ${limit}::integer
    for update of e, o skip locked`
  return rows.map((row) => ({
    orderId: row.order_id,
    outcome: row.outcome,
    reasonCode: row.reason_code,
    now: row.now,
  }))
}

/** Deletes the endings of these orders, where the order is final. A locked one has its turn later. */
export const deleteEndings = async (sql: Sql, orderIds: readonly string[]): Promise<void> => {
  await sql`
    with over as materialized (
      select e.order_id from order_endings e join orders o on o.id = e.order_id
      where e.order_id = any (${textArray(orderIds)}::text[]::uuid[]) and not o.open
      for update of e skip locked
    )
    delete from order_endings where order_id = any (array(select order_id from over))`
}

/**
 * How many endings are in each stage, and how long its oldest has been there, in ms by the database's clock (0: none). `due`: the engine has
 * to be told. `sending`: the cancellation is in the outbox. `settling`: the broker has it, and the trade topic was not applied far enough.
 */
export type EndingsBacklog = Record<'due' | 'sending' | 'settling', { orders: number; oldestMs: number }>

const ageOf = (sql: Sql, instant: Fragment): Fragment =>
  sql`coalesce(greatest(0, extract(epoch from clock_timestamp() - ${instant}) * 1000), 0)::float8`

export const readEndingsBacklog = async (sql: Sql): Promise<EndingsBacklog> => {
  const stage = (name: string, where: Fragment, since: Fragment): Fragment =>
    sql`select ${name}::text as stage, count(*)::integer as orders, ${ageOf(sql, sql`min(${since})`)} as oldest_ms from order_endings where ${where}`
  const rows = await sql<{ stage: keyof EndingsBacklog; orders: number; oldest_ms: number }[]>`
    ${stage('due', sql`acknowledged_at is null and told_at is null and due_at <= statement_timestamp()`, sql`due_at`)}
    union all
    ${stage('sending', sql`acknowledged_at is null and told_at is not null`, sql`told_at`)}
    union all
    ${stage('settling', sql`acknowledged_at is not null`, sql`acknowledged_at`)}`
  const of = (name: keyof EndingsBacklog) => {
    const { orders = 0, oldest_ms = 0 } = rows.find((row) => row.stage === name) ?? {}
    return { orders, oldestMs: oldest_ms }
  }
  return { due: of('due'), sending: of('sending'), settling: of('settling') }
}
