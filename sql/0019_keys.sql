-- The keys of orders: whoever inserts the row of a key first, an order or a void, has the key for ever. Until now a unique index of orders
-- decided that; it goes on deciding beside this table until the keys of the orders that are here already were filled in.

-- Whoever holds the table for longer must not make all writers queue behind this file: it fails then, and is tried again after a pause.
set local lock_timeout = '500ms';
lock table orders in access exclusive mode;

create table if not exists order_keys (
  user_id         uuid        not null,
  client_order_id text        collate "C" not null,
  order_id        uuid,                                             -- null: the key is void, no order can have it any more
  voided_at       timestamptz,
  request_id      text,                                             -- of the request that made it void
  subject         text,
  primary key (user_id, client_order_id),
  constraint order_keys_holder check (case when order_id is null then voided_at is not null and client_order_id ~ '^[ -~]{1,64}$'
                                                                 else voided_at is null end)
);
create or replace trigger order_keys_never_updated before update on order_keys for each statement
  execute function refuse_change('who has a key never changes');
create or replace trigger order_keys_never_deleted before delete on order_keys for each statement
  execute function refuse_change('keys are never given back');
create or replace trigger order_keys_never_truncated before truncate on order_keys for each statement
  execute function refuse_change('keys are never given back');

-- How far the keys of older orders were filled in: those of all orders up to this id. `orders`: how many orders these are.
create table if not exists order_keys_fill (
  slot        boolean     primary key default true check (slot),
  filled_to   uuid        not null default '00000000-0000-0000-0000-000000000000',
  orders      bigint      not null default 0,
  finished_at timestamptz
);
-- This file runs again after a time with 1.4, which stored no keys: then all orders are looked through again, and its index counts again.
insert into order_keys_fill default values
on conflict (slot) do update set filled_to = excluded.filled_to, orders = excluded.orders, finished_at = excluded.finished_at;
create unique index if not exists orders_by_client_order_id on orders (user_id, client_order_id) where client_order_id is not null;

-- Whoever may write orders may write their keys. Roles are set up again only later, and every POST would fail until then.
do $$
declare
  place constant text := quote_ident(current_schema());
  someone record;
begin
  for someone in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name, a.privilege_type as privilege
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = to_regclass(place || '.orders') and a.grantee <> c.relowner and a.privilege_type in ('SELECT', 'INSERT')
  loop
    if someone.privilege = 'INSERT' then
      execute format('grant select, insert on %s.order_keys to %s', place, someone.name);
      execute format('grant select, update on %s.order_keys_fill to %s', place, someone.name);
    else
      execute format('grant select on %s.order_keys, %s.order_keys_fill to %s', place, place, someone.name);
    end if;
  end loop;
end
$$;
