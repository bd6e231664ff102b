// A statement that the fake Postgres knows.

import { arrayFromLiteral, type Statement } from './fakeSql.ts'
import type { Postgres } from './state.ts'
import type { Steps, Tx } from './transactions.ts'

export type Template = {
  name: string
  /** All of them stand in the text. */
  clauses: readonly string[]
  /** What no clause can say. */
  also?: (text: string) => boolean
  run: (db: Postgres, tx: Tx, statement: Statement) => Steps<object[]>
}

export const arrays = (parameters: readonly unknown[]): (string | null)[][] => parameters.map(arrayFromLiteral)

/** A statement that writes nothing and waits for nobody: it sees one moment. */
export const look = (see: (db: Postgres, statement: Statement) => object[]): Template['run'] =>
  // oxlint-disable-next-line require-yield
  function* reading(db, _, statement) {
    return see(db, statement)
  }
