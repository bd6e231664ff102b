// The kinds of events as a table that a query can join, and which events an order must have or may have.

import { adoptedOrigin } from '../domain/door.ts'
import { eventKinds, orderEvents } from '../domain/events.ts'
import { textArray, type Fragment, type Sql } from '../store/sql.ts'
import { triggeredEventId } from '../store/stops.ts'

/** `k (kind, ends)`: one row a kind. `ends` is 'yes' if it tells the engine that the order ends. */
export const kindTable = (sql: Sql): Fragment => sql`unnest(
    ${textArray(eventKinds)}::text[], ${textArray(eventKinds.map((kind) => (orderEvents[kind].ends ? 'yes' : 'no')))}::text[]
  ) as k (kind, ends)`

/** Whether an engine may execute the order `o`: no stop that never met its price, and not refused from the start. */
export const isPublished = (sql: Sql): Fragment =>
  sql`((o.stop_price is null or o.triggered_at is not null) and not (o.status = 'REJECTED' and o.version = 0))`

/** When the order `o` was published at the earliest. */
export const publishedAt = (sql: Sql): Fragment =>
  sql`date_trunc('milliseconds', case when o.stop_price is null then o.created_at else o.triggered_at end)`

/** The id that the event `k` of the order `o` must have, if it publishes a stop that was triggered: else null. */
export const idOfTriggered = (sql: Sql): Fragment =>
  sql`case when k.ends = 'no' and o.triggered_at is not null then ${sql(triggeredEventId)} end`

/** Whether the service must have told the engine that the order `o` ends: it ended, and not because the engine said so. */
export const wasEnded = (sql: Sql): Fragment =>
  sql`(${isPublished(sql)} and o.status in ('CANCELED', 'EXPIRED') and coalesce(o.reason_code, '') not like 'ENGINE\\_%')`

/** Whether the take-over from the Java service put the event of this order and kind into the outbox. */
export const toldByAdoption = (sql: Sql, { orderId, kind }: { orderId: Fragment; kind: Fragment }): Fragment =>
  sql`exists (select from adoption_events t where t.order_id = ${orderId} and t.kind = ${kind} and t.state = 'PUBLISHED')`

/** Whether the event of the kind `k` of the order `p` is for this service to publish: Java's are not, and those of its orders that it has not published are. */
export const isOurs = (sql: Sql): Fragment => sql`(
    p.origin is distinct from ${adoptedOrigin}
    or ${toldByAdoption(sql, { orderId: sql`p.id`, kind: sql`k.kind` })}
    or k.ends = 'yes' and exists (select from order_changes c where c.order_id = p.id and c.cause ->> 'kind' <> 'adopted'))`

/** Whether an event with the reason `code` comes before the status, which may then become another one. */
export const comesBefore = (sql: Sql, code: Fragment): Fragment =>
  sql`(coalesce(${code}, '') like 'EXPIRED\\_%' or coalesce(${code}, '') = 'REMAINDER')`

/** Then the engine is told once more of an end, even of one that it has reported itself. */
const hasLateFill = (sql: Sql): Fragment =>
  sql`exists (select from ingested_fills f where f.order_id = o.id and f.late)`

/**
 * What is wrong with the status of the order `o` for an event that ends it with the reason `code`; null: nothing. The engine is told of an
 * end by the clock before the order has its status: until then it is open, and a fill or a report may still end it otherwise.
 */
export const wrongStatus = (sql: Sql, code: Fragment): Fragment => sql`
  case when ${wasEnded(sql)} then null
       when ${comesBefore(sql, code)} and (not o.open or exists (
         select from order_endings e where e.order_id = o.id and e.told_at is not null)) then null
       when ${code} = o.reason_code and ${hasLateFill(sql)} then null
       when ${code} is null and o.status in ('CANCELED', 'EXPIRED') then null
       else o.status end`
