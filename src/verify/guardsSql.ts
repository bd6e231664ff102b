// Finds the guards that are not in force (store/guards.ts), and the rows that got past a unique key while it was not.

import { brokenGuards, columnsOfKey, inForce, readReplicationRole, type Guard } from '../store/brokenGuards.ts'
import { readPositionCaches } from '../store/positions.ts'
import type { Fragment, Sql } from '../store/sql.ts'
import type { Violation } from './violation.ts'

/** How many repeated values of one key are reported; an index that is gone may have let any number in. */
const repeatedMax = 1_000

/** The rows that a key would refuse. A key refuses no row that has a null in one of its columns. */
const readRepeated = async (sql: Sql, guard: Guard): Promise<Violation[]> => {
  const { table } = guard
  const columns = columnsOfKey(guard)
  const list = columns.map((column): Fragment => sql`${sql(column)}`).reduce((all, column) => sql`${all}, ${column}`)
  const rows = await sql<{ id: string; times: string }[]>`
    select concat_ws(' ', ${list}) as id, count(*) as times from ${sql(table)}
    where num_nulls(${list}) = 0
    group by ${list} having count(*) > 1
    order by ${list}
    limit ${repeatedMax}::integer`
  return rows.map(({ id, times }) => ({
    subject: table,
    id,
    rule: `rows of one (${columns.join(', ')})`,
    expected: '1',
    found: times,
  }))
}

/** The guards that are not in force; for a unique key, also the rows that it would have refused. */
export const verifyGuards = async (sql: Sql): Promise<Violation[]> => {
  const broken = await brokenGuards(sql)
  const violations = broken.map(({ kind, table, name, state }): Violation => ({
    subject: 'guard',
    id: `${table}.${name}`,
    rule: kind,
    expected: inForce,
    found: state,
  }))
  for (const guard of broken) if (guard.kind === 'key') violations.push(...(await readRepeated(sql, guard)))
  for (const [id, cache] of Object.entries(await readPositionCaches(sql)))
    if (cache !== 1)
      violations.push({ subject: 'guard', id, rule: 'cache of the sequence', expected: '1', found: String(cache) })
  const role = await readReplicationRole(sql)
  if (role !== 'origin')
    violations.push({
      subject: 'guard',
      id: 'session_replication_role',
      rule: 'setting of a new session',
      expected: 'origin',
      found: role,
    })
  return violations
}
