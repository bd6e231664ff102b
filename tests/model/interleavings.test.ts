// Proves: on a real Postgres, over several connections at once, every order behaves as the reference model does: for each game
// there is an order of all that was done to it which explains every answer and what the tables hold at the end.

import { afterAll, beforeAll, expect, test } from 'bun:test'
import { amountFromSql, notionalFromSql } from '../../src/domain/decimal.ts'
import type { OrderRow } from '../../src/store/orders.ts'
import type { Database, Sql } from '../../src/store/sql.ts'
import { createDatabase, type TestDatabase } from '../support/database.ts'
import { createRandom } from '../support/random.ts'
import { describe as describeHistory, isExplained, type Operation } from './linearize.ts'
import { createGame, describePlaced, play, type Game, type Placed } from './players.ts'
import { cancel, fill, picture, place, type Disposition, type State } from './reference.ts'

const players = 4
const actionsEach = 5
const games = 150
const gamesAtATime = 3
const limitMs = 600_000

let database: TestDatabase
let tables: Database[][]
beforeAll(async () => {
  database = await createDatabase()
  const onePlayer = () => database.open({ connections: 1 })
  tables = Array.from({ length: gamesAtATime }, () => Array.from({ length: players }, onePlayer))
})
afterAll(() => database.drop())

type Row = OrderRow & {
  fills: { trade_id: string; side: string; ticker: string; quantity: string; price: string; late: boolean }[]
  exceptions: {
    trade_id: string
    disposition: Disposition
    side: string
    ticker: string
    quantity: string
    price: string
  }[]
}

const contentOf = (row: { side: string; ticker: string; quantity: string; price: string }): string =>
  `${row.side} ${row.ticker} ${amountFromSql(row.quantity)} at ${amountFromSql(row.price)}`

const ordersOf = async (sql: Sql, userId: string): Promise<Row[]> => sql<Row[]>`
  select o.*,
         (select coalesce(json_agg(json_build_object('trade_id', f.trade_id, 'side', f.side, 'ticker', f.ticker, 'quantity', f.quantity::text,
                                                     'price', f.price::text, 'late', f.late) order by f.order_version), '[]')
          from ingested_fills f where f.order_id = o.id) as fills,
         (select coalesce(json_agg(json_build_object('trade_id', e.trade_id, 'disposition', e.disposition, 'side', e.side, 'ticker', e.ticker,
                                                     'quantity', e.quantity::text, 'price', e.price::text)), '[]')
          from exceptions e where e.order_id = o.id) as exceptions
  from orders o where o.user_id = ${userId}::uuid`

const newState = (row: Row): State =>
  place({
    side: row.side,
    ticker: row.ticker,
    quantity: amountFromSql(row.quantity),
    stopPrice: row.stop_price === null ? null : amountFromSql(row.stop_price),
  })

const pictureOf = (row: Row): string =>
  picture({
    ...newState(row),
    status: row.status,
    waits: row.stop_price !== null && row.triggered_at === null,
    filled: amountFromSql(row.filled_quantity),
    notional: notionalFromSql(row.filled_notional),
    lastPrice: row.last_fill_price === null ? null : amountFromSql(row.last_fill_price),
    version: row.version,
    ledger: row.fills.map((fill) => ({ tradeId: fill.trade_id, content: contentOf(fill), late: fill.late })),
    exceptions: row.exceptions.map((exception) => ({
      tradeId: exception.trade_id,
      content: contentOf(exception),
      disposition: exception.disposition,
    })),
  })

/** One key is one order: the first placement of it stands, equal ones are told of it, others are refused. */
const checkKey = (row: Row, placed: readonly Placed[]): void => {
  const story = placed.map(describePlaced).join('\n')
  const ofKey = placed.filter(({ terms }) => terms.clientOrderId === row.client_order_id)
  expect(
    ofKey.filter(({ answer }) => answer.ok && !answer.replayed),
    story,
  ).toHaveLength(1)
  for (const { terms, answer } of ofKey) {
    if (!answer.ok) expect(answer, story).toMatchObject({ differing: ['quantity'] })
    else expect(answer.order.id, story).toBe(row.id)
    expect(answer.ok, story).toBe(terms.quantity === amountFromSql(row.quantity))
  }
}

const checkGame = async (game: Game, seed: number): Promise<void> => {
  const rows = await ordersOf(database.sql, game.userId)
  expect(rows.map(({ client_order_id }) => client_order_id!).toSorted()).toEqual(
    [...new Set(game.placed.map(({ terms }) => terms.clientOrderId!))].toSorted(),
  )
  for (const row of rows) {
    checkKey(row, game.placed)
    const operations = game.history.get(row.id) ?? []
    if (!isExplained(newState(row), operations, pictureOf(row)))
      throw new Error(`game ${seed}: nothing explains\n${describeHistory(operations)}\nwhich left\n${pictureOf(row)}`)
  }
}

test(
  `${games} games of ${players} players on shared orders are explained by the reference model`,
  async () => {
    const counts = new Map<string, number>()
    let next = 0
    const playOn = async (connections: readonly Database[]): Promise<void> => {
      while (next < games) {
        const seed = next++
        const game = createGame(createRandom(seed))
        await play(game, connections, actionsEach)
        await checkGame(game, seed)
        for (const operation of [...game.history.values()].flat()) count(counts, operation)
      }
    }
    // One that fails lets the others finish their game: nothing is left that works on a database which is gone.
    const ends = await Promise.allSettled(
      tables.map((connections) => playOn(connections).finally(() => (next = games))),
    )
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    for (const what of [
      'APPLIED',
      'LATE',
      'DUPLICATE',
      'CONFLICT',
      'OVERFILL',
      'MISMATCH',
      'OK',
      'CANCELED',
      'triggered: true',
    ])
      expect(counts.get(what) ?? 0, `${what} happened`).toBeGreaterThan(5)
  },
  limitMs,
)

const count = (counts: Map<string, number>, operation: Operation): void => {
  const answers =
    operation.kind === 'fill'
      ? operation.answers
      : operation.kind === 'cancel' || operation.kind === 'end'
        ? [operation.answer]
        : operation.kind === 'trigger'
          ? [`triggered: ${operation.answer}`]
          : []
  for (const answer of answers) counts.set(answer, (counts.get(answer) ?? 0) + 1)
}

test('a history that no order of its operations explains is found out', () => {
  const start = place({ side: 'BUY', ticker: 'AAPL', quantity: 10n, stopPrice: null })
  const leg = { tradeId: 't', side: null, ticker: 'AAPL', quantity: 4n, price: 1n, both: false }
  const filled = fill(start, leg).state
  const applied: Operation = { kind: 'fill', legs: [leg], answers: ['APPLIED'], began: 0, ended: 3 }
  const canceled: Operation = { kind: 'cancel', answer: 'OK', began: 1, ended: 2 }
  const late: Operation = { ...applied, answers: ['LATE'] }
  // Both succeeded, in whatever order: that is one too many.
  expect(isExplained(start, [applied, canceled], picture(filled))).toBe(false)
  // The leg lost: it is late, and the cancel stands.
  expect(isExplained(start, [late, canceled], picture(fill(cancel(start).state, leg).state))).toBe(true)
  // Not if it had ended before the cancel began.
  const before: Operation = { ...late, ended: 0.5 }
  expect(isExplained(start, [before, canceled], picture(fill(cancel(start).state, leg).state))).toBe(false)
})
