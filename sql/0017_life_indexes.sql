-- concurrently: each statement by itself, outside a transaction, so that reads and writes go on. An index that a failed attempt left
-- behind is built anew. None of these indexes has `status` in its condition: an update that changes it would touch every index.
--
-- Stops that wait, by the price that triggers them.
drop index concurrently if exists orders_waiting_stops;
create index concurrently orders_waiting_stops on orders (ticker, side, stop_price, id) where stop_price is not null and triggered_at is null and open;
-- Orders that end by the clock.
drop index concurrently if exists orders_by_expiry;
create index concurrently orders_by_expiry on orders (expires_at, id) where expires_at is not null and open;
-- Orders whose remainder an engine ends at once, from the moment at which it was told of them.
drop index concurrently if exists orders_immediate;
create index concurrently orders_immediate on orders ((coalesce(triggered_at, created_at)), id)
  where open and (time_in_force in ('IOC', 'FOK') or type = 'MARKET' or (type = 'STOP' and triggered_at is not null));
