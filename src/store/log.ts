// The log as readers follow it: what was committed since a place. Every function is one statement (logText.ts) on the primary.

import { doorText } from '../domain/door.ts'
import type { HistoryEvent } from '../domain/history.ts'
import { historyFromRow, type HistoryRow } from './historyRows.ts'
import { countText, deltaText, filteredText, pageText, startText } from './logText.ts'
import { parseSnapshot, writeSnapshot, type Snapshot } from './snapshot.ts'
import { textArray, type Sql } from './sql.ts'

/** A row of the log, by all that names it. */
export type LogKey = { xact: bigint; position: bigint; orderId: string; version: number }

/**
 * How far somebody has read. `witness`: the row with the highest transaction id that was read, which proves that a database is the one that
 * was read; null while the log was empty. `page`: of what is visible in `end` and not in `snapshot`, positions up to `after` were read too.
 */
export type Place = {
  epoch: number
  snapshot: Snapshot
  witness: LogKey | null
  page: { end: Snapshot; after: bigint } | null
}

/** A member that is left out: any. */
export type LogFilter = { userId?: string; ticker?: string; orderId?: string }

/** Events of orders that came through these sessions of FIX, of orders of these users, and what the sessions did to orders of others. */
type LogInterest = { sessions: readonly string[]; userIds: readonly string[] }

/** `interest` absent: everybody's. */
export type RowFilter = LogFilter & { interest?: LogInterest }

export type LogRow = { history: HistoryEvent; xact: bigint; position: bigint }

/**
 * The database as the statement saw it. `ours`: the last epoch was begun in this cluster, so transaction ids mean something here.
 * `witnessed`: the witness of the place stands, or it has none.
 */
export type LogState = {
  snapshot: Snapshot
  standby: boolean
  epoch: number
  epochXact: bigint
  ours: boolean
  witnessed: boolean
}

export type StateRow = {
  snapshot: string
  standby: boolean
  epoch: number
  epoch_xact: string
  ours: boolean
  witnessed: boolean
}
type EventRow = HistoryRow & { xact: string; position: string }
export type MarkRow = {
  mark_xact: string | null
  mark_position: string
  mark_order_id: string
  mark_version: number
}

/** Without any row of log_epochs, nobody has begun an epoch here. */
const noEpoch: LogState = {
  snapshot: { xmax: 0n, xip: [] },
  standby: false,
  epoch: 0,
  epochXact: 0n,
  ours: false,
  witnessed: false,
}

export const stateOf = (row: StateRow | undefined): LogState =>
  row === undefined
    ? noEpoch
    : {
        snapshot: parseSnapshot(row.snapshot)!,
        standby: row.standby,
        epoch: row.epoch,
        epochXact: BigInt(row.epoch_xact),
        ours: row.ours,
        witnessed: row.witnessed,
      }

const rowOf = (row: EventRow): LogRow => ({
  history: historyFromRow(row),
  xact: BigInt(row.xact),
  position: BigInt(row.position),
})

/** There is one row at least, that of the state; it has no event if there is none. */
const rowsOf = (rows: readonly (EventRow | { order_id: null })[]): LogRow[] =>
  rows.filter((row): row is EventRow => row.order_id !== null).map(rowOf)

export const markOf = (row: MarkRow | undefined): LogKey | null =>
  row === undefined || row.mark_xact === null
    ? null
    : {
        xact: BigInt(row.mark_xact),
        position: BigInt(row.mark_position),
        orderId: row.mark_order_id,
        version: row.mark_version,
      }

export const placeParameters = ({ snapshot, witness }: Pick<Place, 'snapshot' | 'witness'>) => [
  String(snapshot.xmax),
  textArray(snapshot.xip.map(String)),
  witness === null ? null : String(witness.xact),
  witness === null ? null : String(witness.position),
  witness?.orderId ?? null,
  witness?.version ?? null,
]

const filterParameters = ({ userId, ticker, orderId, interest }: RowFilter) => [
  userId ?? null,
  ticker ?? null,
  orderId ?? null,
  interest === undefined ? null : textArray(interest.sessions),
  interest === undefined ? null : textArray(interest.sessions.map((session) => doorText({ kind: 'fix', session }))),
  interest === undefined ? null : textArray(interest.userIds),
]

/** How many arms a read of the delta has: two for each table. */
const armCount = 6

const nothingSeen = { snapshot: { xmax: 0n, xip: [] }, witness: null }

/** The head of the log: its row with the highest transaction id; null if there is none in this epoch. */
export const readHead = async (sql: Sql): Promise<{ state: LogState; head: LogKey | null }> => {
  const [row] = await sql<(StateRow & MarkRow)[]>(startText, ...placeParameters(nothingSeen))
  return { state: stateOf(row), head: markOf(row) }
}

/**
 * What the place has not seen. Each arm gives at most `armLimit` rows, those above the snapshot by transaction; an arm that gives as many
 * may have more.
 */
export const readDelta = async (
  sql: Sql,
  place: Place,
  armLimit: number,
): Promise<{ state: LogState; rows: LogRow[] }> => {
  const rows = await sql<(StateRow & EventRow)[]>(
    deltaText,
    ...placeParameters(place),
    ...Array<number>(armCount).fill(armLimit),
  )
  return { state: stateOf(rows[0]), rows: rowsOf(rows) }
}

/**
 * The same for the events that pass `filter`. `mark`: how far it looked, the whole transaction of that row included, if `bounded`; else it
 * looked at everything, and `mark` is the head of the log (null if there is none).
 */
export const readFiltered = async (
  sql: Sql,
  place: Place,
  { filter, looksMax, armLimit }: { filter: RowFilter; looksMax: number; armLimit: number },
): Promise<{ state: LogState; rows: LogRow[]; mark: LogKey | null; bounded: boolean }> => {
  const rows = await sql<(StateRow & MarkRow & EventRow & { bounded: boolean | null })[]>(
    filteredText,
    ...placeParameters(place),
    ...filterParameters(filter),
    looksMax,
    looksMax,
    looksMax,
    ...Array<number>(armCount).fill(armLimit),
  )
  const [first] = rows
  return { state: stateOf(first), rows: rowsOf(rows), mark: markOf(first), bounded: first?.bounded ?? false }
}

/** What lies between the place and its `page.end`, by position, after `page.after`; at most `limit` rows. */
export const readPage = async (
  sql: Sql,
  place: Place & { page: NonNullable<Place['page']> },
  { filter, limit }: { filter: RowFilter; limit: number },
): Promise<{ state: LogState; rows: LogRow[] }> => {
  const rows = await sql<(StateRow & EventRow)[]>(
    pageText,
    ...placeParameters(place),
    ...filterParameters(filter),
    writeSnapshot(place.page.end),
    String(place.page.after),
    limit,
  )
  return { state: stateOf(rows[0]), rows: rowsOf(rows) }
}

/** How many rows the place has not seen, whatever their order; counted up to `max`. */
export const countDelta = async (sql: Sql, place: Place, max: number): Promise<{ state: LogState; behind: number }> => {
  const [row] = await sql<(StateRow & { behind: string })[]>(countText, ...placeParameters(place), max)
  return { state: stateOf(row), behind: Number(row?.behind ?? 0) }
}

/**
 * Begins an epoch if the last one is not of this cluster: then the tables were copied from another one, whose transaction ids mean nothing
 * here. Positions up to the present one belong to what was before. Idempotent; of several readers at a time one succeeds.
 */
export const beginEpoch = async (sql: Sql): Promise<void> => {
  await sql`
    insert into log_epochs (epoch, floor)
    select coalesce(max(p.epoch), 0) + 1, (select case when is_called then last_value else 0 end from log_position)
    from log_epochs p
    having not coalesce(bool_or(p.xmin::text::numeric = mod(p.xact::text::numeric, 4294967296))
                          filter (where p.epoch = (select max(epoch) from log_epochs)), false)
    on conflict do nothing`
}
