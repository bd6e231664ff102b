-- The rules of business that administrators set while the service runs: which tickers are listed, their limits, and whether they trade. Each row
-- carries the epoch of the gate that brought it, so that a replica reads only what changed since it looked last.

set local lock_timeout = '500ms';
lock table order_changes in access exclusive mode;

-- Which tickers are listed, and the limits of each. The ticker '' is none: its row holds the limits for tickers that have none of their own.
create table if not exists instruments (
  ticker             text           collate "C" primary key,
  listed             boolean        not null,
  tick_size          numeric(20, 8),
  lot_size           numeric(20, 8),
  quantity_min       numeric(20, 8),
  quantity_max       numeric(20, 8),
  notional_max       numeric(20, 8),
  reference_price    numeric(20, 8),
  price_band_percent numeric(20, 8),
  epoch              bigint         not null,
  changed_at         timestamptz    not null,
  changed_by         text           not null,
  note               text           not null,
  constraint instruments_ticker check (ticker = '' or ticker ~ '^[A-Z0-9._/:^=+&@#-]{1,16}$'),
  constraint instruments_limits check (
    least(tick_size, lot_size, quantity_min, quantity_max, notional_max, reference_price, price_band_percent) > 0
    and greatest(tick_size, lot_size, quantity_min, quantity_max, notional_max, reference_price, price_band_percent) <> 'NaN'
    and quantity_min <= quantity_max),
  constraint instruments_delisted check (
    listed or ticker = ''
    or num_nulls(tick_size, lot_size, quantity_min, quantity_max, notional_max, reference_price, price_band_percent) = 7)
);
create index if not exists instruments_by_epoch on instruments (epoch);

-- Whether a ticker trades; the ticker '' stands for all. A ticker without a row trades.
create table if not exists trading_states (
  ticker     text        collate "C" primary key,
  state      text        collate "C" not null,
  since      timestamptz not null,                                  -- when the state became this one
  epoch      bigint      not null,
  changed_at timestamptz not null,
  changed_by text        not null,
  note       text        not null,
  constraint trading_states_ticker check (ticker = '' or ticker ~ '^[A-Z0-9._/:^=+&@#-]{1,16}$'),
  constraint trading_states_state  check (state in ('ACTIVE', 'HALTED'))
);
create index if not exists trading_states_by_epoch on trading_states (epoch);
create index if not exists trading_states_halted on trading_states (ticker) where state = 'HALTED';

-- Every change: who, when, why, what was before and what is after. The epochs have no gap: 1 is before the first change.
create table if not exists rules_changes (
  epoch        bigint      primary key,
  at           timestamptz not null,
  attempt      uuid        not null,                                -- one call of the service: where its answer is lost, it comes again
  what         text        collate "C" not null,
  ticker       text        collate "C" not null,
  before       jsonb       not null,
  after        jsonb       not null,
  changed_by   text        not null,
  note         text        not null,
  subject      text,                                                -- of the credential, if callers identify themselves
  request_id   text        not null,
  halted_since timestamptz,                                         -- of the halt that this change ended
  constraint rules_changes_epoch      check (epoch > 1),
  constraint rules_changes_what       check (what in ('TRADING', 'LISTED', 'DELISTED')),
  constraint rules_changes_changed_by check (length(changed_by) between 1 and 200),
  constraint rules_changes_note       check (length(note) between 1 and 2000),
  constraint rules_changes_halt       check (halted_since <= at)
);
create unique index if not exists rules_changes_once on rules_changes (attempt);
create index if not exists rules_changes_of_halts on rules_changes (ticker, at) where halted_since is not null;

create or replace trigger rules_changes_never_updated before update on rules_changes for each statement
  execute function refuse_change('the audit is append-only');
create or replace trigger rules_changes_never_deleted before delete on rules_changes for each statement
  execute function refuse_change('the audit is append-only');
create or replace trigger rules_changes_never_truncated before truncate on rules_changes for each statement
  execute function refuse_change('the audit is append-only');
create or replace trigger instruments_never_deleted before delete on instruments for each statement
  execute function refuse_change('an instrument is delisted, not deleted');
create or replace trigger instruments_never_truncated before truncate on instruments for each statement
  execute function refuse_change('an instrument is delisted, not deleted');
create or replace trigger trading_states_never_deleted before delete on trading_states for each statement
  execute function refuse_change('trading is resumed; its state stays');
create or replace trigger trading_states_never_truncated before truncate on trading_states for each statement
  execute function refuse_change('trading is resumed; its state stays');

-- A rule that is changed past the gate would be unknown to every replica.
create or replace function refuse_past_gate() returns trigger language plpgsql as $$
begin
  if new.epoch is distinct from (select g.epoch from rules_gate g) or (tg_op = 'UPDATE' and new.epoch <= old.epoch) then
    raise exception using
      errcode = 'check_violation',
      message = format('%s on %s refused: a rule changes with the epoch of the gate', lower(tg_op), tg_table_name),
      hint = 'call change_rules';
  end if;
  return new;
end
$$;
create or replace trigger instruments_through_gate before insert or update on instruments for each row
  execute function refuse_past_gate();
create or replace trigger trading_states_through_gate before insert or update on trading_states for each row
  execute function refuse_past_gate();
create or replace trigger rules_changes_through_gate before insert on rules_changes for each row
  execute function refuse_past_gate();

-- The rules by which a stop was triggered. A replica of 1.4 triggers stops, and knows no halts: what it triggers has no epoch.
alter table order_changes add column if not exists rules_epoch bigint;
create or replace trigger order_changes_judged before insert on order_changes for each row
  when (new.kind = 'TRIGGERED' and new.rules_epoch is null)
  execute function refuse_unjudged();

create or replace function utc_text(at timestamptz) returns text language sql stable as $$
  select to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;

-- The limits of a ticker as the interface names them.
create or replace function limits_json(of_ticker text) returns jsonb language sql stable as $$
  select jsonb_build_object(
    'tickSize', trim_scale(i.tick_size), 'lotSize', trim_scale(i.lot_size), 'quantityMin', trim_scale(i.quantity_min),
    'quantityMax', trim_scale(i.quantity_max), 'notionalMax', trim_scale(i.notional_max), 'referencePrice', trim_scale(i.reference_price),
    'priceBandPercent', trim_scale(i.price_band_percent))
  from (select) one left join instruments i on i.ticker = of_ticker
$$;

-- One change of the rules. It waits until every statement that passed the gate has ended, and holds off those that come; each of its own
-- statements sees what these committed. `change`: attempt, what, ticker, changed_by, note, subject and request_id of its row in rules_changes.
-- `content`: of LISTED the limits; of TRADING state, cancelOpen, limits (of the ticker '' only), and what is left out stays. Returns its row; none
-- if the ticker that is to be delisted is not listed. A change whose answer was lost finds its own row, and changes nothing.
create or replace function change_rules(change jsonb, content jsonb, lock_timeout_ms integer) returns setof rules_changes language plpgsql as $$
declare
  c      rules_changes := jsonb_populate_record(null::rules_changes, change);
  done   rules_changes;
  was    trading_states;
  listed boolean := false;
  limits constant jsonb := content -> 'limits';
begin
  perform set_config('lock_timeout', lock_timeout_ms::text, true);
  lock table rules_gate in exclusive mode;
  select * into done from rules_changes r where r.attempt = c.attempt;
  if found then
    return next done;
    return;
  end if;
  select i.listed into listed from instruments i where i.ticker = c.ticker;
  if c.what = 'DELISTED' and listed is not true then
    return;
  end if;

  update rules_gate g set epoch = g.epoch + 1 returning g.epoch into c.epoch;
  c.at := clock_timestamp();
  c.before := '{}';
  c.after := '{}';

  if content ? 'state' then
    select * into was from trading_states s where s.ticker = c.ticker;
    if was.state = 'HALTED' and content ->> 'state' = 'ACTIVE' then
      c.halted_since := was.since;
      c.at := greatest(c.at, was.since);
    end if;
    c.before := jsonb_build_object('state', coalesce(was.state, 'ACTIVE'), 'since', utc_text(was.since));
    insert into trading_states as s (ticker, state, since, epoch, changed_at, changed_by, note)
    values (c.ticker, content ->> 'state', c.at, c.epoch, c.at, c.changed_by, c.note)
    on conflict (ticker) do update
    set state = excluded.state, since = case when s.state = excluded.state then s.since else excluded.since end, epoch = excluded.epoch,
        changed_at = excluded.changed_at, changed_by = excluded.changed_by, note = excluded.note
    returning * into was;
    c.after := jsonb_build_object('state', was.state, 'since', utc_text(was.since));
  end if;

  if c.what <> 'TRADING' then
    c.before := c.before || jsonb_build_object('listed', coalesce(listed, false));
    c.after := c.after || jsonb_build_object('listed', c.what = 'LISTED');
  end if;
  if c.what <> 'TRADING' or content ? 'limits' then
    c.before := c.before || jsonb_build_object('limits', limits_json(c.ticker));
    insert into instruments as i (ticker, listed, tick_size, lot_size, quantity_min, quantity_max, notional_max, reference_price,
                                  price_band_percent, epoch, changed_at, changed_by, note)
    values (c.ticker, c.what = 'LISTED', (limits ->> 'tickSize')::numeric, (limits ->> 'lotSize')::numeric, (limits ->> 'quantityMin')::numeric,
            (limits ->> 'quantityMax')::numeric, (limits ->> 'notionalMax')::numeric, (limits ->> 'referencePrice')::numeric,
            (limits ->> 'priceBandPercent')::numeric, c.epoch, c.at, c.changed_by, c.note)
    on conflict (ticker) do update
    set listed = excluded.listed, tick_size = excluded.tick_size, lot_size = excluded.lot_size, quantity_min = excluded.quantity_min,
        quantity_max = excluded.quantity_max, notional_max = excluded.notional_max, reference_price = excluded.reference_price,
        price_band_percent = excluded.price_band_percent, epoch = excluded.epoch, changed_at = excluded.changed_at,
        changed_by = excluded.changed_by, note = excluded.note;
    c.after := c.after || jsonb_build_object('limits', limits_json(c.ticker));
  end if;

  -- It begins once this is committed. Its snapshot, taken now, has every order that was accepted before the halt.
  if content @> '{"cancelOpen": true}' then
    c.after := c.after || '{"cancelOpen": true}';
    insert into cancel_sweeps (ticker, reason_code, cause)
    values (nullif(c.ticker, ''), 'HALT',
            jsonb_strip_nulls(jsonb_build_object('kind', 'halt', 'requestId', c.request_id, 'subject', c.subject)));
  end if;

  insert into rules_changes select c.* returning * into done;
  return next done;
end
$$;

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
      execute format('grant select, insert, update on %s.instruments, %s.trading_states to %s', place, place, someone.name);
      execute format('grant select, insert on %s.rules_changes to %s', place, someone.name);
      execute format('grant execute on function %s.utc_text(timestamptz), %s.limits_json(text), %s.change_rules(jsonb, jsonb, integer) to %s',
                     place, place, place, someone.name);
    else
      execute format('grant select on %s.instruments, %s.trading_states, %s.rules_changes to %s', place, place, place, someone.name);
      execute format('grant execute on function %s.limits_json(text) to %s', place, someone.name);
    end if;
  end loop;
end
$$;
