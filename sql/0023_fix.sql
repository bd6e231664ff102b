-- The FIX gateway: its sessions, what was sent in each, and what each still has to be answered. And through which door an order came.

-- Whoever holds the table for longer must not make all writers queue behind this file: it fails then, and is tried again after a pause.
set local lock_timeout = '500ms';
lock table orders, order_keys in access exclusive mode;

alter table orders add column if not exists origin text collate "C"; -- null: HTTP; 'grpc'; 'fix:' and the session

create or replace trigger orders_start_new after insert on orders for each row
  when (not (new.status = 'NEW' or (new.status = 'REJECTED' and new.reason_code is not null))
        or new.filled_quantity <> 0 or new.version <> 0 or new.triggered_at is not null
        or new.origin !~ '^(grpc|fix:[ -~]{1,200})$')
  execute function refuse_change('an order starts as NEW, or as REJECTED with a reason, unfilled, at version 0, from a door that there is', 'id');

create or replace trigger orders_terms_fixed after update on orders for each row
  when ((new.id, new.user_id, new.client_order_id, new.ticker, new.side, new.type, new.time_in_force, new.quantity, new.price, new.stop_price,
         new.display_quantity, new.post_only, new.expires_at, new.created_at, new.xact, new.position, new.request_id, new.subject, new.sort_key,
         new.rules_epoch, new.origin)
        is distinct from
        (old.id, old.user_id, old.client_order_id, old.ticker, old.side, old.type, old.time_in_force, old.quantity, old.price, old.stop_price,
         old.display_quantity, old.post_only, old.expires_at, old.created_at, old.xact, old.position, old.request_id, old.subject, old.sort_key,
         old.rules_epoch, old.origin))
  execute function refuse_change('what an order asks for never changes', 'id');

-- A key can also be that of a request which is no order: a cancel request of FIX names itself. Such a row has neither an order nor a time at
-- which it was made void, and no order can have the key any more.
alter table order_keys add column if not exists session text collate "C"; -- of a request: the session in which it came
alter table order_keys drop constraint if exists order_keys_holder;
alter table order_keys add constraint order_keys_holder check (case
    when order_id is not null then voided_at is null and session is null
    else (voided_at is null) <> (session is null) and client_order_id ~ '^[ -~]{1,64}$' end) not valid;

-- A session of FIX, whoever holds it: the numbers of its next messages, and how far the log was reported in it. All times are the database's.
create table if not exists fix_sessions (
  id         text        collate "C" primary key,
  series     bigint      not null default 1,                        -- grows whenever the numbers begin at 1 again
  next_in    bigint      not null default 1,
  next_out   bigint      not null default 1,
  epoch      bigint      not null default 0,                        -- grows whenever a replica takes the session: what says another one writes nothing
  holder     uuid,                                                  -- the replica that has the connection
  expires_at timestamptz not null default '-infinity',              -- of the holder's lease
  log_epoch  integer,                                               -- of log_epochs; null: nothing of the log was looked at yet
  cursor     text        collate "C",                               -- as GET /events writes them; it never ages
  attempt    uuid,                                                  -- of the statement that took numbers last, and the first of these: so that
  attempt_out bigint,                                               -- one whose answer was lost is known again
  constraint fix_sessions_id      check (id ~ '^[ -~]{1,200}$'),
  constraint fix_sessions_numbers check (series >= 1 and next_in >= 1 and next_out >= 1),
  constraint fix_sessions_place   check ((log_epoch is null) = (cursor is null)),
  constraint fix_sessions_attempt check ((attempt is null) = (attempt_out is null))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
create or replace trigger fix_sessions_only_up after update on fix_sessions for each row
  when (new.id <> old.id or new.epoch < old.epoch or new.series < old.series
        or (new.series = old.series and (new.next_in < old.next_in or new.next_out < old.next_out)))
  execute function refuse_change('numbers of a session only rise', 'id');
create or replace trigger fix_sessions_never_deleted before delete on fix_sessions for each statement
  execute function refuse_change('a session keeps its numbers');
create or replace trigger fix_sessions_never_truncated before truncate on fix_sessions for each statement
  execute function refuse_change('a session keeps its numbers');

-- What was sent by number. A report is made again from the log, everything else from its body. A number without a row was a message of the
-- session itself: nobody needs it again.
create table if not exists fix_sent (
  session  text        collate "C" not null references fix_sessions (id),
  series   bigint      not null,
  number   bigint      not null,
  order_id uuid,                                                    -- of a report: the order, and the version that it reports
  version  integer,
  body     bytea,                                                   -- else the message without its header and trailer
  at       timestamptz not null,
  primary key (session, series, number),
  constraint fix_sent_number  check (number >= 1),
  constraint fix_sent_content check ((order_id is null) = (version is null) and (order_id is null) <> (body is null))
);
create unique index if not exists fix_sent_reports on fix_sent (session, order_id, version) where order_id is not null;
create or replace trigger fix_sent_never_updated before update on fix_sent for each statement
  execute function refuse_change('what was sent never changes');
create or replace trigger fix_sent_never_deleted before delete on fix_sent for each statement
  execute function refuse_change('what was sent never changes');
create or replace trigger fix_sent_never_truncated before truncate on fix_sent for each statement
  execute function refuse_change('what was sent never changes');

-- A message that came, whose number is consumed, and that is not answered yet. Its answer takes the row away.
create table if not exists fix_due (
  session   text        collate "C" not null references fix_sessions (id),
  series    bigint      not null,
  in_number bigint      not null,
  reason    text        collate "C" not null,                       -- why it was not simply done
  request   jsonb       not null,                                   -- what it asked for
  at        timestamptz not null,
  primary key (session, series, in_number)
);
create or replace trigger fix_due_never_updated before update on fix_due for each statement
  execute function refuse_change('what a message asked for never changes');
create or replace trigger fix_due_never_truncated before truncate on fix_due for each statement
  execute function refuse_change('a message stays until it is answered');

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
      execute format('grant select, insert, update on %s.fix_sessions to %s', place, someone.name);
      execute format('grant select, insert on %s.fix_sent to %s', place, someone.name);
      execute format('grant select, insert, update, delete on %s.fix_due to %s', place, someone.name);
    else
      execute format('grant select on %s.fix_sessions, %s.fix_sent, %s.fix_due to %s', place, place, place, someone.name);
    end if;
  end loop;
end
$$;
