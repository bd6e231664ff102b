-- L3: a hundred orders and their events in one statement: what one commit for many is worth. The database draws the rows itself.
with drawn as materialized (
  select greatest(1, ceil(0.5 * 401 ^ random() - 0.5))::integer as ticker, random() < 0.8 as is_limit
  from generate_series(1, 100)
), placed as (
  insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
  select 1, uuidv7(), ('0b5e0000-0000-4000-8000-00000000' || random(1000, 1999))::uuid,
         case when random() < 0.5 then 'key-' || random(1, 1000000000000000) end, 'T' || ticker,
         (array['BUY', 'SELL'])[random(1, 2)], case when is_limit then 'LIMIT' else 'MARKET' end,
         (array['GTC', 'IOC', 'FOK', 'DAY'])[random(1, 4)], random(1, 1000), case when is_limit then random(9900, 10100) / 100.0 end,
         now(), now()
  from drawn
  returning id, ticker, user_id, client_order_id
), keyed as (
  insert into order_keys (user_id, client_order_id, order_id)
  select user_id, client_order_id, id from placed where client_order_id is not null
)
insert into outbox (event_id, kind, order_id, ticker, occurred_at)
select uuidv7(), 'PLACED', id, ticker, now() from placed
returning order_id;
