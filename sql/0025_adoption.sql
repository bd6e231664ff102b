-- The take-over of a database of the Java service (`orders adopt`): what was taken over, what could not be, what was told to the engine because
-- Java had not, and from which offsets on the topics are ours. Every other database has these tables empty. Orders that were taken over have the
-- origin 'adopted', which no order that is placed can have.

create table if not exists adoption (
  slot         boolean     primary key default true check (slot),
  adopted_at   timestamptz not null default clock_timestamp(),
  adopted_by   text        not null default current_user,
  java_schema  text        not null,                                 -- where the tables are that were read
  java_version text        not null,                                 -- the last migration of Flyway
  options      jsonb       not null,                                 -- of the command
  counts       jsonb       not null                                  -- the summary: what, which, how many
);

-- Rows without a lawful place, whole. Java's tables have them too, for as long as these are kept.
create table if not exists adoption_refused (
  number   bigint generated always as identity primary key,
  kind     text   collate "C" not null,
  reason   text   not null,
  order_id uuid,
  content  jsonb  not null,
  constraint adoption_refused_kind check (kind in ('order', 'leg', 'event'))
);

-- Trades of orders whose legs are known by their ids alone: one opening row of the ledger stands for them.
create table if not exists adoption_openings (
  order_id uuid        not null references orders (id),
  trade_id text        collate "C" not null,
  ts       timestamptz not null,
  primary key (order_id, trade_id)
);

-- Events that were not found on the topic.
create table if not exists adoption_events (
  order_id   uuid        not null references orders (id),
  kind       text        collate "C" not null,
  state      text        collate "C" not null,
  decided_at timestamptz,
  primary key (order_id, kind),
  constraint adoption_events_kind  check (kind in ('PLACED', 'CANCELLED')),
  -- PUBLISHED: put into the outbox. UNDECIDED: the topic no longer holds the time of the order, so nobody knows. CANCELED: the order was ended.
  constraint adoption_events_state check (state in ('PUBLISHED', 'UNDECIDED', 'CANCELED') and (state = 'UNDECIDED') = (decided_at is null))
);
create index if not exists adoption_events_undecided on adoption_events (order_id, kind) where state = 'UNDECIDED';

-- What stands before these offsets is Java's.
create table if not exists adoption_beginnings (
  topic        text    collate "C" not null,
  partition    integer not null,
  first_offset bigint  not null,
  primary key (topic, partition)
);

create or replace trigger adoption_never_updated before update on adoption for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_never_deleted before delete on adoption for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_never_truncated before truncate on adoption for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_refused_never_updated before update on adoption_refused for each statement
  execute function refuse_change('refused rows are evidence');
create or replace trigger adoption_refused_never_deleted before delete on adoption_refused for each statement
  execute function refuse_change('refused rows are evidence');
create or replace trigger adoption_refused_never_truncated before truncate on adoption_refused for each statement
  execute function refuse_change('refused rows are evidence');
create or replace trigger adoption_openings_never_updated before update on adoption_openings for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_openings_never_deleted before delete on adoption_openings for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_openings_never_truncated before truncate on adoption_openings for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_events_decided_once after update on adoption_events for each row
  when (old.state <> 'UNDECIDED' or (new.order_id, new.kind) is distinct from (old.order_id, old.kind))
  execute function refuse_change('a decision stands', 'order_id');
create or replace trigger adoption_events_never_deleted before delete on adoption_events for each statement
  execute function refuse_change('what was decided stays');
create or replace trigger adoption_events_never_truncated before truncate on adoption_events for each statement
  execute function refuse_change('what was decided stays');
create or replace trigger adoption_beginnings_never_updated before update on adoption_beginnings for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_beginnings_never_deleted before delete on adoption_beginnings for each statement
  execute function refuse_change('what was taken over never changes');
create or replace trigger adoption_beginnings_never_truncated before truncate on adoption_beginnings for each statement
  execute function refuse_change('what was taken over never changes');

-- Whoever may read orders may read this. Only the owner of the tables takes over.
do $$
declare
  place constant text := quote_ident(current_schema());
  someone record;
begin
  for someone in
    select distinct case a.grantee when 0 then 'public' else a.grantee::regrole::text end as name
    from pg_class c, aclexplode(c.relacl) a
    where c.oid = to_regclass(place || '.orders') and a.grantee <> c.relowner and a.privilege_type = 'SELECT'
  loop
    execute format('grant select on %s.adoption, %s.adoption_refused, %s.adoption_openings, %s.adoption_events, %s.adoption_beginnings to %s',
                   place, place, place, place, place, someone.name);
  end loop;
end
$$;
