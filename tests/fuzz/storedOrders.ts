// Checks the tables after the requests: they hold what was promised and nothing else. Every 202 is stored as it was sent, every
// order is somebody's, a key has one order, and every resolution belongs to a 200.

import type { Sql } from 'postgres'
import type { TakenOrder } from './checkAnswer.ts'
import { canonicalAmount, type Key, type Terms } from './expectedOrder.ts'
import type { CallVerdict } from './httpCall.ts'

/** The promises of the answers, with the number of each request. */
export type Promises = {
  placed: (TakenOrder & { terms: Terms; number: number })[]
  mismatched: { terms: Terms; number: number }[]
  resolved: (NonNullable<CallVerdict['resolved']> & { number: number })[]
  voided: (Key & { number: number })[]
  canceled: Set<string>
  /** Users of lawful orders whose answer nobody read. */
  perhaps: Set<string>
  /** Ids of orders from before the run. */
  before: Set<string>
}

export const nothingPromised = (before: Iterable<string>): Promises => ({
  placed: [],
  mismatched: [],
  voided: [],
  resolved: [],
  canceled: new Set(),
  perhaps: new Set(),
  before: new Set(before),
})

export type Complaint = { what: string; number: number }
type Row = Terms & { id: string; status: string; filled: string; version: number }

const amountNames = ['price', 'stopPrice', 'displayQuantity'] as const
const termNames = [
  'userId',
  'clientOrderId',
  'ticker',
  'side',
  'type',
  'timeInForce',
  'quantity',
  ...amountNames,
  'postOnly',
  'expiresAt',
] as const

/** The differences of two orders, as sentences. */
export const differing = (found: Terms, expected: Terms): string[] =>
  termNames
    .filter((name) => found[name] !== expected[name])
    .map((name) => `${name} is ${found[name]}, not ${expected[name]}`)

const readRows = async (sql: Sql): Promise<Map<string, Row>> => {
  const rows = await sql<Row[]>`
    select id, user_id as "userId", client_order_id as "clientOrderId",
           ticker, side, type, time_in_force as "timeInForce",
           quantity::text, price::text, stop_price::text as "stopPrice", display_quantity::text as "displayQuantity",
           post_only as "postOnly",
           case when time_in_force = 'GTD' then to_char(expires_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end as "expiresAt",
           status, filled_quantity::text as filled, version from orders`
  const canonical = (row: Row): Row => ({
    ...row,
    quantity: canonicalAmount(row.quantity) ?? row.quantity,
    ...Object.fromEntries(
      amountNames.map((name) => [name, row[name] === null ? null : (canonicalAmount(row[name]) ?? row[name])]),
    ),
  })
  return new Map(rows.map((row) => [row.id, canonical(row)]))
}

const placedFaults = (rows: ReadonlyMap<string, Row>, { placed }: Promises): Complaint[] =>
  placed.flatMap(({ id, terms, number }) => {
    const row = rows.get(id)
    const faults = row === undefined ? ['a 202 is not in the database'] : differing(row, terms)
    return faults.map((what) => ({ what: `stored otherwise: ${what}`, number }))
  })

/** One key, one order: the first answer is plain, all others are marked as replays of it. */
const keyFaults = ({ placed, mismatched }: Promises): Complaint[] => {
  const faults: Complaint[] = []
  const holders = new Map<string, Terms>()
  for (const [key, answers] of Map.groupBy(placed, ({ id }) => id)) {
    const firsts = answers.filter(({ replayed }) => !replayed)
    if (firsts.length > 1)
      faults.push({ what: `the order ${key} was new ${firsts.length} times`, number: firsts[1]!.number })
  }
  for (const { terms, id, number } of placed) {
    if (terms.clientOrderId === null) continue
    const key = `${terms.userId} ${terms.clientOrderId}`
    const holder = holders.get(key)
    if (holder !== undefined && differing(holder, terms).length > 0)
      faults.push({ what: `two orders hold one key (${id})`, number })
    holders.set(key, terms)
  }
  for (const { terms, number } of mismatched) {
    const holder = holders.get(`${terms.userId} ${terms.clientOrderId}`)
    if (holder !== undefined && differing(holder, terms).length === 0)
      faults.push({ what: 'a 422 for the same order', number })
  }
  return faults
}

/** A key that was said to be void has a row that says so, and no order. */
const voidFaults = async (sql: Sql, rows: ReadonlyMap<string, Row>, { voided }: Promises): Promise<Complaint[]> => {
  const held = await sql<Key[]>`
    select user_id as "userId", client_order_id as "clientOrderId" from order_keys where order_id is null`
  const name = ({ userId, clientOrderId }: Key | Row): string => `${userId} ${clientOrderId}`
  const [voids, ordered] = [new Set(held.map(name)), new Set([...rows.values()].map(name))]
  return voided.flatMap((key) => [
    ...(voids.has(name(key)) ? [] : [{ what: 'a key that was said to be void is not', number: key.number }]),
    ...(ordered.has(name(key)) ? [{ what: 'an order has a void key', number: key.number }] : []),
  ])
}

const strayFaults = (rows: ReadonlyMap<string, Row>, promised: Promises): Complaint[] => {
  const ids = new Set(promised.placed.map(({ id }) => id))
  const isOurs = (row: Row): boolean =>
    ids.has(row.id) || promised.before.has(row.id) || promised.perhaps.has(row.userId)
  const strays = [...rows.values()].filter((row) => !isOurs(row))
  const unlike = [...rows.values()].filter(({ id, status }) => (status === 'CANCELED') !== promised.canceled.has(id))
  return [
    ...strays.map((row) => ({
      what: `an order is stored that nobody was promised: ${JSON.stringify(row)}`,
      number: -1,
    })),
    ...unlike.map(({ id, status }) => ({ what: `the order ${id} is ${status}, which no answer said`, number: -1 })),
  ]
}

const resolutionFaults = async (sql: Sql, { resolved }: Promises): Promise<Complaint[]> => {
  const rows = await sql<{ id: string; resolvedBy: string; note: string }[]>`
    select exception_id as id, resolved_by as "resolvedBy", note from exception_resolutions`
  const requests = Map.groupBy(resolved, ({ id }) => id)
  const same = (row: (typeof rows)[number], resolution: Promises['resolved'][number]): boolean =>
    row.resolvedBy === resolution.resolvedBy && row.note === resolution.note
  const strays = rows.filter((row) => !(requests.get(row.id) ?? []).some((resolution) => same(row, resolution)))
  const lost = resolved.filter((resolution) => !rows.some((row) => row.id === resolution.id && same(row, resolution)))
  return [
    ...strays.map((row) => ({
      what: `a resolution is stored that nobody was promised: ${JSON.stringify(row)}`,
      number: -1,
    })),
    ...lost.map(({ number }) => ({ what: 'a resolution was promised and is not stored', number })),
  ]
}

export const storedFaults = async (sql: Sql, promised: Promises): Promise<Complaint[]> => {
  const rows = await readRows(sql)
  return [
    ...placedFaults(rows, promised),
    ...keyFaults(promised),
    ...strayFaults(rows, promised),
    ...(await voidFaults(sql, rows, promised)),
    ...(await resolutionFaults(sql, promised)),
  ]
}
