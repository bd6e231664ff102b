// Connections with one interface: to the fake Postgres, where a statement runs until it ends or has to wait, and to a real one.

import type { Sql } from '../../../src/store/sql.ts'
import type { TestDatabase } from '../../support/database.ts'
import { sqlState, StatementError } from '../postgres/errors.ts'
import { createFakeSql, type Statement } from '../postgres/fakeSql.ts'
import type { Postgres } from '../postgres/state.ts'
import { recognise } from '../postgres/statements.ts'
import { begin, commit, rollback, type Tx } from '../postgres/transactions.ts'

export type Connection = {
  sql: Sql
  /** The next statement's transaction stays open, with all that it locked, until `end`. */
  hold: () => Promise<void>
  end: (how: 'commit' | 'rollback') => Promise<void>
  /** Whether its statement waits for a lock. */
  isWaiting: () => Promise<boolean>
}

/** Who waits for a lock no longer than this gives up before its holder ends. */
const impatientMs = 1_000

export const connectFake = (db: Postgres): Connection => {
  let held = false
  let waiting = false
  let last: Tx | null = null

  const execute = ({ text, parameters }: Statement): Promise<object[]> => {
    const { promise, resolve, reject } = Promise.withResolvers<object[]>()
    const { name, run } = recognise(text)
    const tx = begin(db, name)
    last = tx
    const steps = run(db, tx, { text, parameters })
    const advance = (): void => {
      waiting = false
      try {
        for (;;) {
          const { done, value } = steps.next()
          if (done === true) {
            if (!held) commit(db, tx)
            return resolve(value)
          }
          if (value === null) continue
          if (tx.lockTimeoutMs !== null && tx.lockTimeoutMs < impatientMs)
            throw new StatementError(sqlState.lockTimeout, 'lock timeout')
          waiting = true
          return void value.waiting.push(advance)
        }
      } catch (error) {
        rollback(db, tx)
        reject(error)
      }
    }
    advance()
    return promise
  }

  return {
    sql: createFakeSql(execute),
    hold: async () => void (held = true),
    async end(how) {
      held = false
      if (last?.state === 'open') (how === 'commit' ? commit : rollback)(db, last)
    },
    isWaiting: async () => waiting,
  }
}

export const connectReal = async (database: TestDatabase): Promise<Connection> => {
  const sql = database.session()
  // If the real one waits and the fake does not, the statement is refused, so the test does not hang.
  await sql`set statement_timeout = '20s'`
  const [backend] = await sql<{ pid: number }[]>`select pg_backend_pid() as pid`
  return {
    sql,
    hold: async () => void (await sql`begin`),
    end: async (how) => void (await sql.unsafe(how)),
    async isWaiting() {
      const [row] = await database.sql<{ waits: boolean }[]>`
        select wait_event_type = 'Lock' and state = 'active' as waits from pg_stat_activity where pid = ${backend!.pid}`
      return row?.waits ?? false
    },
  }
}
