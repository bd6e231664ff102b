-- 1.2 writes fills: orders $1 to $8, $9 now, ledger rows $10 to $20, exceptions $21 to $36.
  with move as materialized (select * from unnest(
  $1::text[],
  $2::text[],
  $3::text[],
  $4::text[],
  $5::text[],
  $6::text[],
  $7::text[],
  $8::text[]
) as m (id, stamp, version, status, filled_quantity, filled_notional, last_fill_price, updated_at)),
  held as materialized (
    select o.id from orders o join move m on o.id = m.id::uuid
    where o.xmin = m.stamp::xid
    order by o.id
    for update of o skip locked
  ), moved as (
    update orders o
    set status = m.status, filled_quantity = m.filled_quantity::numeric, filled_notional = m.filled_notional::numeric,
        last_fill_price = m.last_fill_price::numeric, updated_at = greatest(o.updated_at, m.updated_at::timestamptz),
        version = m.version::integer
    from move m join held h on h.id = m.id::uuid
    where o.id = h.id
  ), appended as (
    insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset)
    select h.id, l.trade_id, l.side, l.ticker, l.ts::timestamptz, l.quantity::numeric, l.price::numeric, l.late::boolean,
           $9::timestamptz, l.order_version::integer, l.kafka_partition::integer, l.kafka_offset::bigint
    from unnest(
  $10::text[],
  $11::text[],
  $12::text[],
  $13::text[],
  $14::text[],
  $15::text[],
  $16::text[],
  $17::text[],
  $18::text[],
  $19::text[],
  $20::text[]
) as l (order_id, trade_id, side, ticker, ts, quantity, price, late, order_version, kafka_partition, kafka_offset) join held h on h.id = l.order_id::uuid
  ), kept as (
    insert into exceptions (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition,
                            kafka_offset, message_key, message, recorded_at)
    select e.id::uuid, e.disposition, e.reason, h.id, e.trade_id, e.side, e.ticker, e.ts::timestamptz, e.quantity::numeric, e.price::numeric,
           e.kafka_topic, e.kafka_partition::integer, e.kafka_offset::bigint, decode(e.message_key, 'hex'), decode(e.message, 'hex'),
           $21::timestamptz
    from unnest(
  $22::text[],
  $23::text[],
  $24::text[],
  $25::text[],
  $26::text[],
  $27::text[],
  $28::text[],
  $29::text[],
  $30::text[],
  $31::text[],
  $32::text[],
  $33::text[],
  $34::text[],
  $35::text[],
  $36::text[]
) as e (id, disposition, reason, order_id, trade_id, side, ticker, ts, quantity, price, kafka_topic, kafka_partition, kafka_offset, message_key, message) join held h on h.id = e.order_id::uuid
    on conflict do nothing
    returning id
  )
  select 'order' as kind, id from held union all select 'exception', id from kept
