// Finds the tables of the Java service in a database, and says whether they are as its last migration leaves them.

import { adoptedSchema } from '../store/adoptedPlace.ts'
import type { Sql } from '../store/sql.ts'
import { AdoptionRefused } from './refusal.ts'

/** `name`: of their schema; `schema`: the same, quoted where it must be. `version`: the last migration of Flyway. Both counts are the server's estimates. */
export type JavaTables = { name: string; schema: string; version: string; orders: number; fills: number; pages: number }

const lastVersion = 6

/** What is read, by table. */
const columns = {
  orders:
    'id user_id ticker side type time_in_force quantity price status created_at updated_at version filled_quantity last_fill_price',
  ingested_fills: 'order_id trade_id ticker ts',
} as const

const readSchemas = (sql: Sql) => sql<{ name: string; schema: string }[]>`
  select n.nspname as name, quote_ident(n.nspname) as schema
  from pg_namespace n
  where n.nspname <> ${adoptedSchema} and has_schema_privilege(n.oid, 'usage')
    and 3 = (select count(*) from pg_class c where c.relnamespace = n.oid and c.relkind in ('r', 'p')
                                                and c.relname in ('flyway_schema_history', 'orders', 'ingested_fills'))
    and not exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'orders_migrations')
  order by array_position(current_schemas(false), n.nspname) nulls last`

const requireColumns = async (sql: Sql, name: string): Promise<void> => {
  const found = await sql<{ place: string }[]>`
    select table_name || '.' || column_name as place from information_schema.columns where table_schema = ${name}`
  const places = new Set(found.map(({ place }) => place))
  const wanted = Object.entries(columns).flatMap(([table, names]) =>
    names.split(' ').map((column) => `${table}.${column}`),
  )
  const missing = wanted.filter((place) => !places.has(place))
  if (missing.length > 0)
    throw new AdoptionRefused(
      `The tables in the schema ${name} lack ${missing.join(', ')}, or this role may not read them: they are not those of the Java service.`,
    )
}

/** Whether the legs of an order can be found without reading all of them. */
const requireIndex = async (sql: Sql, schema: string): Promise<void> => {
  const [row] = await sql<{ found: boolean }[]>`
    select exists (
      select from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      where i.indrelid = to_regclass(${`${schema}.ingested_fills`}) and i.indisvalid and a.attname = 'order_id') as found`
  if (!row!.found)
    throw new AdoptionRefused(
      `${schema}.ingested_fills has no index that begins with order_id: create it, create index on ${schema}.ingested_fills (order_id).`,
    )
}

/** Throws AdoptionRefused if the database has no such tables, those of an older version, or more than one of them. */
export const findJavaTables = async (sql: Sql): Promise<JavaTables> => {
  const schemas = await readSchemas(sql)
  const [first, second] = schemas
  if (first === undefined)
    throw new AdoptionRefused(
      'This database has no tables of the Java service (flyway_schema_history, orders, ingested_fills) that this role may use: check DATABASE_URL.',
    )
  const [chosen] = await sql<{ current: string | null }[]>`select current_schema() as current`
  if (second !== undefined && chosen!.current !== first.name)
    throw new AdoptionRefused(
      `The schemas ${schemas.map(({ name }) => name).join(', ')} all have tables of the Java service: name one as currentSchema in the address.`,
    )
  const { name, schema } = first
  const [history] = await sql<{ version: string | null; failed: boolean }[]>`
    select (select version from ${sql(name)}.flyway_schema_history where success and version is not null order by installed_rank desc limit 1) as version,
           exists (select from ${sql(name)}.flyway_schema_history where not success) as failed`
  const version = history!.version ?? 'none'
  if (history!.failed || !/^\d+$/.test(version) || Number(version) < lastVersion)
    throw new AdoptionRefused(
      `The Java service's schema is at migration ${version}${history!.failed ? ', and one has failed' : ''}: start its newest version once, which brings it to ${lastVersion}.`,
    )
  await requireColumns(sql, name)
  await requireIndex(sql, schema)
  const [size] = await sql<{ orders: number; fills: number; pages: number }[]>`
    select greatest(o.reltuples, 0)::float8 as orders, greatest(f.reltuples, 0)::float8 as fills,
           (pg_relation_size(o.oid) / current_setting('block_size')::bigint)::float8 as pages
    from pg_class o, pg_class f
    where o.oid = to_regclass(${`${schema}.orders`}) and f.oid = to_regclass(${`${schema}.ingested_fills`})`
  return { name, schema, version, ...size! }
}
