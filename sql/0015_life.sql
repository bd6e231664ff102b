-- The whole life of an order: stops, icebergs, ends by the clock, ends that an engine reports. Nothing here rewrites or reads a table: columns
-- come with a constant, checks are validated by the next file, indexes are built by the one after it. Replicas of 1.3 go on working beside
-- this schema; they trigger no stops, so none is accepted while one of them runs.

-- Whoever holds a table for longer must not make all writers queue behind this file: it fails then, and is tried again after a pause.
set local lock_timeout = '500ms';
lock table orders, outbox in access exclusive mode;

alter table orders
  add column if not exists stop_price       numeric(20, 8),
  add column if not exists display_quantity numeric(20, 8),          -- of an iceberg: what the engine shows at a time
  add column if not exists post_only        boolean not null default false,
  add column if not exists expires_at       timestamptz,
  add column if not exists triggered_at     timestamptz;             -- when the stop price was met

-- Few checks with many rules: Postgres prepares every check of a table for every statement.
alter table orders
  drop constraint if exists orders_type_and_price,
  drop constraint if exists orders_type_and_terms,
  drop constraint if exists orders_time_in_force,
  drop constraint if exists orders_stop_and_display;
alter table orders
  add constraint orders_type_and_terms check (case type
      when 'LIMIT'      then price is not null and stop_price is null
      when 'MARKET'     then price is null     and stop_price is null     and display_quantity is null and not post_only
      when 'STOP'       then price is null     and stop_price is not null and display_quantity is null and not post_only
      when 'STOP_LIMIT' then price is not null and stop_price is not null and not post_only
      else false end) not valid,
  add constraint orders_time_in_force check (case time_in_force
      when 'GTC' then true
      when 'DAY' then true
      when 'GTD' then expires_at is not null
      when 'IOC' then expires_at is null and stop_price is null and display_quantity is null and not post_only
      when 'FOK' then expires_at is null and stop_price is null and display_quantity is null and not post_only
      else false end) not valid,
  add constraint orders_stop_and_display check (
      (stop_price is null or (stop_price > 0 and stop_price <> 'NaN'))
      and (display_quantity is null or (display_quantity > 0 and display_quantity < quantity))
      and (triggered_at is null or stop_price is not null)
      and (stop_price is null or triggered_at is not null or filled_quantity = 0)) not valid;

-- An order that a rule of business refuses is stored as REJECTED from the start.
create or replace trigger orders_start_new after insert on orders for each row
  when (not (new.status = 'NEW' or (new.status = 'REJECTED' and new.reason_code is not null))
        or new.filled_quantity <> 0 or new.version <> 0 or new.triggered_at is not null)
  execute function refuse_change('an order starts as NEW, or as REJECTED with a reason, unfilled, at version 0', 'id');

create or replace trigger orders_terms_fixed after update on orders for each row
  when ((new.id, new.user_id, new.client_order_id, new.ticker, new.side, new.type, new.time_in_force, new.quantity, new.price, new.stop_price,
         new.display_quantity, new.post_only, new.expires_at, new.created_at, new.xact, new.position, new.request_id, new.subject, new.sort_key)
        is distinct from
        (old.id, old.user_id, old.client_order_id, old.ticker, old.side, old.type, old.time_in_force, old.quantity, old.price, old.stop_price,
         old.display_quantity, old.post_only, old.expires_at, old.created_at, old.xact, old.position, old.request_id, old.subject, old.sort_key))
  execute function refuse_change('what an order asks for never changes', 'id');

create or replace trigger orders_lawful_status after update on orders for each row
  when (new.status <> old.status and not (
          (old.status in ('NEW', 'PARTIALLY_FILLED') and new.status in ('PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'EXPIRED'))
          or (old.status = 'NEW' and new.status = 'REJECTED')))
  execute function refuse_change('this status change is not in the table of transitions', 'id');

create or replace trigger orders_triggered_once after update on orders for each row
  when (new.triggered_at is distinct from old.triggered_at
        and not (old.triggered_at is null and old.status = 'NEW' and new.status = 'NEW'))
  execute function refuse_change('a stop triggers once, while it is NEW', 'id');

-- What a cancellation says beside the terms of its order. Null in the rows of 1.3.
alter table outbox
  add column if not exists filled_quantity numeric(20, 8),
  add column if not exists reason_code     text collate "C",
  add column if not exists reason_text     text;

-- Orders that the service ends: the engine is told at due_at, and the status follows the trade topic. A row is gone once its order is final.
create table if not exists order_endings (
  order_id        uuid        primary key references orders (id),
  outcome         text        collate "C" not null,                 -- the status to come, unless the order is filled first
  reason_code     text        collate "C" not null,
  due_at          timestamptz not null,
  told_at         timestamptz,                                      -- when its cancellation went into the outbox
  outbox_position bigint,                                           -- of that cancellation
  acknowledged_at timestamptz,                                      -- when that row was found gone: the broker has it
  constraint order_endings_outcome check (outcome in ('CANCELED', 'EXPIRED')),
  constraint order_endings_stages  check ((told_at is null) = (outbox_position is null) and (acknowledged_at is null or told_at is not null))
);
create index if not exists order_endings_by_stage on order_endings (acknowledged_at, told_at, due_at);

-- Everything on this partition of the trade topic before read_until (the clock of the database) has its disposition.
create table if not exists tape_marks (
  topic      text        collate "C" not null,
  partition  integer     not null,
  read_until timestamptz not null,
  primary key (topic, partition)
);
create or replace trigger tape_marks_only_up after update on tape_marks for each row
  when (new.read_until < old.read_until or (new.topic, new.partition) is distinct from (old.topic, old.partition))
  execute function refuse_change('a mark only rises', 'topic');

-- What an engine said of the end of an order.
create table if not exists ingested_reports (
  order_id            uuid           not null references orders (id),
  report_id           text           not null,
  kind                text           collate "C" not null,
  ticker              text           collate "C" not null,
  reason_text         text,
  cumulative_quantity numeric(20, 8),
  reported_at         timestamptz    not null,                      -- by the engine's clock
  state               text           collate "C" not null,
  arrived_at          timestamptz    not null,                      -- by the clock of the database
  settled_at          timestamptz,                                  -- null: it waits for fills
  kafka_topic         text           not null,
  kafka_partition     integer        not null,
  kafka_offset        bigint         not null,
  message_key         bytea,
  message             bytea,                                        -- as received, of a report that had to wait: an exception may come of it
  primary key (order_id, report_id),
  constraint ingested_reports_kind    check (kind in ('REJECTED', 'CANCELED', 'EXPIRED')),
  constraint ingested_reports_state   check (state in ('WAITING', 'APPLIED', 'STALE', 'INCOMPLETE', 'MISMATCH')),
  constraint ingested_reports_settled check ((state = 'WAITING') = (settled_at is null)),
  constraint ingested_reports_message check (message is not null or state in ('APPLIED', 'STALE')),
  constraint ingested_reports_amount  check (cumulative_quantity >= 0 and cumulative_quantity <> 'NaN')
);
create index if not exists ingested_reports_waiting on ingested_reports (arrived_at, order_id) where settled_at is null;

create or replace trigger ingested_reports_settled_once after update on ingested_reports for each row
  when (old.settled_at is not null
        or (new.order_id, new.report_id, new.kind, new.ticker, new.reason_text, new.cumulative_quantity, new.reported_at, new.arrived_at,
            new.kafka_topic, new.kafka_partition, new.kafka_offset, new.message_key, new.message)
           is distinct from
           (old.order_id, old.report_id, old.kind, old.ticker, old.reason_text, old.cumulative_quantity, old.reported_at, old.arrived_at,
            old.kafka_topic, old.kafka_partition, old.kafka_offset, old.message_key, old.message))
  execute function refuse_change('a report never changes, and is settled once', 'order_id');
create or replace trigger ingested_reports_never_deleted before delete on ingested_reports for each statement
  execute function refuse_change('reports are never deleted');
create or replace trigger ingested_reports_never_truncated before truncate on ingested_reports for each statement
  execute function refuse_change('reports are never truncated');

-- A replica of 1.3 leaves this out.
alter table replicas add column if not exists version text collate "C";

-- Reports that an operator has to look at, with the bytes as received. Evidence, like the exceptions of trades.
create table if not exists report_exceptions (
  id                  uuid           primary key,
  disposition         text           collate "C" not null,
  reason              text           not null,
  order_id            uuid           not null references orders (id),
  report_id           text           not null,
  kind                text           collate "C" not null,
  ticker              text           collate "C" not null,
  reason_text         text,
  cumulative_quantity numeric(20, 8),
  reported_at         timestamptz    not null,
  kafka_topic         text           not null,
  kafka_partition     integer        not null,
  kafka_offset        bigint         not null,
  message_key         bytea,
  message             bytea          not null,
  recorded_at         timestamptz    not null,
  constraint report_exceptions_disposition check (disposition in ('CONFLICT', 'MISMATCH', 'INCOMPLETE'))
);
-- A report that comes again with the same content is kept once.
create unique index if not exists report_exceptions_once
  on report_exceptions (order_id, report_id, disposition, kind, ticker, cumulative_quantity) nulls not distinct;

create table if not exists report_exception_resolutions (
  exception_id uuid        primary key references report_exceptions (id),
  resolved_by  text        not null,
  note         text        not null,
  resolved_at  timestamptz not null,
  constraint report_exception_resolutions_resolved_by check (length(resolved_by) between 1 and 200),
  constraint report_exception_resolutions_note        check (length(note) between 1 and 2000)
);

create or replace trigger report_exceptions_never_updated before update on report_exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create or replace trigger report_exceptions_never_deleted before delete on report_exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create or replace trigger report_exceptions_never_truncated before truncate on report_exceptions for each statement
  execute function refuse_change('exceptions are evidence');
create or replace trigger report_exception_resolutions_never_updated before update on report_exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');
create or replace trigger report_exception_resolutions_never_deleted before delete on report_exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');
create or replace trigger report_exception_resolutions_never_truncated before truncate on report_exception_resolutions for each statement
  execute function refuse_change('the first resolution stands');

-- Whoever may delete from the outbox is the service. Roles are set up again only later.
do $$
declare
  place constant text := quote_ident(current_schema());
  someone record;
begin
  for someone in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name, a.privilege_type as privilege
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = to_regclass(place || '.outbox') and a.grantee <> c.relowner and a.privilege_type in ('SELECT', 'DELETE')
  loop
    if someone.privilege = 'DELETE' then
      execute format('grant update (triggered_at) on %s.orders to %s', place, someone.name);
      execute format('grant select, insert, update, delete on %s.order_endings to %s', place, someone.name);
      execute format('grant select, insert, update on %s.tape_marks to %s', place, someone.name);
      execute format('grant select, insert, update (state, settled_at) on %s.ingested_reports to %s', place, someone.name);
      execute format('grant select, insert on %s.report_exceptions, %s.report_exception_resolutions to %s', place, place, someone.name);
    else
      execute format('grant select on %s.order_endings, %s.tape_marks, %s.ingested_reports, %s.report_exceptions, '
                     || '%s.report_exception_resolutions to %s', place, place, place, place, place, someone.name);
    end if;
  end loop;
end
$$;
