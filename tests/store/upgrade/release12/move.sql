-- 1.2 moves orders from one status to another: $1 ids to lock, $2 now; each move: $3 order id, $4 lawful statuses, $5 target, $6 kind of event,
-- $7 event id, $8 trace parent.
  with held as materialized (
    select o.id, o.status from orders o
    where o.id = any ($1::text[]::uuid[])
    order by o.id
    for update
  ), moved as (
    update orders o
    set status = i.target, updated_at = greatest(o.updated_at, $2::timestamptz), version = o.version + 1
    from held join unnest(
      $3::text[],
      $4::text[],
      $5::text[],
      $6::text[],
      $7::text[],
      $8::text[]
    ) with ordinality as i (order_id, sources, target, kind, event_id, traceparent, ordinality) on i.order_id::uuid = held.id and held.status = any (i.sources::text[])
    where o.id = held.id
    returning
o.id, o.user_id, o.client_order_id, o.ticker, o.side, o.type, o.time_in_force, o.quantity, o.price, o.filled_quantity,
o.last_fill_price, o.filled_notional, o.status, o.created_at, o.updated_at, o.version, i.kind, i.event_id, i.traceparent, i.ordinality
  ), appended as (
    insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent)
    select event_id::uuid, kind, id, ticker, updated_at, traceparent from moved where kind is not null order by ordinality
  )
  select held.id as held_id, held.status as before,
o.id, o.user_id, o.client_order_id, o.ticker, o.side, o.type, o.time_in_force, o.quantity, o.price, o.filled_quantity,
o.last_fill_price, o.filled_notional, o.status, o.created_at, o.updated_at, o.version
  from held left join moved o on o.id = held.id
