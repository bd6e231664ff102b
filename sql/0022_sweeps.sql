-- Cancels of many orders that must come to their end whoever dies meanwhile: a sweep is a row, written before its first order is canceled, and
-- any replica works on it. Two things write one: the switch of a user that was not armed again in time (cancel_after), and a halt.

create table if not exists cancel_sweeps (
  id           bigint      generated always as identity primary key,
  -- Which orders: those of this user, in this ticker, on this side. Null: any.
  user_id      uuid,
  ticker       text        collate "C",
  side         text        collate "C",
  reason_code  text        collate "C" not null,                    -- of each order that it cancels, and the cause
  cause        jsonb       not null,
  -- Of the statement that began it. Orders that were committed before are canceled, orders that come later are left alone.
  snapshot     pg_snapshot not null default pg_current_snapshot(),
  -- No order with a higher position is meant, whatever becomes of transaction ids: after a crash of Postgres some are given out again, and in a
  -- copy of the tables they mean nothing. It also says in which epoch of the log the snapshot was taken.
  position     bigint      not null default nextval('log_position'),
  due_at       timestamptz,                                         -- when it had to begin, if the clock began it
  begun_at     timestamptz not null default clock_timestamp(),
  -- A lease: who works on it. Two may do so at a time, for each order is canceled under its lock.
  worked_by    uuid,                                                -- replicas.id
  worked_until timestamptz,
  done_at      timestamptz,                                         -- when all that it means were found closed
  constraint cancel_sweeps_side  check (side in ('BUY', 'SELL')),
  constraint cancel_sweeps_cause check (coalesce(jsonb_typeof(cause -> 'kind') = 'string', false)),
  constraint cancel_sweeps_lease check ((worked_by is null) = (worked_until is null))
);
create index if not exists cancel_sweeps_open on cancel_sweeps (id) where done_at is null;

create or replace trigger cancel_sweeps_scope_fixed after update on cancel_sweeps for each row
  when ((new.id, new.user_id, new.ticker, new.side, new.reason_code, new.cause, new.snapshot::text, new.position, new.due_at, new.begun_at)
        is distinct from
        (old.id, old.user_id, old.ticker, old.side, old.reason_code, old.cause, old.snapshot::text, old.position, old.due_at, old.begun_at)
        or old.done_at is not null)
  execute function refuse_change('what a sweep cancels never changes, and it is done once', 'id');
-- What is done long ago is thinned out.
create or replace trigger cancel_sweeps_open_kept before delete on cancel_sweeps for each row
  when (old.done_at is null)
  execute function refuse_change('a sweep stays until it is done', 'id');
create or replace trigger cancel_sweeps_never_truncated before truncate on cancel_sweeps for each statement
  execute function refuse_change('a sweep stays until it is done');

-- The switch of each user that ever armed one: unless it is armed again before fires_at, a sweep cancels the user's orders. All times are the
-- database's. A row is updated with each request of its user, so it has room beside it, and is vacuumed early.
create table if not exists cancel_after (
  user_id     uuid        primary key,
  fires_at    timestamptz,                                          -- null: it is not armed, or has fired
  cause       jsonb       not null,                                 -- of the request that came last
  attempt     uuid        not null,                                 -- that request; one whose answer was lost comes again
  earlier     uuid[]      not null default '{}',                    -- some before it: one that comes late must not undo what came after it
  fired       boolean     not null default false,                   -- since that request
  found_fired boolean     not null default false,                   -- what that request was answered: it had fired before
  constraint cancel_after_cause check (coalesce(jsonb_typeof(cause -> 'kind') = 'string', false)),
  constraint cancel_after_fired check (not (fired and fires_at is not null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create index if not exists cancel_after_due on cancel_after (fires_at) where fires_at is not null;

create or replace trigger cancel_after_never_deleted before delete on cancel_after for each statement
  execute function refuse_change('a switch is disarmed, not deleted');
create or replace trigger cancel_after_never_truncated before truncate on cancel_after for each statement
  execute function refuse_change('a switch is disarmed, not deleted');

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
      execute format('grant select, insert, update (worked_by, worked_until, done_at), delete on %s.cancel_sweeps to %s', place, someone.name);
      execute format('grant select, insert, update on %s.cancel_after to %s', place, someone.name);
    else
      execute format('grant select on %s.cancel_sweeps, %s.cancel_after to %s', place, place, someone.name);
    end if;
  end loop;
end
$$;
