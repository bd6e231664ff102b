-- L1: what a service without batching does for one order: three statements in a transaction, one commit each. An order without a key writes
-- none.
-- Rows as the service's clients make them (mix/orderMix.ts). Nothing is ever deleted from the outbox here, which the service
-- has to do: the limit is generous.
\set user random(1000, 1999)
\set ticker random_zipfian(1, 200, 1.001)
\set side random(1, 2)
\set limit random(1, 10)
\set tif random(1, 4)
\set quantity random(1, 1000)
\set cents random(9900, 10100)
\set keyed random(0, 1)
\set key random(1, 1000000000000000)
begin;
insert into orders (rules_epoch, id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, created_at, updated_at)
values (1, uuidv7(), ('0b5e0000-0000-4000-8000-00000000' || :user)::uuid, case when :keyed = 1 then 'key-' || :key end, 'T' || :ticker,
        (array['BUY', 'SELL'])[:side], case when :limit <= 8 then 'LIMIT' else 'MARKET' end,
        (array['GTC', 'IOC', 'FOK', 'DAY'])[:tif], :quantity, case when :limit <= 8 then :cents / 100.0 end, now(), now())
returning id \gset
insert into order_keys (user_id, client_order_id, order_id)
select ('0b5e0000-0000-4000-8000-00000000' || :user)::uuid, 'key-' || :key, :id where :keyed = 1;
insert into outbox (event_id, kind, order_id, ticker, occurred_at)
values (uuidv7(), 'PLACED', :id, 'T' || :ticker, now());
commit;
