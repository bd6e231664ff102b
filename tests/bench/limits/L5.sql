-- L5: what a service without batching does for one leg of a trade: look at the order under its lock, write the ledger, move the
-- order, one commit each. Orders are those of the loader (world/loader.ts): four in ten are open, with room for any number of fills.
\set n 10 * random(0, :orders / 10 - 1) + random(1, 4)
\set high 1000 + :n / 9000
\set low 1000 + :n % 9000
\set quantity random(1, 9)
\set cents random(9900, 10100)
\set trade random(1, 1000000000000000)
begin;
select id, side, ticker, version + 1 as next
from orders where id = ('0190' || :high || '-' || :low || '-7000-8000-000000000000')::uuid
for update \gset
insert into ingested_fills (order_id, trade_id, side, ticker, ts, quantity, price, late, applied_at, order_version, kafka_partition, kafka_offset)
values (:id, 'trade-' || :trade, :side, :ticker, now(), :quantity, :cents / 100.0, false, now(), :next, 0, :trade);
update orders
set status = case when filled_quantity + :quantity = quantity then 'FILLED' else 'PARTIALLY_FILLED' end,
    filled_quantity = filled_quantity + :quantity, filled_notional = filled_notional + :quantity * (:cents / 100.0),
    last_fill_price = :cents / 100.0, updated_at = greatest(updated_at, now()), version = :next
where id = :id;
commit;
