// Finds the guards of the tables that are not in force.

import { guards } from './guards.ts'
import { readKeysFilled } from './keys.ts'
import { textArray, type Sql } from './sql.ts'

export type Guard = { kind: 'trigger' | 'constraint' | 'key' | 'table'; table: string; name: string }

/** The unique index that decides who has a key while those of older orders are being filled into the table of keys. */
const untilFilled: Guard = { kind: 'key', table: 'orders', name: 'orders_by_client_order_id' }

/** The columns of a unique key. */
export const columnsOfKey = ({ table, name }: Guard): readonly string[] =>
  name === untilFilled.name ? ['user_id', 'client_order_id'] : guards[table]!.keys[name]!

const allGuards: readonly Guard[] = Object.entries(guards).flatMap(([table, { triggers, constraints, keys }]) => [
  ...triggers.map((name): Guard => ({ kind: 'trigger', table, name })),
  ...constraints.map((name): Guard => ({ kind: 'constraint', table, name })),
  ...Object.keys(keys).map((name): Guard => ({ kind: 'key', table, name })),
  // A crash of Postgres empties a table that is not in its log.
  { kind: 'table', table, name: 'logged' },
])

export const inForce = 'in force'

/** The state of every guard. Postgres enforces a foreign key by internal triggers on both tables. */
const readGuards = (sql: Sql, wanted: readonly Guard[]): Promise<(Guard & { state: string | null })[]> => sql<
  (Guard & { state: string | null })[]
>`
  select g.kind, g.table, g.name, case g.kind
    when 'trigger' then (
      select case t.tgenabled when 'O' then ${inForce} when 'A' then ${inForce} when 'R' then 'on replicas only' else 'disabled' end
      from pg_trigger t where t.tgrelid = to_regclass(g.table) and t.tgname = g.name and not t.tgisinternal)
    when 'constraint' then (
      select case when not c.convalidated then 'not validated'
                  when exists (select from pg_trigger t where t.tgconstraint = c.oid and t.tgenabled not in ('O', 'A')) then 'disabled'
                  else ${inForce} end
      from pg_constraint c where c.conrelid = to_regclass(g.table) and c.conname = g.name)
    when 'table' then (
      select case c.relpersistence when 'p' then ${inForce} else 'unlogged' end from pg_class c where c.oid = to_regclass(g.table))
    else (
      select case when not i.indisunique then 'not unique' when not (i.indisvalid and i.indisready and i.indimmediate) then 'not valid'
                  else ${inForce} end
      from pg_index i join pg_class c on c.oid = i.indexrelid where i.indrelid = to_regclass(g.table) and c.relname = g.name)
    end as state
  from unnest(
    ${textArray(wanted.map(({ kind }) => kind))}::text[],
    ${textArray(wanted.map(({ table }) => table))}::text[],
    ${textArray(wanted.map(({ name }) => name))}::text[]
  ) as g (kind, "table", name)`

/** In a session of any other role than `origin` most guards do not fire. */
export const readReplicationRole = async (sql: Sql): Promise<string> => {
  const [row] = await sql<{ role: string }[]>`select current_setting('session_replication_role') as role`
  return row!.role
}

export type BrokenGuard = Guard & { state: string | null }

/** Cheap, and allowed to every role of sql/roles.sql: it reads the catalogue, and whether the keys of older orders were filled in. */
export const brokenGuards = async (sql: Sql): Promise<BrokenGuard[]> => {
  const wanted = (await readKeysFilled(sql)) ? allGuards : [...allGuards, untilFilled]
  return (await readGuards(sql, wanted)).filter(({ state }) => state !== inForce)
}
