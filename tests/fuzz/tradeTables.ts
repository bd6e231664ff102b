// Checks that the trades left behind exactly what the oracle expects: ledger, exceptions, dead letters, orders.

import type { Sql } from 'postgres'
import type { Received } from '../support/kafka.ts'
import type { ExceptionRow, Expectation, KnownOrder, LedgerRow } from './expectedLedger.ts'
import { canonicalAmount } from './expectedOrder.ts'
import type { TradeMessage } from './tradeMessages.ts'

/** `at`: the message's place, `partition-offset`, where there is one. */
export type TradeComplaint = { what: string; at: string | null }

const canonical = <T extends { quantity: string; price: string }>(row: T): T => ({
  ...row,
  quantity: canonicalAmount(row.quantity) ?? row.quantity,
  price: canonicalAmount(row.price) ?? row.price,
})

const readLedger = (sql: Sql): Promise<LedgerRow[]> => sql<LedgerRow[]>`
  select order_id as "orderId", trade_id as "tradeId", side, ticker, quantity::text, price::text, late,
         to_char(ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "tradedAt",
         kafka_partition || '-' || kafka_offset as at
  from ingested_fills`

type FullException = ExceptionRow & { message: Buffer; key: Buffer | null }

/** `before`: the ids of exceptions that were there before the run. */
const readExceptions = (sql: Sql, before: readonly string[]): Promise<FullException[]> => sql<FullException[]>`
  select order_id as "orderId", trade_id as "tradeId", side, ticker, quantity::text, price::text, disposition, message,
         message_key as key, to_char(ts at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "tradedAt",
         kafka_partition || '-' || kafka_offset as at
  from exceptions where not id = any (${before}::uuid[])`

const names = [
  'orderId',
  'tradeId',
  'side',
  'ticker',
  'quantity',
  'price',
  'tradedAt',
  'late',
  'disposition',
  'at',
] as const

const differences = (found: Partial<Record<string, unknown>>, expected: Partial<Record<string, unknown>>): string[] =>
  names
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${name} is ${String(found[name])}, not ${String(expected[name])}`)

/** Two sets of rows by key: what is missing, what is too much, what differs. */
const compare = <T extends { at: string }>(
  what: string,
  found: ReadonlyMap<string, T>,
  wanted: ReadonlyMap<string, T>,
): TradeComplaint[] => [
  ...[...wanted]
    .filter(([key]) => !found.has(key))
    .map(([key, row]) => ({ what: `${what} is missing: ${key}`, at: row.at })),
  ...[...found]
    .filter(([key]) => !wanted.has(key))
    .map(([key, row]) => ({ what: `${what} is there unasked: ${key}`, at: row.at })),
  ...[...found].flatMap(([key, row]) => {
    const expected = wanted.get(key)
    return expected === undefined
      ? []
      : differences(row, expected).map((difference) => ({ what: `${what}: ${difference}`, at: row.at }))
  }),
]

const same = (a: Buffer | null, b: Buffer | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0

const keptFaults = (found: Iterable<FullException>, sent: ReadonlyMap<string, TradeMessage>): TradeComplaint[] =>
  [...found]
    .filter(({ at, message, key }) => !same(message, sent.get(at)!.value) || !same(key, sent.get(at)!.key))
    .map(({ at }) => ({ what: 'an exception does not hold the message as it was', at }))

const orderFaults = async (
  sql: Sql,
  expected: Expectation,
  orders: ReadonlyMap<string, KnownOrder>,
): Promise<TradeComplaint[]> => {
  const rows = await sql<{ id: string; filled: string; status: string }[]>`
    select id, trunc(filled_quantity * 100000000)::text as filled, status
    from orders where id = any (${[...orders.keys()]}::uuid[])`
  return rows.flatMap(({ id, filled, status }): TradeComplaint[] => {
    const [order, wanted] = [orders.get(id)!, expected.filled.get(id) ?? 0n]
    const open = wanted === 0n ? 'NEW' : wanted === order.quantity ? 'FILLED' : 'PARTIALLY_FILLED'
    const should = order.canceled ? 'CANCELED' : open
    if (BigInt(filled) !== wanted) return [{ what: `order ${id} is filled by ${filled}, not ${wanted}`, at: null }]
    return status === should ? [] : [{ what: `order ${id} is ${status}, not ${should}`, at: null }]
  })
}

/** A message as the dead-letter topic holds it, by the place it came from. */
const placeOf = ({ headers }: Received): string =>
  headers['x-dead-letter-id']?.split('-').slice(-2).join('-') ?? 'nowhere'

export const letterFaults = (
  letters: readonly Received[],
  expected: Expectation,
  sent: ReadonlyMap<string, TradeMessage>,
): TradeComplaint[] => {
  const byPlace = new Map(letters.map((letter) => [placeOf(letter), letter]))
  const missing = [...expected.letters.keys()].filter((at) => !byPlace.has(at))
  const faults = missing.map((at) => ({ what: 'a message is neither stored nor on the dead-letter topic', at }))
  for (const [at, letter] of byPlace) {
    const wanted = expected.letters.get(at)
    const message = sent.get(at)
    const disposition = letter.headers['x-disposition'] ?? 'none'
    if (wanted === undefined || message === undefined)
      faults.push({ what: `a dead letter nobody expects (${disposition})`, at })
    else if (!same(letter.bytes, message.value)) faults.push({ what: 'a dead letter has other bytes', at })
    else if (!wanted.dispositions.includes(disposition))
      faults.push({ what: `a dead letter is ${disposition}, not ${wanted.dispositions.join(' or ')}`, at })
  }
  return faults
}

export const tableFaults = async (
  sql: Sql,
  {
    expected,
    orders,
    sent,
    before,
  }: {
    expected: Expectation
    orders: ReadonlyMap<string, KnownOrder>
    sent: ReadonlyMap<string, TradeMessage>
    before: readonly string[]
  },
): Promise<TradeComplaint[]> => {
  const ledger = new Map((await readLedger(sql)).map((row) => [`${row.orderId} ${row.tradeId}`, canonical(row)]))
  const keyOf = (row: ExceptionRow): string =>
    `${row.orderId} ${row.tradeId} ${row.side} ${row.ticker} ${row.quantity} ${row.price}`
  const exceptions = (await readExceptions(sql, before)).map(canonical)
  return [
    ...compare('a ledger row', ledger, expected.ledger),
    ...compare(
      'an exception',
      new Map(exceptions.map((row) => [keyOf(row), row as ExceptionRow])),
      expected.exceptions,
    ),
    ...keptFaults(exceptions, sent),
    ...(await orderFaults(sql, expected, orders)),
  ]
}
