-- 1.2 reads what a batch of legs is judged against: $1 order ids, $2 trade ids.
  select
o.id, o.user_id, o.client_order_id, o.ticker, o.side, o.type, o.time_in_force, o.quantity, o.price, o.filled_quantity,
o.last_fill_price, o.filled_notional, o.status, o.created_at, o.updated_at, o.version, o.xmin::text as stamp, i.trade_id,
         f.side as fill_side, f.ticker as fill_ticker, f.quantity as fill_quantity, f.price as fill_price,
         (select json_agg(json_build_array(e.side, e.ticker, e.quantity::text, e.price::text))
          from exceptions e where e.order_id = o.id and e.trade_id = i.trade_id) as exceptions
  from unnest(
    $1::text[],
    $2::text[]
  ) as i (order_id, trade_id)
  join orders o on o.id = i.order_id::uuid
  left join lateral (
    select * from ingested_fills
    where (order_id, trade_id) >= (o.id, i.trade_id) order by order_id, trade_id limit 1
  ) f on f.order_id = o.id and f.trade_id = i.trade_id
