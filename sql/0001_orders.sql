-- The order: one row for life. What an order asks for never changes; what happened to it only moves forward. The checks and
-- triggers below hold for every code path and for every ordinary psql session, so a bug in the service fails loudly here.

create table orders (
  id              uuid           primary key,                 -- UUIDv7; its time is created_at, so id order is age order
  user_id         uuid           not null,
  client_order_id text           collate "C",
  ticker          text           collate "C" not null,
  side            text           collate "C" not null,
  type            text           collate "C" not null,
  time_in_force   text           collate "C" not null,
  quantity        numeric(20, 8) not null,
  price           numeric(20, 8),
  filled_quantity numeric(20, 8) not null default 0,
  last_fill_price numeric(20, 8),
  filled_notional numeric(40, 16) not null default 0,         -- exact sum of quantity * price over the ledger
  status          text           collate "C" not null default 'NEW',
  created_at      timestamptz    not null,
  updated_at      timestamptz    not null,
  version         integer        not null default 0,          -- events applied since acceptance: fills, a cancel
  -- NEW to PARTIALLY_FILLED leaves this column alone, so that update touches no index (a heap-only tuple).
  open            boolean        not null generated always as (status in ('NEW', 'PARTIALLY_FILLED')) stored,

  constraint orders_client_order_id check (client_order_id ~ '^[ -~]{1,64}$'),
  constraint orders_ticker          check (ticker ~ '^[A-Z0-9.-]{1,16}$'),
  constraint orders_side            check (side in ('BUY', 'SELL')),
  constraint orders_time_in_force   check (time_in_force in ('GTC', 'IOC', 'FOK', 'DAY')),
  constraint orders_type_and_price  check (case type when 'LIMIT'  then price is not null
                                                     when 'MARKET' then price is null
                                                     else false end),
  constraint orders_quantity        check (quantity > 0 and quantity <> 'NaN'),
  constraint orders_price           check (price > 0 and price <> 'NaN'),
  constraint orders_never_overfilled check (filled_quantity >= 0 and filled_quantity <= quantity),
  constraint orders_fill_prices     check (case when filled_quantity = 0
                                                then last_fill_price is null and filled_notional = 0
                                                else last_fill_price is not null and last_fill_price > 0 and last_fill_price <> 'NaN'
                                                     and filled_notional > 0 and filled_notional <> 'NaN' end),
  constraint orders_status_and_fill check (case status
                                             when 'NEW'              then filled_quantity = 0
                                             when 'PARTIALLY_FILLED' then filled_quantity > 0 and filled_quantity < quantity
                                             when 'FILLED'           then filled_quantity = quantity
                                             when 'CANCELED'         then true   -- late fills are facts too
                                             when 'EXPIRED'          then true
                                             when 'REJECTED'         then filled_quantity = 0
                                             else false end),
  constraint orders_version         check (version >= 0)
) with (fillfactor = 85);

-- One index for "by user" and "by user, open": a page of both kinds merges two ranges. The same for tickers.
create index orders_by_user on orders (user_id, open, id desc nulls last);
create index orders_by_ticker on orders (ticker, open, id desc nulls last);
create unique index orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null;

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception using
    errcode = 'check_violation',
    message = format('%s on %s refused: %s', tg_op, tg_table_name, tg_argv[0]),
    hint = case when tg_level = 'ROW' then format('id %s', to_jsonb(new) ->> tg_argv[1])
                else 'history is corrected by adding to it' end;
end
$$;

-- The triggers fire only for what is illegal (the rule stands in WHEN), so lawful writes never enter plpgsql.
create trigger orders_start_new after insert on orders for each row
  when (new.status <> 'NEW' or new.filled_quantity <> 0 or new.version <> 0)
  execute function refuse_change('an order starts as NEW, unfilled, at version 0', 'id');

create trigger orders_terms_fixed after update on orders for each row
  when ((new.id, new.user_id, new.client_order_id, new.ticker, new.side, new.type, new.time_in_force, new.quantity, new.price, new.created_at)
        is distinct from
        (old.id, old.user_id, old.client_order_id, old.ticker, old.side, old.type, old.time_in_force, old.quantity, old.price, old.created_at))
  execute function refuse_change('what an order asks for never changes', 'id');

create trigger orders_only_forward after update on orders for each row
  when (new.version <= old.version or new.filled_quantity < old.filled_quantity or new.filled_notional < old.filled_notional
        or new.updated_at < old.updated_at)
  execute function refuse_change('the version must rise, filled quantity, notional and updated_at never fall', 'id');

create trigger orders_lawful_status after update on orders for each row
  when (new.status <> old.status and not (
          (old.status in ('NEW', 'PARTIALLY_FILLED') and new.status in ('PARTIALLY_FILLED', 'FILLED'))
          or (old.status = 'NEW' and new.status in ('CANCELED', 'REJECTED', 'EXPIRED'))))
  execute function refuse_change('this status change is not in the table of transitions', 'id');

create trigger orders_never_deleted before delete on orders for each statement
  execute function refuse_change('orders are never deleted');
create trigger orders_never_truncated before truncate on orders for each statement
  execute function refuse_change('orders are never truncated');
