-- The outbox: an event waits here from the commit of its order until the broker has acknowledged it. The payload is built from
-- the order's row, whose terms never change, so a waiting event is a few dozen bytes.

create table outbox (
  position    bigint      generated always as identity (cache 1) primary key,   -- a larger cache would invert tickers
  event_id    uuid        not null,
  kind        text        collate "C" not null,
  order_id    uuid        not null,
  ticker      text        collate "C" not null,
  occurred_at timestamptz not null,                           -- the event's timestamp, by the clock of the replica
  written_at  timestamptz not null default statement_timestamp(),   -- its age, by the clock of the database
  traceparent text,
  constraint outbox_kind check (kind in ('PLACED', 'CANCELLED'))
) with (
  -- Every row is deleted soon after it was written: vacuum by count, at full speed, and never take the lock that gives pages
  -- back to the system, they are needed again at once.
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_vacuum_cost_delay = 0,
  autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000, vacuum_truncate = off
);

-- Replicas share the relay's work by leases on a hash of the ticker. They keep repeats rare; order does not depend on them.
create table relay_leases (
  shard      smallint primary key,
  holder     uuid,
  expires_at timestamptz not null
);
insert into relay_leases (shard, holder, expires_at) select n, null, '-infinity' from generate_series(0, 15) n;

create table replicas (
  id      uuid primary key,
  seen_at timestamptz not null
);
