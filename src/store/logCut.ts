// Where the log can be cut by transaction: so many rows on from a place, and with no version before the cut whose predecessor is behind it.

import {
  markOf,
  placeParameters,
  stateOf,
  type LogKey,
  type LogState,
  type MarkRow,
  type Place,
  type StateRow,
} from './log.ts'
import { mark, markColumns, state, stateColumns } from './logText.ts'
import { writeSnapshot } from './snapshot.ts'
import { textArray, type Sql } from './sql.ts'
import { parameter, statementText } from './sqlText.ts'

/** Parameters: the place, then three times the number of rows. */
const edgeText = statementText`
    select ${stateColumns}, ${markColumns}, m.bounded
    from ${state}
    ${mark}`

/**
 * How far it is to read so many rows of a table, on from the place. `mark`: the row there, if `bounded`; else no table has so many, and it
 * is the head of the log (null if there is none).
 */
export const readEdge = async (
  sql: Sql,
  place: Place,
  rows: number,
): Promise<{ state: LogState; mark: LogKey | null; bounded: boolean }> => {
  const [row] = await sql<(StateRow & MarkRow & { bounded: boolean | null })[]>(
    edgeText,
    ...placeParameters(place),
    rows,
    rows,
    rows,
  )
  return { state: stateOf(row), mark: markOf(row), bounded: row?.bounded ?? false }
}

/** Positions of this epoch lie above it. The rows of earlier ones come before everything that a reader of this one sees. */
const floor = '(select floor from log_epochs order by epoch desc limit 1)'

/** The row of the version before that of `r`, in whichever of the three tables it is. */
const predecessor = `left join orders a on a.id = r.order_id and r.version = 1
    left join ingested_fills p on p.order_id = r.order_id and p.order_version = r.version - 1
    left join order_changes q on q.order_id = r.order_id and q.version = r.version - 1`
const predecessorXact = 'coalesce(a.xact, p.xact, q.xact)'
const predecessorPosition = 'coalesce(a.position, p.position, q.position)'

/** Parameters: ids of orders, versions. */
const predecessorsText = statementText`
    select r.order_id, r.version::integer as version, ${predecessorXact} as xact
    from unnest(${parameter}::text[]::uuid[], ${parameter}::text[]::integer[]) as r (order_id, version)
    ${predecessor}
    where ${predecessorPosition} > ${floor}`

/** For versions of orders that are in the log: the transaction that wrote the version before, where that is in this epoch of the log too. */
export const readPredecessors = async (
  sql: Sql,
  versions: readonly { orderId: string; version: number }[],
): Promise<{ orderId: string; version: number; xact: bigint }[]> => {
  const rows = await sql<{ order_id: string; version: number; xact: string }[]>(
    predecessorsText,
    textArray(versions.map(({ orderId }) => orderId)),
    textArray(versions.map(({ version }) => String(version))),
  )
  return rows.map(({ order_id: orderId, version, xact }) => ({ orderId, version, xact: BigInt(xact) }))
}

const arms = (columns: string, from: string, t: string): string => {
  const arm = `select ${columns}, ${t}.xact from ${from} ${t}
        where ${t}.xact > '3' and ${t}.position > w.floor and pg_visible_in_snapshot(${t}.xact, w.seen)`
  return `(${arm} and ${t}.xact >= w.past and ${t}.xact < pg_snapshot_xmax(w.seen))
      union all
      (${arm} and ${t}.xact = any (w.running))`
}

/** Acceptances have no predecessor. Parameters: the past and the running transactions of the place, a snapshot, and a limit. */
const orphanedText = statementText`
    select distinct r.xact
    from (
      select ${parameter}::text::xid8 as past, ${parameter}::text[]::xid8[] as running, ${parameter}::text::pg_snapshot as seen,
             ${floor} as floor
    ) w
    cross join lateral (
      ${arms('f.order_id, f.order_version as version', 'ingested_fills', 'f')}
      union all
      ${arms('c.order_id, c.version', 'order_changes', 'c')}
    ) r
    ${predecessor}
    where ${predecessorPosition} > w.floor and not pg_visible_in_snapshot(${predecessorXact}, w.seen)
    limit ${parameter}::integer`

/**
 * Of what lies between the place and its `page.end`: the transactions that wrote a version whose predecessor lies behind that end. At most
 * `limit` of them, in no order.
 */
export const readOrphaned = async (
  sql: Sql,
  { snapshot, page }: Place & { page: NonNullable<Place['page']> },
  limit: number,
): Promise<bigint[]> => {
  const rows = await sql<{ xact: string }[]>(
    orphanedText,
    String(snapshot.xmax),
    textArray(snapshot.xip.map(String)),
    writeSnapshot(page.end),
    limit,
  )
  return rows.map(({ xact }) => BigInt(xact))
}
