// The text of a dry run, and that of the copy: one transaction each, sent as one text. The server does all the work; it says on the way, by
// notices, how far it is.

import type { JavaTables } from './javaTables.ts'
import { judgement, legsText } from './judgeSql.ts'
import type { AdoptOptions } from './options.ts'
import { reports, writes } from './sinksSql.ts'

/** Blocks of Java's table that are judged by one statement: some twenty thousand orders. */
const chunkBlocks = 300

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** A notice as `readNotice` understands it. */
const notice = 'adopt'

/** What is under way, how much of it is done, of how much; null: the text is somebody else's. */
export const readNotice = (text: string): { what: string; done: number; total: number | null } | null => {
  const [head, what, done, total] = text.split('|')
  if (head !== notice || what === undefined) return null
  return { what, done: Number(done ?? 0), total: total === undefined ? null : Number(total) }
}

/** Plans: a chunk is small, whatever the planner believes, and what is looked up in a large table is looked up by key. */
const settings = `
  set local statement_timeout = 0;
  set local idle_in_transaction_session_timeout = 0;
  set local jit = off;
  set local enable_nestloop = off;
  set local work_mem = '64MB';
  set local maintenance_work_mem = '512MB';`

/** The chunk of the orders, and that of their legs. */
const places = Array.from({ length: 2 }, () => `block, block + ${chunkBlocks}`).join(', ')

const loop = ({ schema }: JavaTables, statement: string): string => `
do $adopt$
declare
  blocks constant bigint := pg_relation_size(to_regclass(${quoted(`${schema}.orders`)})) / current_setting('block_size')::bigint;
  rows_all constant bigint := (select greatest(reltuples, 0) from pg_class where oid = to_regclass(${quoted(`${schema}.orders`)}));
  block bigint := 0;
begin
  while block < blocks loop
    execute format(${quoted(statement)}, ${places});
    block := least(blocks, block + ${chunkBlocks});
    raise notice '%', format('${notice}|orders|%s|%s', rows_all * block / blocks, rows_all);
  end loop;
end
$adopt$;`

/** Legs of orders that Java does not have, and events of orders that it does not have. */
const strangers = ({ schema }: JavaTables): string => `
  set local enable_nestloop = on;
  insert into adoption_refused (kind, reason, order_id, content)
  select 'leg', 'of an order that there is not', f.order_id, to_jsonb(f)
  from adopt_legs l join ${schema}.ingested_fills f on f.order_id = l.order_id and f.trade_id = l.trade_id
  where l.place is null;
  insert into adoption_refused (kind, reason, order_id, content)
  select distinct 'event', 'placement of an order that there is not', p.order_id, jsonb_build_object('orderId', p.order_id) from adopt_published p
  where p.kind = 'PLACED' and not exists (select from ${schema}.orders o where o.id = p.order_id);
  insert into adopt_counts (what, which, n)
  select case kind when 'leg' then 'refused legs' else 'refused events' end, reason, count(*) from adoption_refused where kind <> 'order' group by 1, 2;`

/** The chain has no `%` but the two places of its chunk. */
const chunk = (schema: string, options: AdoptOptions, sinks: readonly string[]): string =>
  `with ${[judgement(schema, options), ...sinks].join(',')} select`

/** Judges everything and writes temporary tables only. Java may be at work: the places of its rows hold for one snapshot. */
export const dryRunText = (java: JavaTables, options: AdoptOptions): string => `
begin isolation level repeatable read;${settings}
create temporary table adoption_refused (kind text, reason text, order_id uuid, content jsonb);
create temporary table adoption_events (order_id uuid, kind text, state text, decided_at timestamptz);
${legsText(java.schema)}
${loop(java, chunk(java.schema, options, [reports(java.schema)]))}
${strangers(java)}
commit;`

const filled = "array['orders', 'ingested_fills', 'order_changes']::regclass[]"

/**
 * The triggers say what an order may become; those that are copied are what they are. Indexes and keys are made at the end, all at once, and
 * every check of a row holds all the time. The owner of the tables may do this, and nobody else.
 */
const takeGuardsAway = `
alter table orders disable trigger user;
alter table ingested_fills disable trigger user;
alter table order_changes disable trigger user;
create temporary table adopt_definitions on commit drop as
  select 1 as step, c.conname as name, c.conrelid::regclass::text as place,
         format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname) as away,
         format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) as back
  from pg_constraint c where c.contype = 'f' and c.confrelid = any (${filled})
  union all
  select 2, c.conname, c.conrelid::regclass::text, format('alter table %s drop constraint %I', c.conrelid::regclass, c.conname),
         format('alter table %s add constraint %I %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid))
  from pg_constraint c where c.contype in ('p', 'u') and c.conrelid = any (${filled})
  union all
  select 3, i.indexrelid::regclass::text, i.indrelid::regclass::text, format('drop index %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid)
  from pg_index i where i.indrelid = any (${filled}) and not exists (select from pg_constraint c where c.conindid = i.indexrelid and c.contype in ('p', 'u'));
do $adopt$
declare one record;
begin
  for one in select away from adopt_definitions order by step, name loop execute one.away; end loop;
end
$adopt$;`

const putGuardsBack = `
do $adopt$
declare
  one record;
  done integer := 0;
  all_of constant integer := (select count(*) from adopt_definitions);
begin
  for one in select back from adopt_definitions order by case step when 2 then 0 when 3 then 1 else 2 end, name loop
    raise notice '%', format('${notice}|indexes and keys|%s|%s', done, all_of);
    execute one.back;
    done := done + 1;
  end loop;
end
$adopt$;
alter table orders enable trigger user;
alter table ingested_fills enable trigger user;
alter table order_changes enable trigger user;`

/** `counts`: the summary, from the counts of all chunks. */
const record = (java: JavaTables, options: AdoptOptions): string => `
insert into adoption_beginnings (topic, partition, first_offset) select topic, partition, first_offset from adopt_beginnings;
insert into outbox (event_id, kind, order_id, ticker, occurred_at, filled_quantity, reason_code, reason_text)
select gen_random_uuid(), e.kind, o.id, o.ticker, date_trunc('milliseconds', case e.kind when 'PLACED' then o.created_at else o.updated_at end),
       case e.kind when 'CANCELLED' then o.filled_quantity end, case e.kind when 'CANCELLED' then o.reason_code end,
       case e.kind when 'CANCELLED' then o.reason_text end
from adoption_events e join orders o on o.id = e.order_id
where e.state = 'PUBLISHED'
order by case e.kind when 'PLACED' then o.created_at else o.updated_at end, o.id;
insert into adoption (java_schema, java_version, options, counts)
select ${quoted(java.schema)}, ${quoted(java.version)}, ${quoted(JSON.stringify({ ...options, transactions: options.transactions !== null }))}::jsonb,
       coalesce(jsonb_agg(jsonb_build_object('what', c.what, 'which', c.which, 'n', c.n) order by c.what, c.which), '[]')
from (select what, which, sum(n) as n from adopt_counts group by 1, 2) c;`

/** How long somebody may hold Java's tables before the take-over gives up. */
const javaLockTimeout = '5s'

/** The copy. `topic`: that of trades. The session's search_path is the schema of the copy; Java's tables are only read. */
export const copyText = (java: JavaTables, options: AdoptOptions, topic: string): string => `
begin;${settings}
set local lock_timeout = '${javaLockTimeout}';
lock table ${java.schema}.orders, ${java.schema}.ingested_fills in share mode;
lock table orders, ingested_fills, order_changes in access exclusive mode;
${takeGuardsAway}
${legsText(java.schema)}
${loop(java, chunk(java.schema, options, [reports(java.schema), writes(quoted(topic))]))}
${strangers(java)}
${putGuardsBack}
${record(java, options)}
commit;`
