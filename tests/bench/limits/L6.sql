-- L6: five hundred fills in one statement, one commit: locks in ascending order past whoever holds one, then ledger and orders.
with drawn as materialized (
  select distinct on (id) id, quantity, price
  from (
    select ('0190' || 1000 + n / 9000 || '-' || 1000 + n % 9000 || '-7000-8000-000000000000')::uuid as id,
           random(1, 9)::numeric as quantity, random(9900, 10100) / 100.0 as price
    from (select 10 * random(0, :orders / 10 - 1) + random(1, 4) as n from generate_series(1, 500)) x
  ) y
), held as materialized (
  select o.id, o.side, o.ticker, o.version + 1 as next, d.quantity, d.price
  from orders o join drawn d using (id)
  order by o.id
  for update of o skip locked
), moved as (
  update orders o
  set status = case when o.filled_quantity + h.quantity = o.quantity then 'FILLED' else 'PARTIALLY_FILLED' end,
      filled_quantity = o.filled_quantity + h.quantity, filled_notional = o.filled_notional + h.quantity * h.price,
      last_fill_price = h.price, updated_at = greatest(o.updated_at, now()), version = h.next
  from held h where o.id = h.id
)
insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset)
select id, 'trade-' || uuidv7(), side, ticker, now(), quantity, price, false, now(), next, 0, 0 from held;
