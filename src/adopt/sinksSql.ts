// The ends of the chain of judgeSql.ts: what is counted and listed in any case, and what the copy writes. All of it takes place in one statement,
// chunk by chunk.

/** Counts, refused rows and missing events. In a dry run these tables are temporary ones of the same names. */
export const reports = (schema: string): string => `
  refused as (
    insert into adoption_refused (kind, reason, order_id, content)
    select 'order', v.why, v.id, to_jsonb(j) from refusal v join lateral (select j.* from ${schema}.orders j where j.id = v.id offset 0) j on true
    union all
    select 'leg', 'of an order that was refused', v.id, to_jsonb(f)
    from refusal v cross join lateral (select f.* from ${schema}.ingested_fills f where f.order_id = v.id offset 0) f
    union all
    select 'leg', 'swallowed by Java, and its amounts are in no source', s.order_id,
           jsonb_build_object('order_id', s.order_id, 'trade_id', s.trade_id, 'ticker', s.leg_ticker, 'ts', s.ts)
    from swallowed s where s.became = 'amounts in no source'),
  events_noted as (
    insert into adoption_events (order_id, kind, state, decided_at)
    select order_id, kind, state, case when state <> 'UNDECIDED' then now() end from event),
  counted as (
    insert into adopt_counts (what, which, n)
    select 'orders', coalesce('refused: ' || why, status), count(*) from verdict group by 2
    union all
    select 'legs', source, count(*) from fill group by 2
    union all
    select 'swallowed legs', became, count(*) from swallowed group by 2
    union all
    select 'clamped legs', 'exception', count(*) from clamped having count(*) > 0
    union all
    select 'events that Java did not publish', lower(kind) || ': ' || lower(state), count(*) from event group by 2)`

const ordersSink = `
  orders_written as (
    insert into orders (id, user_id, ticker, side, type, time_in_force, quantity, price, filled_quantity, last_fill_price, filled_notional, status,
                        created_at, updated_at, version, xact, position, sort_key, origin, reason_code, reason_text)
    select o.id, o.user_id, o.ticker, o.side, o.type, o.time_in_force, o.quantity, o.price, coalesce(f.cumulative_quantity, 0), f.price, coalesce(f.cumulative_notional, 0), o.status,
           o.created_at, o.updated_at, coalesce(f.nth, 0) + o.ends, '3'::xid8, 0, order_sort_key(o.id, o.created_at), 'adopted', r.code, r.text
    from carried o
    left join fill f on f.place = o.place and f.next_late is null
    cross join lateral (
      select case when o.ends = 0 then null when o.status = 'CANCELED' and not o.ended_here then 'USER_CANCELED' else 'UNKNOWN' end as code,
             case when o.ended_here then 'taken over from the Java service: nobody knew whether an engine had it' end as text) r)`

const fillsSink = `
  fills_written as (
    insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset,
                                cumulative_quantity, cumulative_notional, xact, position)
    select f.order_id, f.trade_id, f.side, f.ticker, f.ts, f.quantity, f.price, f.late,
           case when f.late or (f.next_late is null and f.ends = 0) then f.updated_at else greatest(f.created_at, least(f.ts, f.updated_at)) end,
           f.version, coalesce(f.kafka_partition, -1), coalesce(f.kafka_offset, -1), f.cumulative_quantity, f.cumulative_notional, '3'::xid8, 0
    from fill f)`

const changesSink = `
  changes_written as (
    insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price, xact, position)
    select o.id, coalesce(f.nth, 0) + 1, o.status, o.updated_at,
           case when o.status = 'CANCELED' and not o.ended_here then 'USER_CANCELED' else 'UNKNOWN' end,
           case when o.ended_here then 'taken over from the Java service: nobody knew whether an engine had it' end,
           '{"kind": "adopted"}'::jsonb, coalesce(f.cumulative_quantity, 0), coalesce(f.cumulative_notional, 0), f.price, '3'::xid8, 0
    from carried o left join fill f on f.place = o.place and not f.late and f.next_late is distinct from false
    where o.ends = 1)`

/** The message is written anew from what is known of it. */
const exceptionsSink = (topic: string): string => `
  exceptions_written as (
    insert into exceptions (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition, kafka_offset, message, recorded_at)
    select order_sort_key(gen_random_uuid(), now()), 'OVERFILL', x.reason, x.order_id, x.trade_id::text, x.side, x.ticker, x.ts, x.quantity, x.price, ${topic},
           coalesce(x.kafka_partition, -1), coalesce(x.kafka_offset, -1),
           convert_to(jsonb_build_object('tradeId', x.trade_id, 'orderId', x.order_id, 'ticker', x.ticker, 'quantity', x.quantity, 'price', x.price, 'timestamp', x.ts)::text, 'UTF8'),
           now()
    from (
      select s.order_id, s.trade_id, s.side, s.ticker, s.ts, s.quantity, s.price, s.kafka_partition, s.kafka_offset,
             'the Java service read this leg of an order that was ' || s.status || ', and did not apply it' as reason
      from swallowed s where s.became = 'exception'
      union all
      select m.order_id, m.trade_id, m.side, m.ticker, m.ts, m.quantity, m.price, m.kafka_partition, m.kafka_offset,
             'the Java service applied ' || trim_scale(m.took) || ' of it, which was all that remained'
      from clamped m
    ) x)`

const openingsSink = `
  openings_written as (
    insert into adoption_openings (order_id, trade_id, ts)
    select m.order_id, m.trade_id::text, m.ts from leg m join carried o on o.place = m.place
    where o.opening and m.n <= m.applied and (m.quantity is null or m.price is null))`

/** What only the copy writes. `topic`: that of trades, quoted. */
export const writes = (topic: string): string =>
  [ordersSink, fillsSink, changesSink, exceptionsSink(topic), openingsSink].join(',')
