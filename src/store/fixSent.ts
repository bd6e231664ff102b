// What was sent in sessions of FIX, by number, and what is still to be answered. Every statement that gives numbers moves the session in the
// same statement, so a number is given once, and what has one is kept.

import { doorOf, type Door } from '../domain/door.ts'
import type { HistoryEvent } from '../domain/history.ts'
import type { FixLease, SessionPlace } from './fixSessions.ts'
import {
  acceptanceColumns,
  changeColumns,
  fillColumns,
  historyFromRow,
  orderOfEventColumns,
  type HistoryRow,
} from './historyRows.ts'
import { textArray, type Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'

/** A message that waits for its answer: its number, and of which series. */
type DueKey = { series: string; number: number }

/**
 * A step of a session that changes no order. `attempt`: an id of this step, the same when it is tried again. `nextIn`: the number to expect
 * from now on; `expected`: that which has to be expected until then. `out`: the messages to send; null: one of the session itself, whose
 * body nobody needs again. `answered`: messages that waited for an answer, which is among `out`.
 */
export type FixStep = FixLease & {
  attempt: string
  expected?: number
  nextIn?: number
  out: readonly (Uint8Array | null)[]
  answered?: readonly DueKey[]
  at: Date
}

/**
 * Takes the step; answers the number of the first message of `out` (the next one, if there is none). Null: nothing was done. Then the
 * session is another's, or expects another number, or one of `answered` waits no more, or this attempt was made before: readFixSession tells.
 */
export const advanceFixSession = async (sql: Sql, step: FixStep): Promise<number | null> => {
  const { session, epoch, attempt, expected, nextIn, out, answered = [], at } = step
  const [row] = await sql<{ first: string }[]>`
    with dues as materialized (
      select d.session, d.series, d.in_number from fix_due d
      join unnest(${textArray(answered.map(({ series }) => series))}::text[], ${textArray(answered.map(({ number }) => String(number)))}::text[]) as a (series, in_number)
        on d.series = a.series::bigint and d.in_number = a.in_number::bigint
      where d.session = ${session}::text
      for update of d
    ), moved as (
      update fix_sessions s
      set next_in = coalesce(${nextIn ?? null}::bigint, s.next_in), next_out = s.next_out + ${out.length}::bigint,
          attempt = ${attempt}::uuid, attempt_out = s.next_out
      where s.id = ${session}::text and s.epoch = ${epoch}::bigint and s.attempt is distinct from ${attempt}::uuid
        and s.next_in = coalesce(${expected ?? null}::bigint, s.next_in)
        and (select count(*) from dues) = ${answered.length}::bigint
      returning s.id, s.series, s.attempt_out
    ), sent as (
      insert into fix_sent (session, series, number, body, at)
      select m.id, m.series, m.attempt_out + o.ordinality - 1, decode(o.body, 'hex'), ${at.toISOString()}::timestamptz
      from moved m, unnest(${textArray(out.map((body) => (body === null ? null : Buffer.from(body).toString('hex'))))}::text[]) with ordinality as o (body, ordinality)
      where o.body is not null
    ), answered as (
      delete from fix_due d using moved m, dues a
      where d.session = m.id and d.series = a.series and d.in_number = a.in_number
    )
    select attempt_out as first from moved`
  return row === undefined ? null : Number(row.first)
}

/** A page of the log to report in a session: from the place `from` (null: none was kept) to `to`. `events`: those that the session reports, in order. */
export type FixReports = FixLease & {
  attempt: string
  from: SessionPlace | null
  to: SessionPlace
  events: readonly { orderId: string; version: number }[]
  at: Date
}

/** The number of a report of this version of this order. */
export type NumberedReport = { orderId: string; version: number; number: number }

type ReportRow = { order_id: string; version: number; number: string }
const reportOf = (row: ReportRow): NumberedReport => ({
  orderId: row.order_id,
  version: row.version,
  number: Number(row.number),
})

const eventArrays = (pages: readonly FixReports[]) => {
  const events = pages.flatMap(({ session, events }, i) => events.map((event) => ({ ...event, session, page: i + 1 })))
  return {
    ofPages: textArray(events.map(({ page }) => String(page))),
    ofSessions: textArray(events.map(({ session }) => session)),
    orders: textArray(events.map(({ orderId }) => orderId)),
    versions: textArray(events.map(({ version }) => String(version))),
  }
}

/**
 * Gives numbers to the events of pages that were not reported yet, each page in order, and keeps the new places: one page a session, many sessions
 * a statement. Answers the new reports of each page. Null: nothing was done for this page. Then its session is another's, or stands at
 * another place, or this attempt was made before: readFixSession tells, then readAttempted.
 */
export const reportInFixSessions = async (
  sql: Sql,
  pages: readonly FixReports[],
): Promise<(NumberedReport[] | null)[]> => {
  const text = (of: (page: FixReports) => string | null) => textArray(pages.map(of))
  const { ofPages, ofSessions, orders, versions } = eventArrays(pages)
  const rows = await sql<({ page: string } & (ReportRow | { order_id: null }))[]>`
    with pages as materialized (
      select p.* from unnest(
        ${text(({ session }) => session)}::text[],
        ${text(({ epoch }) => epoch)}::text[],
        ${text(({ attempt }) => attempt)}::text[],
        ${text(({ from }) => from?.cursor ?? null)}::text[],
        ${text(({ to }) => String(to.logEpoch))}::text[],
        ${text(({ to }) => to.cursor)}::text[],
        ${text(({ at }) => at.toISOString())}::text[]
      ) with ordinality as p (session, epoch, attempt, known, log_epoch, cursor, at, page)
    ), fresh as materialized (
      select i.page, i.order_id::uuid as order_id, i.version::integer as version,
             row_number() over (partition by i.page order by i.ordinality) as n
      from unnest(${ofPages}::text[], ${ofSessions}::text[], ${orders}::text[], ${versions}::text[])
        with ordinality as i (page, session, order_id, version, ordinality)
      where not exists (
        select from fix_sent f where f.session = i.session and f.order_id = i.order_id::uuid and f.version = i.version::integer
      )
    ), held as materialized (
      select s.id, s.epoch, s.attempt, s.cursor from fix_sessions s
      where s.id = any (array(select session from pages))
      order by s.id
      for update
    ), moved as (
      update fix_sessions s
      set next_out = s.next_out + (select count(*) from fresh f where f.page = p.page::text), attempt = p.attempt::uuid,
          attempt_out = s.next_out, log_epoch = p.log_epoch::integer, cursor = p.cursor
      from held h
      join pages p on p.session = h.id and p.epoch::bigint = h.epoch
        and h.attempt is distinct from p.attempt::uuid and h.cursor is not distinct from p.known
      where s.id = h.id
      returning p.page, p.at, s.id, s.series, s.attempt_out
    ), sent as (
      insert into fix_sent (session, series, number, order_id, version, at)
      select m.id, m.series, m.attempt_out + f.n - 1, f.order_id, f.version, m.at::timestamptz
      from moved m
      join fresh f on f.page = m.page::text
      returning session, order_id, version, number
    )
    select m.page, s.order_id, s.version, s.number from moved m left join sent s on s.session = m.id order by s.number`
  const given = new Map<number, NumberedReport[]>()
  for (const row of rows) {
    const reports = given.get(Number(row.page)) ?? []
    given.set(Number(row.page), reports)
    if (row.order_id !== null) reports.push(reportOf(row))
  }
  return pages.map((_, i) => given.get(i + 1) ?? null)
}

/** The reports that an attempt numbered whose answer was lost: those of `events` that have numbers from `first` on. */
export const readAttempted = async (
  sql: Sql,
  { session, events }: Pick<FixReports, 'session' | 'events'>,
  { series, first }: { series: string; first: number },
): Promise<NumberedReport[]> => {
  const rows = await sql<ReportRow[]>`
    select f.order_id, f.version, f.number
    from unnest(${textArray(events.map(({ orderId }) => orderId))}::text[],
                ${textArray(events.map(({ version }) => String(version)))}::text[]) as i (order_id, version)
    join fix_sent f on f.session = ${session}::text and f.order_id = i.order_id::uuid and f.version = i.version::integer
    where f.series = ${series}::bigint and f.number >= ${first}::bigint
    order by f.number`
  return rows.map(reportOf)
}

/** What was sent under a number: its body, or the event that it reported. A number that is missing was a message of the session itself. */
export type SentMessage = { number: number; at: Date } & ({ body: Uint8Array } | { event: HistoryEvent })

type SentRow = { number: string; sent_at: Date; body: Uint8Array | null } & (HistoryRow | { order_id: null })

const fields = sqlText([orderOfEventColumns])
const acceptance = sqlText([acceptanceColumns])
const fill = sqlText([fillColumns])
const change = sqlText([changeColumns])

/** What was sent in the present series, by number: at most `limit` rows from `from` to `to`. Fewer: there are no more up to `to`. */
export const readSent = async (
  sql: Sql,
  { session, from, to, limit }: { session: string; from: number; to: number; limit: number },
): Promise<SentMessage[]> => {
  const rows = await sql<SentRow[]>`
    select r.number, r.at as sent_at, r.body, e.*, ${sql(fields)}
    from (
      select * from fix_sent f
      where f.session = ${session}::text and f.series = (select s.series from fix_sessions s where s.id = ${session}::text)
        and f.number >= ${from}::bigint and f.number <= ${to}::bigint
      order by f.number
      limit ${limit}::integer
    ) r
    left join orders o on o.id = r.order_id
    left join lateral (
      select ${sql(acceptance)} from orders a where a.id = r.order_id and r.version = 0
      union all
      select ${sql(fill)} from ingested_fills f where f.order_id = r.order_id and f.order_version = r.version
      union all
      select ${sql(change)} from order_changes c where c.order_id = r.order_id and c.version = r.version
    ) e on true
    order by r.number`
  return rows.map((row) => ({
    number: Number(row.number),
    at: row.sent_at,
    ...(row.order_id === null ? { body: row.body! } : { event: historyFromRow(row) }),
  }))
}

/** `reason`: why the message was not simply done. `request`: what it asked for, as JSON. */
export type DueMessage = DueKey & { reason: string; request: string; at: Date }

/** The messages of a session that wait for an answer, of whatever series, oldest first. */
export const readDueMessages = async (sql: Sql, session: string, limit: number): Promise<DueMessage[]> => {
  const rows = await sql<{ series: string; in_number: string; reason: string; request: string; at: Date }[]>`
    select d.series, d.in_number, d.reason, d.request::text as request, d.at from fix_due d
    where d.session = ${session}::text
    order by d.session, d.series, d.in_number
    limit ${limit}::integer`
  return rows.map(({ in_number, ...row }) => ({ ...row, number: Number(in_number) }))
}

/** The door through which an order came; null: HTTP. */
export const readDoor = async (sql: Sql, orderId: string): Promise<Door | null> => {
  const [row] = await sql<{ origin: string | null }[]>`select o.origin from orders o where o.id = ${orderId}::uuid`
  return doorOf(row?.origin ?? null)
}
