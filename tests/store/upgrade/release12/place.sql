-- 1.2 places orders: $1 ids, $2 users, $3 client order ids, $4 tickers, $5 sides, $6 types, $7 times in force, $8 quantities, $9 prices,
-- $10 times, $11 event ids, $12 trace parents.
with input as (
  select * from unnest(
    $1::text[],
    $2::text[],
    $3::text[],
    $4::text[],
    $5::text[],
    $6::text[],
    $7::text[],
    $8::text[],
    $9::text[],
    $10::text[],
    $11::text[],
    $12::text[]
  ) with ordinality as t (id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, event_id, traceparent, ordinality)
), placed as (
  insert into orders (id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
  select id::uuid, user_id::uuid, client_order_id, ticker, side, type, time_in_force, quantity::numeric, price::numeric, created_at::timestamptz, created_at::timestamptz
  from input
  order by user_id, client_order_id, id
  on conflict do nothing
  returning id
)
insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent)
select i.event_id::uuid, 'PLACED', i.id::uuid, i.ticker, i.created_at::timestamptz, i.traceparent
from input i
where i.id::uuid = any (array(select id from placed))
order by i.ordinality
returning order_id
