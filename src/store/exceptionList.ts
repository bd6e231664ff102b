// A list of exceptions: messages that were not applied although they are about an order of ours, each with its resolution once an operator
// has dealt with it. There is one for trades (exceptions.ts) and one for reports (reportExceptions.ts).

import { textArray, type Fragment, type Sql } from './sql.ts'
import { sqlText } from './sqlText.ts'

/** What somebody did about an exception. Nothing moves the order. `resolvedAt`: ISO-8601 UTC. */
export type Resolution = { resolvedBy: string; note: string; resolvedAt: string }

/** What every exception has. Times are ISO-8601 UTC. `message`: the text as received. */
export type StoredException<Disposition> = {
  id: string
  disposition: Disposition
  reason: string
  orderId: string
  ticker: string
  recordedAt: string
  topic: string
  partition: number
  offset: number
  key: Uint8Array | null
  message: string
  resolution: Resolution | null
}

export type CommonFilter<Disposition> = {
  id: string | undefined
  orderId: string | undefined
  /** Empty: any. */
  dispositions: readonly Disposition[]
  resolved: boolean | undefined
  /** Ids below this one only. */
  before: string | undefined
}

type CommonRow<Disposition> = {
  id: string
  disposition: Disposition
  reason: string
  order_id: string
  ticker: string
  recorded_at: Date
  kafka_topic: string
  kafka_partition: number
  kafka_offset: string
  message_key: Uint8Array | null
  message: Uint8Array
  /** Null: there is no resolution. */
  resolved_by: string | null
  note: string
  resolved_at: Date
}

type NewResolution = { id: string; resolvedBy: string; note: string; now: Date }

export type ExceptionList<Exception, Filter> = {
  /** At most `limit` exceptions, newest first. */
  read: (sql: Sql, filter: Filter, limit: number) => Promise<Exception[]>
  /** How many of the newest `max` exceptions nobody has resolved. */
  countOpen: (sql: Sql, max: number) => Promise<number>
  /**
   * Stores a resolution if the exception exists and has none, and returns the exception as it is then: one statement, so that nothing can
   * fail between the two. The first resolution stands. Undefined: there is no such exception. If the exception comes without a resolution,
   * another one was stored while this statement ran, and the statement cannot see it.
   */
  resolve: (sql: Sql, resolution: NewResolution) => Promise<Exception | undefined>
}

/** `table`, `resolutions`: their names. `columns`: those of the table that no other list has, of the exception called `e`. */
type ListOptions<OwnRow, OwnFilter, Own> = {
  table: string
  resolutions: string
  columns: string
  condition: (sql: Sql, filter: OwnFilter) => Fragment
  fromRow: (row: OwnRow) => Own
}

const resolutionFromRow = ({ resolved_by, note, resolved_at }: CommonRow<unknown>): Resolution | null =>
  resolved_by === null ? null : { resolvedBy: resolved_by, note, resolvedAt: resolved_at.toISOString() }

const commonFromRow = <Disposition>(row: CommonRow<Disposition>): StoredException<Disposition> => ({
  id: row.id,
  disposition: row.disposition,
  reason: row.reason,
  orderId: row.order_id,
  ticker: row.ticker,
  recordedAt: row.recorded_at.toISOString(),
  topic: row.kafka_topic,
  partition: row.kafka_partition,
  offset: Number(row.kafka_offset),
  key: row.message_key,
  message: Buffer.from(row.message).toString(),
  resolution: resolutionFromRow(row),
})

/** `e`: the exception, `r`: its resolution. */
const commonConditions = (sql: Sql, filter: CommonFilter<string>): Fragment => sql`
  ${filter.id === undefined ? sql`true` : sql`e.id = ${filter.id}::uuid`}
  and ${filter.orderId === undefined ? sql`true` : sql`e.order_id = ${filter.orderId}::uuid`}
  and ${filter.dispositions.length === 0 ? sql`true` : sql`e.disposition = any (${textArray(filter.dispositions)}::text[])`}
  and ${filter.resolved === undefined ? sql`true` : sql`(r.exception_id is not null) = ${filter.resolved}`}
  and ${filter.before === undefined ? sql`true` : sql`e.id < ${filter.before}::uuid`}`

const commonColumns =
  'e.id, e.disposition, e.reason, e.order_id, e.ticker, e.recorded_at, e.kafka_topic, e.kafka_partition, e.kafka_offset, ' +
  'e.message_key, e.message, r.resolved_by, r.note, r.resolved_at'

/** A list of exceptions as `Own` and what every exception has. */
export const createExceptionList = <OwnRow, OwnFilter, Own, Disposition extends string>(
  options: ListOptions<OwnRow, OwnFilter, Own>,
): ExceptionList<Own & StoredException<Disposition>, OwnFilter & CommonFilter<Disposition>> => {
  type Row = OwnRow & CommonRow<Disposition>
  const { condition, fromRow } = options
  const [table, resolutions] = [sqlText([options.table]), sqlText([options.resolutions])]
  const columns = sqlText([`${commonColumns}, ${options.columns}`])
  const exceptionFromRow = (row: Row) => ({ ...fromRow(row), ...commonFromRow(row) })

  return {
    async read(sql, filter, limit) {
      const rows = await sql<Row[]>`
        select ${sql(columns)}
        from ${sql(table)} e left join ${sql(resolutions)} r on r.exception_id = e.id
        where ${commonConditions(sql, filter)} and ${condition(sql, filter)}
        order by e.id desc
        limit ${limit}::integer`
      return rows.map(exceptionFromRow)
    },
    async countOpen(sql, max) {
      const [row] = await sql<{ open: number }[]>`
        select count(*)::integer as open
        from (select id from ${sql(table)} order by id desc limit ${max}::integer) e
        where not exists (select from ${sql(resolutions)} r where r.exception_id = e.id)`
      return row!.open
    },
    async resolve(sql, { id, resolvedBy, note, now }) {
      const [row] = await sql<Row[]>`
        with stored as (
          insert into ${sql(resolutions)} (exception_id, resolved_by, note, resolved_at)
          select id, ${resolvedBy}, ${note}, ${now.toISOString()}::timestamptz from ${sql(table)} where id = ${id}::uuid
          on conflict do nothing
          returning exception_id, resolved_by, note, resolved_at
        ), r as (
          select exception_id, resolved_by, note, resolved_at from stored
          union all
          select exception_id, resolved_by, note, resolved_at from ${sql(resolutions)} where exception_id = ${id}::uuid
        )
        select ${sql(columns)}
        from ${sql(table)} e left join r on r.exception_id = e.id
        where e.id = ${id}::uuid`
      return row === undefined ? undefined : exceptionFromRow(row)
    },
  }
}
