-- 1.4 places orders: $1 ids, $2 to $13 their terms in the order of the columns, $14 times, $15 request ids, $16 subjects, $17 and $18 reasons,
-- $19 event ids, $20 trace parents.
with input as materialized (
  select *, nextval('log_position') as position from unnest(
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
    $12::text[],
    $13::text[],
    $14::text[],
    $15::text[],
    $16::text[],
    $17::text[],
    $18::text[],
    $19::text[],
    $20::text[]
  ) with ordinality as t (id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, stop_price, display_quantity, post_only, expires_at, created_at, request_id, subject, reason_code, reason_text, event_id, traceparent, ordinality)
), placed as (
  insert into orders (id, user_id, client_order_id, ticker, side, type, time_in_force, quantity, price, stop_price, display_quantity, post_only, expires_at, status, reason_code, reason_text, created_at, updated_at, request_id, subject, position)
  select id::uuid, user_id::uuid, client_order_id, ticker, side, type, time_in_force, quantity::numeric, price::numeric, stop_price::numeric, display_quantity::numeric, coalesce(post_only::boolean, false), expires_at::timestamptz, case when reason_code is null then 'NEW' else 'REJECTED' end, reason_code, reason_text,
         created_at::timestamptz, created_at::timestamptz, request_id, subject, position
  from input
  order by user_id, client_order_id, id
  on conflict do nothing
  returning id
), appended as (
  insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent)
  select i.event_id::uuid, 'PLACED', i.id::uuid, i.ticker, i.created_at::timestamptz, i.traceparent
  from input i
  where i.reason_code is null and i.stop_price is null and i.id::uuid = any (array(select id from placed))
  order by i.ordinality
)
select id from placed
