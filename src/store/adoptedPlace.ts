// Where the tables are in a database of the Java service that was taken over: beside Java's, in a schema of their own.

import type { Sql } from './sql.ts'

/** The schema that `orders adopt` copies into. */
export const adoptedSchema = 'orders'

/**
 * Whether this session finds the tables of the Java service, and `orders adopt` has copied them: then the copy is what counts. False for a
 * role that may not use the schema of the copy.
 */
export const isTakenOver = async (sql: Sql): Promise<boolean> => {
  const [row] = await sql<{ copied: boolean }[]>`
    select to_regclass('orders') is not null and to_regclass('flyway_schema_history') is not null
           and to_regclass('orders_migrations') is null
           and exists (select from pg_namespace n where n.nspname = ${adoptedSchema} and has_schema_privilege(n.oid, 'usage')
                       and exists (select from pg_class c where c.relnamespace = n.oid and c.relname = 'adoption')) as copied`
  if (!row!.copied) return false
  const [done] = await sql<{ done: boolean }[]>`select exists (select from orders.adoption) as done`
  return done!.done
}
