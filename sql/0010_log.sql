-- The log: what happened to every order, in rows that stay. The acceptance is the order's row, a fill is its ledger row, every other
-- change is a row of order_changes. Each has the transaction that wrote it and a position, so that readers can follow the log.
--
-- Nothing here rewrites or reads a table: columns come with a constant, checks are validated by the next file, indexes are built by the
-- one after it. Replicas of 1.2 go on working beside this schema: what they leave out has a default or is added by a trigger. The file may
-- run again, after somebody went back to 1.2 and came forward once more.

-- Whoever holds a table for longer must not make all writers queue behind this file: it fails then, and is tried again after a pause.
-- Both tables are locked first, in the order in which the service's statements lock them.
set local lock_timeout = '500ms';
lock table orders, ingested_fills in access exclusive mode;

create sequence if not exists log_position as bigint cache 1;      -- a larger cache would invert the versions of an order

-- The rows that are here already get a transaction id that every snapshot sees as finished long ago; the real default comes after that.
alter table orders
  add column if not exists xact        xid8   not null default '3',
  add column if not exists position    bigint not null default 0,
  add column if not exists request_id  text   collate "C",          -- of the request that placed it
  add column if not exists subject     text,                        -- who sent that request, where callers identify themselves
  add column if not exists reason_code text   collate "C",          -- how it ended, as in order_changes
  add column if not exists reason_text text,
  add column if not exists sort_key    uuid;                        -- its place in lists, where the id itself has no time in it
alter table orders
  alter column xact     set default pg_current_xact_id(),
  alter column position set default nextval('log_position');

-- The place in lists of an order whose id is no UUIDv7: the time of created_at before the rest of its id.
create or replace function order_sort_key(id uuid, created_at timestamptz) returns uuid language sql immutable parallel safe as $$
  select (lpad(to_hex(floor(extract(epoch from created_at - timestamptz 'epoch') * 1000)::bigint), 12, '0')
          || '7' || substr(replace(id::text, '-', ''), 14))::uuid
$$;

alter table ingested_fills
  add column if not exists cumulative_quantity numeric(20, 8),      -- of the order after this fill; null: written by 1.2
  add column if not exists cumulative_notional numeric(40, 16),
  add column if not exists xact                xid8   not null default '3',
  add column if not exists position            bigint not null default 0;
alter table ingested_fills
  alter column xact     set default pg_current_xact_id(),
  alter column position set default nextval('log_position');

alter table orders drop constraint if exists orders_sort_key, drop constraint if exists orders_reason;
alter table orders
  add constraint orders_sort_key check (sort_key is null or sort_key = order_sort_key(id, created_at)) not valid,
  add constraint orders_reason check ((reason_code is null and reason_text is null) or status in ('CANCELED', 'REJECTED', 'EXPIRED')) not valid;
alter table ingested_fills drop constraint if exists ingested_fills_cumulative;
alter table ingested_fills
  add constraint ingested_fills_cumulative check ((cumulative_quantity is null) = (cumulative_notional is null)
    and cumulative_quantity >= quantity and cumulative_notional > 0) not valid;

create table if not exists order_changes (
  order_id        uuid            not null references orders (id),
  version         integer         not null,                         -- the order's version after this change
  kind            text            collate "C" not null,
  at              timestamptz     not null,
  reason_code     text            collate "C",
  reason_text     text,
  cause           jsonb           not null,
  -- The order's amounts at that time: a late fill moves them afterwards.
  filled_quantity numeric(20, 8)  not null,
  filled_notional numeric(40, 16) not null,
  last_fill_price numeric(20, 8),
  xact            xid8            not null default pg_current_xact_id(),
  position        bigint          not null default nextval('log_position'),

  primary key (order_id, version),
  constraint order_changes_version check (version >= 1),
  constraint order_changes_kind    check (kind in ('TRIGGERED', 'CANCELED', 'REJECTED', 'EXPIRED')),
  constraint order_changes_cause   check (jsonb_typeof(cause -> 'kind') = 'string')
);

-- Readers count the log from an epoch on. A logical copy of the tables in another cluster has transaction ids that mean nothing there: the
-- system column xmin of the last row then differs from its xact. Whoever notices adds an epoch; streams begin anew from there.
create table if not exists log_epochs (
  epoch    integer     primary key,
  floor    bigint      not null,                                    -- positions up to this one belong to earlier epochs
  begun_at timestamptz not null default statement_timestamp(),
  xact     xid8        not null default pg_current_xact_id()
);
insert into log_epochs (epoch, floor) values (1, 0) on conflict do nothing;

create or replace trigger orders_own_xact after insert on orders for each row
  when (new.xact <> pg_current_xact_id())
  execute function refuse_change('xact is the id of the transaction that writes the row', 'id');
create or replace trigger ingested_fills_own_xact after insert on ingested_fills for each row
  when (new.xact <> pg_current_xact_id())
  execute function refuse_change('xact is the id of the transaction that writes the row', 'order_id');
create or replace trigger order_changes_own_xact after insert on order_changes for each row
  when (new.xact <> pg_current_xact_id())
  execute function refuse_change('xact is the id of the transaction that writes the row', 'order_id');

create or replace trigger order_changes_never_updated before update on order_changes for each statement
  execute function refuse_change('the log is append-only');
create or replace trigger order_changes_never_deleted before delete on order_changes for each statement
  execute function refuse_change('the log is append-only');
create or replace trigger order_changes_never_truncated before truncate on order_changes for each statement
  execute function refuse_change('the log is append-only');
create or replace trigger log_epochs_never_updated before update on log_epochs for each statement
  execute function refuse_change('the log is append-only');
create or replace trigger log_epochs_never_deleted before delete on log_epochs for each statement
  execute function refuse_change('the log is append-only');
create or replace trigger log_epochs_never_truncated before truncate on log_epochs for each statement
  execute function refuse_change('the log is append-only');

create or replace trigger orders_terms_fixed after update on orders for each row
  when ((new.id, new.user_id, new.client_order_id, new.ticker, new.side, new.type, new.time_in_force, new.quantity, new.price, new.created_at,
         new.xact, new.position, new.request_id, new.subject, new.sort_key)
        is distinct from
        (old.id, old.user_id, old.client_order_id, old.ticker, old.side, old.type, old.time_in_force, old.quantity, old.price, old.created_at,
         old.xact, old.position, old.request_id, old.subject, old.sort_key))
  execute function refuse_change('what an order asks for never changes', 'id');
create or replace trigger orders_reason_fixed after update on orders for each row
  when (old.status in ('CANCELED', 'REJECTED', 'EXPIRED') and (new.reason_code, new.reason_text) is distinct from (old.reason_code, old.reason_text))
  execute function refuse_change('why an order ended never changes', 'id');

-- Whoever ends an order gives the reason and writes the row of the log. Replicas of 1.2, and people with psql, do neither: then this does.
create or replace function log_change() returns trigger language plpgsql as $$
begin
  if new.status = 'CANCELED' then
    new.reason_code := 'USER_CANCELED';
  else
    new.reason_code := 'UNKNOWN';
  end if;
  insert into order_changes (order_id, version, kind, at, reason_code, cause, filled_quantity, filled_notional, last_fill_price)
  values (new.id, new.version, new.status, new.updated_at, new.reason_code, '{"kind": "request"}',
          new.filled_quantity, new.filled_notional, new.last_fill_price);
  return new;
end
$$;
create or replace trigger orders_change_logged before update on orders for each row
  when (new.status <> old.status and new.status in ('CANCELED', 'REJECTED', 'EXPIRED') and new.reason_code is null)
  execute function log_change();

-- Whoever may write orders may write their log: roles are set up again only after this file, and every POST would fail until then.
do $$
declare
  place constant text := quote_ident(current_schema());
  someone record;
begin
  for someone in
    select distinct a.grantee, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name, a.privilege_type as privilege
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = to_regclass(place || '.orders') and a.grantee <> c.relowner and a.privilege_type in ('SELECT', 'INSERT')
  loop
    if someone.privilege = 'INSERT' then
      execute format('grant usage on sequence %s.log_position to %s', place, someone.name);
      execute format('grant insert on %s.order_changes, %s.log_epochs to %s', place, place, someone.name);
      -- A check of orders calls it, as whoever writes the row.
      execute format('grant execute on function %s.order_sort_key(uuid, timestamptz) to %s', place, someone.name);
    else
      execute format('grant select on sequence %s.log_position to %s', place, someone.name);
      execute format('grant select on %s.order_changes, %s.log_epochs to %s', place, place, someone.name);
    end if;
  end loop;
  for someone in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name
    from pg_attribute t, aclexplode(t.attacl) a
    where t.attrelid = to_regclass(place || '.orders') and t.attname = 'status' and a.privilege_type = 'UPDATE'
  loop
    execute format('grant update (reason_code, reason_text) on %s.orders to %s', place, someone.name);
  end loop;
end
$$;
