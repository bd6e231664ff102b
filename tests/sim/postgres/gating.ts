// The fake of the gate of the rules (src/store/gate.ts): a statement that passes it shares the lock of its table before its snapshot is taken.

import type { Postgres } from './state.ts'
import { shareTable, type Steps, type Tx } from './transactions.ts'

export const gateTable = 'rules_gate'

/** The clauses of a statement that passes the gate. */
export const gateClauses: readonly string[] = [
  'gate_lock as materialized ( select from rules_gate where false for share ), gate as materialized ( select epoch from rules_gate )',
  'exists (select from gate where epoch =',
  '::bigint) and not exists (select from gate_lock)',
]

/** The epoch in force; it stays so until the end of the transaction. */
export function* passGate(db: Postgres, tx: Tx): Steps<bigint> {
  yield* shareTable(db, tx, gateTable)
  return db.epoch
}
