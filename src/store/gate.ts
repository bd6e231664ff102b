// The gate of the rules of business (sql/0020_gate.sql). Postgres locks the tables of a statement before it takes its snapshot, and whoever
// changes a rule holds that lock until its change is committed. So a statement that passes the gate sees the epoch that is in force.

import type { Sql } from './sql.ts'
import { parameter, sqlText, statementText } from './sqlText.ts'

/** The parts of a `with` that lock the gate and read its epoch. The lock is on the table; no row is locked. */
export const gate = sqlText([
  `gate_lock as materialized (
      select from rules_gate where false for share
    ), gate as materialized (
      select epoch from rules_gate
    )`,
])

/** Whether the epoch of the parameter is the one in force. A statement writes only where this holds. */
export const gateIsPassed = statementText`exists (select from gate where epoch = ${parameter}::bigint) and not exists (select from gate_lock)`

/** The epoch in force when this statement began; another one may be by now. */
export const readEpoch = async (sql: Sql): Promise<string> => {
  const [row] = await sql<{ epoch: string }[]>`select epoch from rules_gate`
  return row!.epoch
}
