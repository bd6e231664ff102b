// What release 1.2 does to a database, replayed: its schema, and the statements by which it places, cancels and fills, as it sent them.
// The texts beside this file are what it sent; they never change.

import { migrate } from '../../../src/store/migrate.ts'
import { migrations, type Migration } from '../../../src/store/migrations.ts'
import { openSession, textArray, type Sql } from '../../../src/store/sql.ts'
import { newId } from '../../support/builders.ts'
import type { TestDatabase } from '../../support/database.ts'
import moveText from './release12/move.sql' with { type: 'text' }
import placeText from './release12/place.sql' with { type: 'text' }
import readLegsText from './release12/readLegs.sql' with { type: 'text' }
import writeFillsText from './release12/writeFills.sql' with { type: 'text' }

/** The schema files of before this one. */
export const filesBefore = (first: string): Migration[] => migrations.filter(({ name }) => name < first)

/** The names of this schema file and of all later ones. */
export const filesSince = (first: string): string[] =>
  migrations.map(({ name }) => name).filter((name) => name >= first)

export const migrationsOf12 = filesBefore('0010_log.sql')
export const filesSince12 = filesSince('0010_log.sql')

/** Brings the database to a schema as a starting binary does, on a session of its own; answers the files that were applied. */
export const migrateTo = async ({ target }: Pick<TestDatabase, 'target'>, files = migrations): Promise<string[]> => {
  const sql = openSession(target, 10_000)
  try {
    return await migrate(sql, { migrations: files, onWait: () => undefined, onApplied: () => undefined, pauseMs: 50 })
  } finally {
    await sql.end({ timeout: 1 })
  }
}

export type MoveOf12 = 'CANCELED' | 'REJECTED' | 'EXPIRED'

/** Every order has this quantity, and every fill this price. */
export const quantity = 10
const price = 150

export type Replica12 = {
  /** Places this many orders in one batch; answers their ids. */
  place: (count: number) => Promise<string[]>
  /** Moves one order; answers its status before and after, null after if the move is unlawful. */
  move: (id: string, target?: MoveOf12) => Promise<{ before: string; after: string | null }>
  /** Applies one leg of a trade of its own; answers whether it was written. */
  fill: (id: string, quantity: number) => Promise<boolean>
}

const set = (...values: (string | null)[]): string => textArray(values)

type State = { status: string; quantity: string; filled_quantity: string; filled_notional: string } & {
  stamp: string
  version: number
}

/** The leg's effect on an order, in whole numbers. */
const afterFill = (order: State, amount: number) => {
  const late = order.status === 'CANCELED' || order.status === 'EXPIRED'
  const filled = Number(order.filled_quantity) + amount
  const open = filled === Number(order.quantity) ? 'FILLED' : 'PARTIALLY_FILLED'
  return { late, filled, status: late ? order.status : open, notional: Number(order.filled_notional) + amount * price }
}

const userId = '6f1c2f52-3a39-4c3e-9d44-0d7a0a6a7c11'
const none = '{}'

/** A running replica of 1.2. Its statements are prepared once a connection, so they live through a migration. */
export const replicaOf12 = (sql: Sql): Replica12 => {
  const run = <T extends object>(text: string, parameters: string[]) =>
    sql.unsafe<T[]>(text, parameters, { prepare: true })
  const now = (): string => new Date().toISOString()
  return {
    async place(count) {
      const ids = Array.from({ length: count }, () => newId())
      const all = (value: string | null): string => set(...ids.map(() => value))
      const terms = [userId, null, 'AAPL', 'BUY', 'LIMIT', 'GTC', String(quantity), String(price), now()].map(all)
      const placed = await run(placeText, [set(...ids), ...terms, set(...ids.map(() => newId())), all(null)])
      if (placed.length !== count) throw new Error(`${placed.length} of ${count} orders were placed`)
      return ids
    },
    async move(id, target = 'CANCELED') {
      const kind = target === 'CANCELED' ? 'CANCELLED' : null
      const move = [set(id), '{"{NEW}"}', set(target), set(kind), set(newId()), set(null)]
      const [row] = await run<{ before: string; status: string | null }>(moveText, [set(id), now(), ...move])
      return { before: row!.before, after: row!.status }
    },
    async fill(id, amount) {
      const tradeId = `t-${newId()}`
      const [order] = await run<State>(readLegsText, [set(id), set(tradeId)])
      const { status, filled, notional, late } = afterFill(order!, amount)
      const version = String(order!.version + 1)
      const move = [id, order!.stamp, version, status, String(filled), String(notional), String(price), now()]
      const leg = [id, tradeId, 'BUY', 'AAPL', now(), String(amount), String(price), String(late), version, '0', '0']
      const exceptions = Array.from({ length: 15 }, () => none)
      const arrays = (values: string[]): string[] => values.map((value) => set(value))
      const written = await run(writeFillsText, [...arrays(move), now(), ...arrays(leg), now(), ...exceptions])
      return written.length === 1
    },
  }
}

/**
 * The ids of orders by what became of them: every life that an order of 1.2 can have. `place`: who places them, 1.2 itself unless the
 * schema takes none from it any more.
 */
export const livesOf12 = async ({ move, fill, ...old }: Replica12, { place }: Pick<Replica12, 'place'> = old) => {
  const ids = await place(7)
  const at = (n: number): string => ids[n]!
  const lives = {
    fresh: at(0),
    part: at(1),
    filled: at(2),
    canceled: at(3),
    late: at(4),
    rejected: at(5),
    expired: at(6),
  }
  await fill(lives.part, 4)
  await fill(lives.filled, 4)
  await fill(lives.filled, 6)
  await move(lives.canceled)
  await move(lives.late)
  await fill(lives.late, 5)
  await move(lives.rejected, 'REJECTED')
  await move(lives.expired, 'EXPIRED')
  return lives
}
