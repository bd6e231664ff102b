// The schema of the tables: the first one in search_path.

import { MigrationRefused } from './migrate.ts'
import type { Sql } from './sql.ts'

/**
 * The first schema of a search path, as Postgres reads it: in lower case unless it is quoted. Null if the path names none, or if the first
 * is "$user".
 */
export const firstSchema = (path: string): string | null => {
  const [, quoted, plain] = /^\s*(?:"((?:[^"]|"")*)"|([^\s,]*))/.exec(path) ?? []
  const name = quoted?.replaceAll('""', '"') ?? plain?.toLowerCase() ?? ''
  return name === '' || name === '$user' ? null : name
}

type Place = { path: string; role: string; database: string; current: string | null; ours: boolean }

/**
 * Throws MigrationRefused if the schema does not exist or may not be used. It is never created: a misspelt name would begin an empty
 * book of orders beside the real one. Tables in schemas further along the path are used as they are.
 */
export const requireFirstSchema = async (sql: Sql): Promise<void> => {
  const [place] = await sql<Place[]>`
    select current_setting('search_path') as path, current_user as role, current_database() as database,
      current_schema() as current, to_regclass('orders_migrations') is not null as ours`
  const { path, role, database, current, ours } = place!
  const first = firstSchema(path)
  if (ours) return
  if (first === null) {
    if (current !== null) return
    throw new MigrationRefused(
      `The role ${role} can use no schema of the search path (${path}) in the database ${database}: create one and grant usage of it, or name another as currentSchema.`,
    )
  }
  const [found] = await sql<{ usable: boolean }[]>`
    select has_schema_privilege(oid, 'usage') as usable from pg_namespace where nspname = ${first}`
  if (found === undefined)
    throw new MigrationRefused(
      `The schema ${first} does not exist in the database ${database}: create it, or correct currentSchema (or the search_path of the role).`,
    )
  if (!found.usable)
    throw new MigrationRefused(
      `The role ${role} may not use the schema ${first}: grant usage on it, as sql/roles.sql does.`,
    )
}
