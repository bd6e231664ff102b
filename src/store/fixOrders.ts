// Orders and cancel requests of sessions of FIX: each set in one statement with the numbers of the messages that brought them. What the
// statement could not do becomes a row of fix_due there and then, so that no answer is lost with its replica.

import { doorText } from '../domain/door.ts'
import type { Cause } from '../domain/history.ts'
import { pathOf } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import { cancelText } from './fixCancelText.ts'
import type { FixLease } from './fixSessions.ts'
import type { OrderKey } from './keys.ts'
import { insertArrays, type InsertOptions, type NewEvent, type NewOrder } from './orders.ts'
import { placeText } from './placeText.ts'
import { sparseArray, textArray, type Sql } from './sql.ts'

/** The message that asks. `number`: its own. `request`: what it asks for, as JSON: whoever answers it later finds it in fix_due. */
export type FixMessage = FixLease & { number: number; request: string }

/** `heldBack`: why it must not be stored; it waits for its answer then. Null: it may be stored. */
export type NewFixOrder = NewOrder & { message: FixMessage; heldBack: string | null }

/** `moved`: the sessions whose numbers went on. `stored`: ids of orders, or numbers of requests (`session number`). */
export type FixStored = { moved: ReadonlySet<string>; stored: ReadonlySet<string> }

const messageArrays = (messages: readonly FixMessage[]) => ({
  sessions: textArray(messages.map(({ session }) => session)),
  epochs: textArray(messages.map(({ epoch }) => epoch)),
  numbers: textArray(messages.map(({ number }) => String(number))),
  requests: textArray(messages.map(({ request }) => request)),
})

type Row = { moved: boolean | null; id: string | null }
const storedOf = (rows: readonly Row[]): FixStored => {
  const ids = (moved: boolean) => new Set(rows.flatMap((row) => (row.moved === moved ? [row.id!] : [])))
  return { moved: ids(true), stored: ids(false) }
}

/**
 * Stores new orders of sessions as insertOrders does, and moves the numbers of their sessions. The messages of a session have to follow each other
 * without a gap. Nothing of a session is stored unless it is of the epoch of its messages and expects the first of them. An order whose key is held, or
 * that is held back, waits in fix_due. `epoch`: that of the rules in force; if it is another one than that of the orders, nothing was stored.
 */
export const insertFixOrders = async (
  sql: Sql,
  placements: readonly NewFixOrder[],
  { epoch, ...options }: InsertOptions,
): Promise<FixStored & { epoch: string }> => {
  const { sessions, epochs, numbers, requests } = messageArrays(placements.map(({ message }) => message))
  const rows = await sql<(Row & { epoch: string })[]>(
    placeText('fix', options),
    ...insertArrays(placements),
    textArray(placements.map(({ message: { session } }) => doorText({ kind: 'fix', session }))),
    sessions,
    epochs,
    numbers,
    sparseArray(placements.map(({ heldBack }) => heldBack)),
    requests,
    epoch,
  )
  return { epoch: rows[0]!.epoch, ...storedOf(rows) }
}

/** Which order a request means: by id, or by the key of its user. Null: none; then the request is kept for who answers it. */
export type FixTarget = { orderId: string } | { clientOrderId: string } | null

/**
 * A request of a session that names itself by a key: to cancel what remains of an order, or another one. `heldBack`: why it waits for its
 * answer in any case. Without a key of its own it cancels nothing, and waits.
 */
export type NewFixRequest = {
  message: FixMessage
  key: OrderKey
  target: FixTarget
  heldBack: string | null
  reason: Reason
  cause: Cause
  event: NewEvent
}

const sources = textArray(pathOf('cancel').from)

export const requestName = ({ session, number }: { session: string; number: number }): string => `${session} ${number}`

/**
 * Cancels what remains of the orders that the requests mean, of their own user only, stores the keys of the requests, and moves the numbers of
 * their sessions as insertFixOrders does. A request whose key is held, or whose order is unknown or final, or that is held back, waits in fix_due.
 * Of two requests for one order the first one has it. `skipLocked`: orders that it does not wait for. Those of them that somebody else has locked are
 * answered as `locked`, and the requests for them wait in fix_due.
 */
export const cancelFixOrders = async (
  sql: Sql,
  requests: readonly NewFixRequest[],
  { now, keysFilled, skipLocked }: { now: Date; keysFilled: boolean; skipLocked: readonly string[] | 'all' },
): Promise<FixStored & { locked: ReadonlySet<string> }> => {
  const passesBy = skipLocked.length > 0
  const message = messageArrays(requests.map((request) => request.message))
  const text = (of: (request: NewFixRequest) => string | null) => textArray(requests.map(of))
  const rows = await sql<Row[]>(
    cancelText({ keysFilled, passesBy }),
    message.sessions,
    message.epochs,
    message.numbers,
    message.requests,
    text(({ key }) => key.userId),
    text(({ key }) => key.clientOrderId),
    text(({ target }) => (target !== null && 'orderId' in target ? target.orderId : null)),
    text(({ target }) => (target !== null && 'clientOrderId' in target ? target.clientOrderId : null)),
    text(({ heldBack }) => heldBack),
    text(({ reason }) => reason.code),
    text(({ reason }) => reason.text),
    text(({ cause }) => JSON.stringify(cause)),
    text(({ event }) => event.eventId),
    text(({ event }) => event.traceparent),
    ...(passesBy ? [skipLocked === 'all' ? null : textArray(skipLocked)] : []),
    now.toISOString(),
    sources,
    now.toISOString(),
  )
  return { ...storedOf(rows), locked: new Set(rows.flatMap(({ moved, id }) => (moved === null ? [id!] : []))) }
}

/**
 * What became of messages whose statement was refused, or whose answer was lost, as requestName. `due`: those that wait for an answer. `done`:
 * those that need none.
 */
export type FixOutcome = { due: ReadonlySet<string>; done: ReadonlySet<string> }

/** A message whose number its session, still of this epoch, no longer expects was done by this replica. Any other is in neither set. */
export const readFixOutcome = async (sql: Sql, messages: readonly FixMessage[]): Promise<FixOutcome> => {
  const { sessions, epochs, numbers } = messageArrays(messages)
  const rows = await sql<{ session: string; number: string; due: boolean }[]>`
    select i.session, i.number, d.in_number is not null as due
    from unnest(${sessions}::text[], ${epochs}::text[], ${numbers}::text[]) as i (session, epoch, number)
    join fix_sessions s on s.id = i.session and s.epoch = i.epoch::bigint and s.next_in > i.number::bigint
    left join fix_due d on d.session = s.id and d.series = s.series and d.in_number = i.number::bigint`
  const names = (due: boolean) =>
    new Set(
      rows.flatMap((row) =>
        row.due === due ? [requestName({ session: row.session, number: Number(row.number) })] : [],
      ),
    )
  return { due: names(true), done: names(false) }
}
