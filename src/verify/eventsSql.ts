// Stores the events that were read from their topics in temporary tables of this session, so that memory stays bounded however long the
// topics are, and compares them there with the orders.

import type { EventKind } from '../domain/events.ts'
import { textArray, type Fragment, type Sql } from '../store/sql.ts'
import { termArrays, termColumns, termRules, type PublishedTerms } from './eventTerms.ts'
import {
  comesBefore,
  idOfTriggered,
  isOurs,
  isPublished,
  kindTable,
  publishedAt,
  toldByAdoption,
  wasEnded,
  wrongStatus,
} from './kindsSql.ts'
import { violationsOf } from './page.ts'
import type { Violation } from './violation.ts'

/** An event as it stands on its topic. */
export type TopicEvent = {
  kind: EventKind
  eventId: string
  orderId: string
  key: string
  terms: PublishedTerms
  /** Why the order ends; null: the event says nothing of it. */
  reasonCode: string | null
  /** ISO-8601 UTC. */
  occurredAt: string
  partition: number
  offset: bigint
}

/** How many rows one fetch of a long answer brings. */
const cursorRows = 1_000

/**
 * Call it before beReader, which forbids the session to create tables. `verify_absent`: events that an order should have and that were not
 * found on their topics so far.
 */
export const createVerifyTables = async (sql: Sql): Promise<void> => {
  await sql`
    create temporary table verify_events (
      event_id uuid primary key, kind text not null, order_id uuid not null, ticker text collate "C" not null,
      occurred_at timestamptz not null, reason_code text, partition integer not null, "offset" bigint not null
    )`
  await sql`create index on verify_events (order_id, kind)`
  await sql`
    create temporary table verify_absent (
      order_id uuid not null, kind text not null, ticker text collate "C" not null, happened_at timestamptz not null,
      primary key (order_id, kind)
    )`
  await sql`create temporary table verify_letters (id text, leg text, primary key (id, leg))`
}

const eventInput = (sql: Sql, events: readonly TopicEvent[]): Fragment => {
  const text = (of: (event: TopicEvent) => string | null) => textArray(events.map(of))
  return sql`unnest(
    ${text((e) => e.kind)}::text[],
    ${text((e) => e.eventId)}::text[]::uuid[],
    ${text((e) => e.orderId)}::text[]::uuid[],
    ${text((e) => e.key)}::text[],
    ${termArrays(
      sql,
      events.map((e) => e.terms),
    )},
    ${text((e) => e.occurredAt)}::text[]::timestamptz[],
    ${text((e) => e.reasonCode)}::text[],
    ${text((e) => String(e.partition))}::text[]::integer[],
    ${text((e) => String(e.offset))}::text[]::bigint[]
  ) as i (kind, event_id, order_id, key, ${sql(termColumns)}, occurred_at, reason_code, partition, "offset")`
}

/** Stores the first occurrence of every event; returns how many of `events` were repeats. */
export const storeEvents = async (sql: Sql, events: readonly TopicEvent[]): Promise<number> => {
  const { count } = await sql`
    insert into verify_events (event_id, kind, order_id, ticker, occurred_at, reason_code, partition, "offset")
    select i.event_id, i.kind, i.order_id, i.ticker, i.occurred_at, i.reason_code, i.partition, i."offset" from ${eventInput(sql, events)}
    on conflict do nothing`
  return events.length - count
}

/**
 * The values that an event must have, by its order's row, and those that it has. The time of a cancellation may lie before later fills.
 * Postgres compares records column by column only if the collations are the same.
 */
const eventRules = (sql: Sql) => ({
  expected: sql`
    select o.id as order_id, o.ticker as key, ${sql(termRules.expected)},
           case when k.ends = 'no' then ${publishedAt(sql)} end as published_at,
           ${idOfTriggered(sql)} as id_of_triggered_stop,
           true as happened_within_the_life_of_the_order,
           null::text as status_of_the_order,
           s.kind as kind_of_first_event_with_this_id, s.order_id as order_of_first_event_with_this_id`,
  found: sql`
    select i.order_id as order_id, i.key collate "C" as key, ${sql(termRules.found)},
           case when k.ends = 'no' then i.occurred_at end as published_at,
           case when ${idOfTriggered(sql)} is not null then i.event_id end as id_of_triggered_stop,
           i.occurred_at >= date_trunc('milliseconds', o.created_at)
             and (i.occurred_at <= o.updated_at or (k.ends = 'yes' and ${comesBefore(sql, sql`i.reason_code`)})) as happened_within_the_life_of_the_order,
           case when k.ends = 'yes' then ${wrongStatus(sql, sql`i.reason_code`)} when ${isPublished(sql)} then null else o.status end as status_of_the_order,
           i.kind as kind_of_first_event_with_this_id, i.order_id as order_of_first_event_with_this_id`,
})

/** Compares events that were stored here with their orders. An event is published after its order was committed, so the order has to exist. */
export const compareEvents = async (sql: Sql, events: readonly TopicEvent[], topic: string): Promise<Violation[]> => {
  const { expected, found } = eventRules(sql)
  const faults = sql`
    select 'event' as subject, ${topic}::text || '-' || w.partition || '-' || w."offset" as id, e.key as rule, e.value as expected, s.value as found
    from wrong w
    cross join lateral jsonb_each_text(w.expected) e
    join lateral jsonb_each_text(w.found) s on s.key = e.key and s.value is distinct from e.value
    where w.order_exists
    union all
    select 'event', ${topic}::text || '-' || w.partition || '-' || w."offset", 'extra: order', 'an order with id ' || w.order_id, null
    from wrong w where not w.order_exists`
  const [row] = await sql<{ violations: Violation[] }[]>`
    with wrong as (
      select i.partition, i."offset", i.order_id, o.id is not null as order_exists, to_jsonb(expected) as expected, to_jsonb(found) as found
      from ${eventInput(sql, events)}
      join ${kindTable(sql)} on k.kind = i.kind
      left join orders o on o.id = i.order_id
      left join verify_events s on s.event_id = i.event_id
      cross join lateral (${expected}) expected
      cross join lateral (${found}) found
      where expected is distinct from found
    )
    select ${violationsOf(sql, faults)} as violations`
  return row!.violations
}

/**
 * Notes which events of a page of orders were not found on their topics. That proves nothing yet: an event may wait in the outbox, or may
 * have been published after its topic was read. Returns the last id of the page, null after the last page.
 *
 * An event that ends an order happened at `updated_at`, unless late fills moved that time; then it is only certain that the event happened
 * after the acceptance.
 */
export const noteAbsent = async (
  sql: Sql,
  { after, limit }: { after: string; limit: number },
): Promise<{ orders: number; next: string | null }> => {
  const [row] = await sql<{ orders: string; next: string | null }[]>`
    with page as materialized (
      select o.id, o.ticker, o.origin, ${publishedAt(sql)} as published_at, ${isPublished(sql)} as published, ${wasEnded(sql)} as ended,
             case when o.version = 1 then o.updated_at else o.created_at end as ended_at
      from orders o where o.id > ${after}::uuid order by o.id limit ${limit}::integer
    ), due as (
      select p.id, k.kind, p.ticker, case k.ends when 'yes' then p.ended_at else p.published_at end as happened_at
      from page p join ${kindTable(sql)} on case k.ends when 'yes' then p.ended else p.published end and ${isOurs(sql)}
    ), noted as (
      insert into verify_absent (order_id, kind, ticker, happened_at)
      select d.id, d.kind, d.ticker, d.happened_at from due d
      where not exists (select from verify_events s where s.order_id = d.id and s.kind = d.kind)
    )
    select count(*) as orders, (select id from page where (select count(*) from page) >= ${limit}::integer order by id desc limit 1) as next
    from page`
  return { orders: Number(row!.orders), next: row!.next }
}

/**
 * Forgets the absent events that wait in the outbox now; returns how many are left. Each of these was acknowledged by a broker before this
 * moment, or never will be.
 */
export const forgetWaiting = async (sql: Sql): Promise<number> => {
  await sql`delete from verify_absent a using outbox x where x.order_id = a.order_id and x.kind = a.kind`
  const [row] = await sql<{ left: string }[]>`select count(*) as left from verify_absent`
  return Number(row!.left)
}

export type Absent = { orderId: string; kind: EventKind; ticker: string; happenedAtMs: number }

/** The absent events that have not turned up on their topics since either. */
export const readAbsent = (sql: Sql): AsyncIterable<Absent[]> =>
  sql<Absent[]>`
  select a.order_id as "orderId", a.kind, a.ticker, extract(epoch from a.happened_at)::float8 * 1000 as "happenedAtMs"
  from verify_absent a
  where not exists (select from verify_events s where s.order_id = a.order_id and s.kind = a.kind)
  order by a.order_id, a.kind`.cursor(cursorRows)

type Twin = { orderId: string; kind: EventKind; eventIds: string }

/**
 * Events of an order that were published under more than one id: a consumer that dedupes on the id takes them for several. An end by the
 * clock may be followed by a cancel, and a late fill tells the engine once more that the order has ended.
 */
export const readTwins = (sql: Sql): AsyncIterable<Twin[]> =>
  sql<Twin[]>`
  select e.order_id as "orderId", e.kind, string_agg(e.event_id::text, ' ' order by e.event_id) as "eventIds"
  from verify_events e join ${kindTable(sql)} on k.kind = e.kind
  group by e.order_id, e.kind, k.ends
  having greatest(count(*) filter (where ${comesBefore(sql, sql`e.reason_code`)}),
                  count(*) filter (where not ${comesBefore(sql, sql`e.reason_code`)}))
         > 1 + case k.ends when 'yes' then (select count(*) from ingested_fills f where f.order_id = e.order_id and f.late) else 0 end
  order by e.order_id, e.kind`.cursor(cursorRows)

type Reordered = { kind: EventKind; orderId: string; partition: number; offset: string; behindMs: number }

/**
 * Events that stand, in their ticker's order on the topic, behind one that happened more than `slackMs` later; first occurrences only. The
 * slack is there because placements that run at the same time may stand either way: one gets its time before it waits for its transaction,
 * for as long as a request may take, and replicas' clocks differ. The promised order is that an event that is sent after the
 * acknowledgement of another stands behind it; from here, that cannot be checked more sharply. What a take-over published for Java is late.
 */
export const readReordered = (sql: Sql, slackMs: number): AsyncIterable<Reordered[]> =>
  sql<Reordered[]>`
  select kind, order_id as "orderId", partition, "offset"::text, extract(epoch from ahead - occurred_at)::float8 * 1000 as "behindMs"
  from (
    select kind, order_id, partition, "offset", occurred_at,
           max(occurred_at) over (partition by kind, ticker, partition order by "offset" rows between unbounded preceding and 1 preceding) as ahead
    from verify_events
  ) e
  where occurred_at < ahead - ${slackMs}::integer * interval '1 millisecond'
    and not ${toldByAdoption(sql, { orderId: sql`e.order_id`, kind: sql`e.kind` })}
  order by kind, partition, e."offset"`.cursor(cursorRows)

/** Analyzes the table of events, because autovacuum does not analyze temporary tables. */
export const analyzeEvents = async (sql: Sql): Promise<void> => {
  await sql`analyze verify_events`
}
