-- Least privilege: who owns the tables, who serves, who only looks. No migration: an administrator runs it in the service's
-- database, before the first `orders migrate` and again after each one. Repeating it is safe.
--
--   psql "$ADMIN_URL" -v ON_ERROR_STOP=1 --single-transaction -f sql/roles.sql
--   psql "$ADMIN_URL" -c '\password orders_owner' -c '\password orders_runtime' -c '\password orders_reader'
--
-- orders_owner runs `orders migrate`. orders_runtime runs `orders serve` with DB_MIGRATE=false: it has no DDL, cannot touch a
-- trigger, and has of each table what the service's statements need. orders_reader is for people and for `orders verify`.
-- What already stands there (tables of an earlier login) is handed to orders_owner. Tables are those of the current schema; with
-- currentSchema, run it with PGOPTIONS='-c search_path=<schema>'.

do $$
declare
  place  constant text := quote_ident(current_schema());
  base   constant text := quote_ident(current_database());
  -- What a later migration makes is usable at once; the second run narrows what stands in this list.
  rights constant jsonb := '{
    "orders": "select, insert, update (filled_quantity, last_fill_price, filled_notional, status, triggered_at, updated_at, version, reason_code, reason_text)",
    "order_keys": "select, insert",
    "order_keys_fill": "select, update",
    "rules_gate": "select, update",
    "instruments": "select, insert, update",
    "trading_states": "select, insert, update",
    "rules_changes": "select, insert",
    "ingested_fills": "select, insert",
    "order_changes": "select, insert",
    "log_epochs": "select, insert",
    "exceptions": "select, insert",
    "exception_resolutions": "select, insert",
    "trade_gaps": "select, insert",
    "order_endings": "select, insert, update, delete",
    "tape_marks": "select, insert, update",
    "topic_places": "select, insert, update",
    "ingested_reports": "select, insert, update (state, settled_at)",
    "report_exceptions": "select, insert",
    "report_exception_resolutions": "select, insert",
    "cancel_sweeps": "select, insert, update (worked_by, worked_until, done_at), delete",
    "cancel_after": "select, insert, update",
    "fix_sessions": "select, insert, update",
    "fix_sent": "select, insert",
    "fix_due": "select, insert, update, delete",
    "outbox": "select, insert, delete",
    "relay_leases": "select, update",
    "event_publication": "select, insert, delete",
    "event_publication_lease": "select, update",
    "replicas": "select, insert, update, delete",
    "adoption": "select",
    "adoption_refused": "select",
    "adoption_openings": "select",
    "adoption_events": "select",
    "adoption_beginnings": "select",
    "orders_migrations": "select"
  }';
  name   text;
  granted text;
begin
  foreach name in array array['orders_owner', 'orders_runtime', 'orders_reader'] loop
    if not exists (select from pg_roles where rolname = name) then
      execute format('create role %I login', name);
    end if;
  end loop;
  -- An administrator who is no superuser acts for the owner below.
  if not pg_has_role('orders_owner', 'usage') then
    execute format('grant orders_owner to %I', current_user);
  end if;

  execute format('revoke all on database %s from public', base);
  execute format('grant connect on database %s to orders_owner, orders_runtime, orders_reader', base);
  -- `orders verify --topics` keeps what it reads in temporary tables.
  execute format('grant temporary on database %s to orders_owner, orders_reader', base);
  execute format('revoke all on schema %s from public', place);
  execute format('grant usage, create on schema %s to orders_owner', place);
  execute format('grant usage on schema %s to orders_runtime, orders_reader', place);

  alter default privileges for role orders_owner revoke execute on functions from public;
  execute format('alter default privileges for role orders_owner in schema %s grant select, insert, update, delete on tables to orders_runtime', place);
  execute format('alter default privileges for role orders_owner in schema %s grant select on tables to orders_reader', place);
  execute format('alter default privileges for role orders_owner in schema %s grant select on sequences to orders_runtime, orders_reader', place);

  if to_regprocedure(place || '.refuse_change()') is not null then
    execute format('alter function %s.refuse_change() owner to orders_owner', place);
    execute format('revoke all on function %s.refuse_change() from public', place);
  end if;
  foreach name in array array['order_sort_key(uuid, timestamptz)', 'log_change()', 'check_sort_key()', 'place_early_order()', 'refuse_unjudged()',
                              'refuse_past_gate()', 'utc_text(timestamptz)', 'limits_json(text)', 'change_rules(jsonb, jsonb, integer)'] loop
    continue when to_regprocedure(place || '.' || name) is null;
    execute format('alter function %s.%s owner to orders_owner', place, name);
    execute format('revoke all on function %s.%s from public, orders_runtime, orders_reader', place, name);
  end loop;
  -- check_sort_key and place_early_order call it, as whoever writes the row.
  if to_regprocedure(place || '.order_sort_key(uuid, timestamptz)') is not null then
    execute format('grant execute on function %s.order_sort_key(uuid, timestamptz) to orders_runtime', place);
  end if;
  foreach name in array array['utc_text(timestamptz)', 'limits_json(text)', 'change_rules(jsonb, jsonb, integer)'] loop
    continue when to_regprocedure(place || '.' || name) is null;
    execute format('grant execute on function %s.%s to orders_runtime', place, name);
  end loop;
  -- `orders verify` compares the limits with what changed them.
  if to_regprocedure(place || '.limits_json(text)') is not null then
    execute format('grant execute on function %s.limits_json(text) to orders_reader', place);
  end if;
  for name, granted in select key, value from jsonb_each_text(rights) loop
    continue when to_regclass(place || '.' || name) is null;
    -- Only where it changes something: it locks out everybody, and the service may be at work when this runs again.
    if (select relowner from pg_class where oid = to_regclass(place || '.' || name)) <> 'orders_owner'::regrole then
      execute format('alter table %s.%I owner to orders_owner', place, name);
    end if;
    execute format('revoke all on %s.%I from public, orders_runtime, orders_reader', place, name);
    execute format('grant %s on %s.%I to orders_runtime', granted, place, name);
    execute format('grant select on %s.%I to orders_reader', place, name);
  end loop;
  -- The service vacuums the outbox more often than autovacuum would. Before PostgreSQL 17 that is for the owner alone, and left out.
  if current_setting('server_version_num')::integer >= 170000 and to_regclass(place || '.outbox') is not null then
    execute format('grant maintain on %s.outbox to orders_runtime', place);
  end if;
  if to_regclass(place || '.log_position') is not null then
    if (select relowner from pg_class where oid = to_regclass(place || '.log_position')) <> 'orders_owner'::regrole then
      execute format('alter sequence %s.log_position owner to orders_owner', place);
    end if;
    execute format('revoke all on sequence %s.log_position from public, orders_runtime, orders_reader', place);
    execute format('grant usage, select on sequence %s.log_position to orders_runtime', place);
    execute format('grant select on sequence %s.log_position to orders_reader', place);
  end if;
  -- Whoever inserts draws from them without a right of its own; the start and `orders verify` read how far they are.
  foreach name in array array['outbox_position_seq', 'cancel_sweeps_id_seq'] loop
    continue when to_regclass(place || '.' || name) is null;
    execute format('revoke all on sequence %s.%I from public, orders_runtime, orders_reader', place, name);
    execute format('grant select on sequence %s.%I to orders_runtime, orders_reader', place, name);
  end loop;
  if to_regclass(place || '.outbox_position_seq') is null then
    raise notice 'the tables are not there yet: run this again after orders migrate';
  end if;
end
$$;
