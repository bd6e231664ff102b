-- The gate of the rules of business. Whoever changes a rule locks this table and raises the epoch; a statement that stores orders carries the
-- epoch of the rules that they were judged by, locks the table before its snapshot is taken, and stores nothing if the epoch is another one.

set local lock_timeout = '500ms';
lock table orders in access exclusive mode;

create table if not exists rules_gate (
  slot  boolean primary key default true check (slot),
  epoch bigint  not null
);
insert into rules_gate (epoch) values (1) on conflict do nothing;
create or replace trigger rules_gate_only_up after update on rules_gate for each row
  when (new.epoch <= old.epoch)
  execute function refuse_change('the epoch only rises', 'slot');
create or replace trigger rules_gate_never_deleted before delete on rules_gate for each statement
  execute function refuse_change('the gate stays');
create or replace trigger rules_gate_never_truncated before truncate on rules_gate for each statement
  execute function refuse_change('the gate stays');

alter table orders add column if not exists rules_epoch bigint;    -- the rules by which it was accepted or refused; null: there were none yet

-- A replica of 1.4 or older knows neither rules nor voids. What it inserts has no epoch. The code is that of a server that takes no writes:
-- such a replica answers 503, and has stored nothing.
create or replace function refuse_unjudged() returns trigger language plpgsql as $$
begin
  raise exception using
    errcode = 'read_only_sql_transaction',
    message = format('insert on %s refused: it was not judged by the rules of business', tg_table_name),
    hint = 'replicas of 1.4 and older know no rules: replace them; by hand, give rules_epoch the epoch of rules_gate';
end
$$;
create or replace trigger orders_judged before insert on orders for each row
  when (new.rules_epoch is null)
  execute function refuse_unjudged();

-- From here on whoever stores an order stores its key. Where no order has a key there is none to fill in.
do $$
begin
  if not exists (select from orders where client_order_id is not null) then
    update order_keys_fill set finished_at = clock_timestamp() where finished_at is null;
    drop index if exists orders_by_client_order_id;
  end if;
end
$$;

create or replace trigger orders_terms_fixed after update on orders for each row
  when ((new.id, new.user_id, new.client_order_id, new.ticker, new.side, new.type, new.time_in_force, new.quantity, new.price, new.stop_price,
         new.display_quantity, new.post_only, new.expires_at, new.created_at, new.xact, new.position, new.request_id, new.subject, new.sort_key,
         new.rules_epoch)
        is distinct from
        (old.id, old.user_id, old.client_order_id, old.ticker, old.side, old.type, old.time_in_force, old.quantity, old.price, old.stop_price,
         old.display_quantity, old.post_only, old.expires_at, old.created_at, old.xact, old.position, old.request_id, old.subject, old.sort_key,
         old.rules_epoch))
  execute function refuse_change('what an order asks for never changes', 'id');

-- Whoever may write orders passes the gate: `for share` asks for the right to update.
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
      execute format('grant select, update on %s.rules_gate to %s', place, someone.name);
    else
      execute format('grant select on %s.rules_gate to %s', place, someone.name);
    end if;
  end loop;
end
$$;
