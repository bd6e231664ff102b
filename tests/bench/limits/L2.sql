-- L2: the order and its event as one statement, so one round trip and one commit for an order.
\set user random(1000, 1999)
\set ticker random_zipfian(1, 200, 1.001)
\set side random(1, 2)
\set limit random(1, 10)
\set tif random(1, 4)
\set quantity random(1, 1000)
\set cents random(9900, 10100)
\set keyed random(0, 1)
\set key random(1, 1000000000000000)
with placed as (
  insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
  values (1, uuidv7(), ('0b5e0000-0000-4000-8000-00000000' || :user)::uuid, case when :keyed = 1 then 'key-' || :key end, 'T' || :ticker,
          (array['BUY', 'SELL'])[:side], case when :limit <= 8 then 'LIMIT' else 'MARKET' end,
          (array['GTC', 'IOC', 'FOK', 'DAY'])[:tif], :quantity, case when :limit <= 8 then :cents / 100.0 end, now(), now())
  returning id, ticker, user_id, client_order_id
), keyed as (
  insert into order_keys (user_id, client_order_id, order_id)
  select user_id, client_order_id, id from placed where client_order_id is not null
)
insert into outbox (event_id, kind, order_id, ticker, occurred_at)
select uuidv7(), 'PLACED', id, ticker, now() from placed
returning order_id;
