// Orders and cancel requests of sessions of FIX: each set in one statement with the numbers of the messages that brought them. What the
// statement could not do becomes a row of fix_due there and then, so that no answer is lost with its replica.

import { doorText } from '../domain/door.ts'
import type { Cause } from '../domain/history.ts'
import { pathOf } from '../domain/order.ts'
import type { Reason } from '../domain/reason.ts'
import type { FixLease } from './fixSessions.ts'
import { noOlderOrder, type OrderKey } from './keys.ts'
import { insertArrays, type InsertOptions, type NewEvent, type NewOrder } from './orders.ts'
import { movedSessions, placeText } from './placeText.ts'
import { sparseArray, textArray, type Sql } from './sql.ts'
import { parameter, statementText } from './sqlText.ts'

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
  { epoch, keysFilled }: InsertOptions,
): Promise<FixStored & { epoch: string }> => {
  const { sessions, epochs, numbers, requests } = messageArrays(placements.map(({ message }) => message))
  const rows = await sql<(Row & { epoch: string })[]>(
    placeText('fix', keysFilled),
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

const cancelTextOf = (keysFilled: boolean) => statementText`
    with input as materialized (
      select t.*, coalesce(
          t.order_id::uuid,
          (select h.order_id from order_keys h where h.user_id = t.user_id::uuid and h.client_order_id = t.target_key)${
            keysFilled
              ? ''
              : `,
          (select older.id from orders older where older.user_id = t.user_id::uuid and older.client_order_id = t.target_key limit 1)`
          }
        ) as target
      from unnest(
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[],
        ${parameter}::text[]
      ) with ordinality as t (session, session_epoch, in_number, request, user_id, client_order_id, order_id, target_key, held_back,
                              reason_code, reason_text, cause, event_id, traceparent, ordinality)
    ), ${movedSessions}, keyed as (
      insert into order_keys (user_id, client_order_id, session)
      select i.user_id::uuid, i.client_order_id, i.session
      from lawful i
      where i.client_order_id is not null${keysFilled ? '' : ` and ${noOlderOrder}`}
      order by i.user_id, i.client_order_id, i.ordinality
      on conflict do nothing
      returning user_id, client_order_id
    ), first_of_key as materialized (
      select distinct on (i.user_id, i.client_order_id) i.session, i.in_number
      from lawful i join keyed k on k.user_id = i.user_id::uuid and k.client_order_id = i.client_order_id
      order by i.user_id, i.client_order_id, i.ordinality
    ), cancels as materialized (
      select distinct on (i.target) i.*
      from lawful i join first_of_key k on k.session = i.session and k.in_number = i.in_number
      where i.target is not null and i.held_back is null
      order by i.target, i.ordinality
    ), held as materialized (
      select o.id, o.status, o.user_id from orders o
      where o.id = any (array(select target from cancels))
      order by o.id
      for update
    ), canceled as (
      update orders o
      set status = 'CANCELED', updated_at = greatest(o.updated_at, ${parameter}::timestamptz), version = o.version + 1,
          reason_code = c.reason_code, reason_text = c.reason_text
      from held h join cancels c on c.target = h.id and c.user_id::uuid = h.user_id and h.status = any (${parameter}::text[])
      where o.id = h.id
      returning o.id, o.version, o.status, o.updated_at, o.reason_code, o.reason_text, o.filled_quantity, o.filled_notional, o.last_fill_price,
                o.ticker, o.stop_price, o.triggered_at, c.cause, c.event_id, c.traceparent, c.ordinality, c.session, c.in_number
    ), logged as (
      insert into order_changes (order_id, version, kind, at, reason_code, reason_text, cause, filled_quantity, filled_notional, last_fill_price)
      select id, version, status, updated_at, reason_code, reason_text, cause::jsonb, filled_quantity, filled_notional, last_fill_price
      from canceled order by id
    ), appended as (
      insert into outbox (event_id, kind, order_id, ticker, occurred_at, traceparent, filled_quantity, reason_code, reason_text)
      select event_id::uuid, 'CANCELLED', id, ticker, updated_at, traceparent, filled_quantity, reason_code, reason_text
      from canceled
      where stop_price is null or triggered_at is not null
      order by ordinality
    ), due as (
      insert into fix_due (session, series, in_number, reason, request, at)
      select i.session, m.series, i.in_number::bigint,
             case when k.session is null and i.client_order_id is not null then 'KNOWN_KEY' else coalesce(i.held_back, 'NOT_CANCELED') end, i.request::jsonb, ${parameter}::timestamptz
      from lawful i
      join moved m on m.id = i.session
      left join first_of_key k on k.session = i.session and k.in_number = i.in_number
      left join canceled c on c.session = i.session and c.in_number = i.in_number
      where c.session is null
    )
    select true as moved, id from moved
    union all
    select false, session || ' ' || in_number from canceled`
const cancelText = cancelTextOf(true)
const cancelTextBeforeFill = cancelTextOf(false)

export const requestName = ({ session, number }: { session: string; number: number }): string => `${session} ${number}`

/**
 * Cancels what remains of the orders that the requests mean, of their own user only, stores the keys of the requests, and moves the numbers of
 * their sessions as insertFixOrders does. A request whose key is held, or whose order is unknown or final, or that is held back, waits in fix_due.
 * Of two requests for one order the first one has it.
 */
export const cancelFixOrders = async (
  sql: Sql,
  requests: readonly NewFixRequest[],
  { now, keysFilled }: { now: Date; keysFilled: boolean },
): Promise<FixStored> => {
  const message = messageArrays(requests.map((request) => request.message))
  const text = (of: (request: NewFixRequest) => string | null) => textArray(requests.map(of))
  const rows = await sql<Row[]>(
    keysFilled ? cancelText : cancelTextBeforeFill,
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
    now.toISOString(),
    sources,
    now.toISOString(),
  )
  return storedOf(rows)
}

/** What became of messages of whose statement the answer was lost, or that was refused, as requestName. `due`: those that wait for an answer. `done`: those that need none. */
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
