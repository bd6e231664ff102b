-- concurrently: each statement by itself, outside a transaction, so that reads and writes go on. An index that a failed attempt left
-- behind is built anew.
--
-- By transaction, for whoever follows the log. The rows of before the log stay out: an upgrade indexes no old row.
drop index concurrently if exists orders_by_xact;
create index concurrently orders_by_xact on orders (xact) where xact > '3';
drop index concurrently if exists ingested_fills_by_xact;
create index concurrently ingested_fills_by_xact on ingested_fills (xact) where xact > '3';
drop index concurrently if exists order_changes_by_xact;
create index concurrently order_changes_by_xact on order_changes (xact) where xact > '3';
-- The lists of orders whose id has no time in it. Orders of this service are in none of these.
drop index concurrently if exists orders_by_age_sorted;
create index concurrently orders_by_age_sorted on orders (sort_key) where sort_key is not null;
drop index concurrently if exists orders_by_user_sorted;
create index concurrently orders_by_user_sorted on orders (user_id, open, sort_key desc nulls last) where sort_key is not null;
drop index concurrently if exists orders_by_ticker_sorted;
create index concurrently orders_by_ticker_sorted on orders (ticker, open, sort_key desc nulls last) where sort_key is not null;
