// One chunk of the log: what comes after a place, in the order of its positions, and the place after it.
//
// A chunk ends where every change follows its predecessor. Within what one snapshot shows beyond another that is so, in the order of
// positions. A part of it is cut by transaction id; but a transaction draws its id at its first lock, so version 2 of an order can have a
// lower id than version 1. Such a cut is moved down until no version is in front of it whose predecessor is behind it.
//
// Where there is no such cut near enough, as within what one transaction wrote, the log is paged by position: up to a fixed end, which is
// the end of a transaction some reads on. Each page sorts all that lies before that end, so the end must be near, whatever waits behind it.
// A transaction that has a version whose predecessor lies behind the end counts as still running there, and comes with a later page. That
// keeps the order of whatever began after somebody had its answer: it waited for the predecessor, so it ended after the end was passed.

import {
  readDelta,
  readFiltered,
  readHead,
  readPage,
  type LogKey,
  type LogRow,
  type LogState,
  type Place,
  type RowFilter,
} from '../store/log.ts'
import { readEdge, readOrphaned, readPredecessors } from '../store/logCut.ts'
import { advance, withRunning, type Snapshot } from '../store/snapshot.ts'
import type { Database } from '../store/sql.ts'

/** `complete`: nothing else was committed when it was read. */
export type Chunk = { kind: 'chunk'; start: Place; rows: readonly LogRow[]; end: Place; complete: boolean }

/** `standby`: the server is one, so its snapshots prove nothing. `otherDatabase`: the place is none of this database. */
export type Halt = { kind: 'standby' } | { kind: 'otherDatabase'; ours: boolean }

export const standbyText = 'this server is a standby: the log is read from the primary alone'

export type ChunkLimits = {
  filter: RowFilter
  /** Rows of a chunk, about: each of six sources may give as many. */
  rowsMax: number
  /** Rows of each table that a read with a filter looks at. */
  looksMax: number
}

/** Null: the place is one of the database that was read. */
export const haltOf = (state: LogState, place: Place): Halt | null => {
  if (state.standby) return { kind: 'standby' }
  const { ours } = state
  const { witness, epoch } = place
  const stands = state.witnessed && (witness === null || witness.xact < state.snapshot.xmax)
  return ours && epoch === state.epoch && stands ? null : { kind: 'otherDatabase', ours }
}

const keyOf = ({ xact, position, history: { order } }: LogRow): LogKey => ({
  xact,
  position,
  orderId: order.id,
  version: order.version,
})

/** The one with the highest transaction id. */
const highest = (keys: readonly (LogKey | null)[]): LogKey | null =>
  keys.reduce((best, key) => (best === null || (key !== null && key.xact > best.xact) ? key : best), null)

const lowest = (ids: readonly bigint[]): bigint | null =>
  ids.reduce<bigint | null>((least, id) => (least === null || id < least ? id : least), null)

const byPosition = (a: LogRow, b: LogRow): number => (a.position < b.position ? -1 : 1)

/** The place at the head of the log; null: there are no such places here. */
export const placeAtHead = ({ state, head }: Awaited<ReturnType<typeof readHead>>): Place | null => {
  if (state.standby || !state.ours) return null
  const before = (head?.xact ?? state.epochXact) + 1n
  const snapshot = advance({ xmax: 0n, xip: [] }, state.snapshot, before)
  return { epoch: state.epoch, snapshot, witness: head, page: null }
}

type Read = { state: LogState; rows: readonly LogRow[]; mark: LogKey | null; bounded: boolean }

const readOnce = (db: Database, place: Place, { filter, rowsMax, looksMax }: ChunkLimits): Promise<Read> => {
  const armLimit = rowsMax + 1
  return db.run(async (sql) =>
    Object.keys(filter).length === 0
      ? { ...(await readDelta(sql, place, armLimit)), mark: null, bounded: false }
      : readFiltered(sql, place, { filter, looksMax, armLimit }),
  )
}

/** Each table is read by arms of its own. An order that was refused when it came in is in the first one, as every version 0. */
const tableOf = ({ history: { kind, order } }: LogRow): 'orders' | 'ingested_fills' | 'order_changes' => {
  if (order.version === 0) return 'orders'
  return kind === 'FILLED' ? 'ingested_fills' : 'order_changes'
}

/** Where a read has to be cut because an arm may have more: below this transaction. `unordered`: it cannot be cut at all. */
const cutOf = (place: Place, { rows, mark, bounded }: Read, armLimit: number): bigint | 'unordered' | null => {
  const bounds = bounded && mark !== null ? [mark.xact + 1n] : []
  const isNew = ({ xact }: LogRow) => xact >= place.snapshot.xmax
  for (const arm of Map.groupBy(rows, (row) => `${tableOf(row)} ${isNew(row)}`).values()) {
    if (arm.length < armLimit) continue
    if (!isNew(arm[0]!)) return 'unordered'
    bounds.push(arm.reduce((most, { xact }) => (xact > most ? xact : most), 0n))
  }
  return lowest(bounds)
}

const nameOf = ({ orderId, version }: Pick<LogKey, 'orderId' | 'version'>): string => `${orderId} ${version}`

/** Moves the cut down until no row below it has its predecessor above it. */
const closeUnderPredecessors = async (db: Database, rows: readonly LogRow[], cut: bigint): Promise<bigint> => {
  const below = rows.filter(({ xact }) => xact < cut)
  const xacts = new Map(rows.map((row) => [nameOf(keyOf(row)), row.xact]))
  const before = ({ orderId, version }: LogKey) => nameOf({ orderId, version: version - 1 })
  const missing = below.map(keyOf).filter((key) => key.version > 0 && !xacts.has(before(key)))
  if (missing.length > 0)
    for (const { orderId, version, xact } of await db.run((sql) => readPredecessors(sql, missing)))
      xacts.set(nameOf({ orderId, version: version - 1 }), xact)
  for (let lower = cut; ;) {
    const early = below.filter((row) => row.xact < lower && (xacts.get(before(keyOf(row))) ?? 0n) >= lower)
    const next = lowest(early.map(({ xact }) => xact))
    if (next === null) return lower
    lower = next
  }
}

type PagedPlace = Place & { page: NonNullable<Place['page']> }

/** How many reads on the end of a page is looked for, one after the other. */
const pageReads = [10, 100, 1_000]
/** Transactions that count as running at the end of a page, and how often more of them are looked for. */
const orphanedMax = 100
const closingsMax = 10

/** The same end without what has a version whose predecessor lies behind it. Null: that is too much. */
const closeEnd = async (db: Database, place: Place, end: Snapshot): Promise<Snapshot | null> => {
  let [closed, left] = [end, orphanedMax]
  for (let closings = 0; closings < closingsMax; closings++) {
    const page = { end: closed, after: 0n }
    const orphaned = await db.run((sql) => readOrphaned(sql, { ...place, page }, left + 1))
    if (orphaned.length === 0) return closed
    left -= orphaned.length
    if (left < 0) return null
    closed = withRunning(closed, orphaned)
  }
  return null
}

const pageTo = (place: Place, read: Snapshot, mark: LogKey | null): PagedPlace => {
  const witness = highest([place.witness, mark])
  const end = advance(place.snapshot, read, (witness?.xact ?? 0n) + 1n)
  return { ...place, witness, page: { end, after: 0n } }
}

/** Fixes the end up to which the log is paged; at the worst that is everything that is committed now. */
const beginPage = async (db: Database, place: Place, rowsMax: number): Promise<PagedPlace | Halt> => {
  for (const reads of pageReads) {
    const { state, mark, bounded } = await db.run((sql) => readEdge(sql, place, reads * rowsMax))
    const halt = haltOf(state, place)
    if (halt !== null) return halt
    const paged = pageTo(place, state.snapshot, mark)
    const end = bounded ? await closeEnd(db, place, paged.page.end) : paged.page.end
    if (end !== null) return { ...paged, page: { end, after: 0n } }
  }
  const { state, head } = await db.run(readHead)
  return haltOf({ ...state, witnessed: true }, place) ?? pageTo(place, state.snapshot, head)
}

/** Pages by position: for what cannot be cut by transaction, one of a hundred thousand rows, say. */
const readFirstPage = async (db: Database, place: Place, limits: ChunkLimits): Promise<Chunk | Halt> => {
  const begun = await beginPage(db, place, limits.rowsMax)
  return 'kind' in begun ? begun : readWithinPage(db, begun, limits)
}

const readWithinPage = async (
  db: Database,
  start: PagedPlace,
  { filter, rowsMax }: ChunkLimits,
): Promise<Chunk | Halt> => {
  const { state, rows } = await db.run((sql) => readPage(sql, start, { filter, limit: rowsMax + 1 }))
  const halt = haltOf(state, start)
  if (halt !== null) return halt
  const { page } = start
  const chunk = { kind: 'chunk', start, complete: false } as const
  if (rows.length <= rowsMax)
    return { ...chunk, rows: rows.toSorted(byPosition), end: { ...start, snapshot: page.end, page: null } }
  const some = rows.toSorted(byPosition).slice(0, rowsMax)
  return { ...chunk, rows: some, end: { ...start, page: { ...page, after: some.at(-1)!.position } } }
}

/** Reads one chunk. Rejects if Postgres cannot be read. */
export const readChunk = async (db: Database, place: Place, limits: ChunkLimits): Promise<Chunk | Halt> => {
  if (place.page !== null) return readWithinPage(db, { ...place, page: place.page }, limits)
  const read = await readOnce(db, place, limits)
  const { state, rows, mark } = read
  const halt = haltOf(state, place)
  if (halt !== null) return halt
  const witness = highest([place.witness, mark, ...rows.map(keyOf)])
  const chunk = { kind: 'chunk', start: place } as const
  const endAt = (before: bigint): Place => ({
    ...place,
    witness,
    snapshot: advance(place.snapshot, state.snapshot, before),
  })
  const cut = cutOf(place, read, limits.rowsMax + 1)
  if (cut === 'unordered') return readFirstPage(db, place, limits)
  if (cut === null) {
    const read = (witness?.xact ?? 0n) + 1n
    const { xmax } = place.snapshot
    return { ...chunk, rows: rows.toSorted(byPosition), end: endAt(read > xmax ? read : xmax), complete: true }
  }
  const before = await closeUnderPredecessors(db, rows, cut)
  const some = rows.filter(({ xact }) => xact < before).toSorted(byPosition)
  const moved = before > place.snapshot.xmax || some.length > 0
  return moved ? { ...chunk, rows: some, end: endAt(before), complete: false } : readFirstPage(db, place, limits)
}

/** What is seen for certain at a place: a page may have been read in part. */
export const seenFully = ({ snapshot }: Place): Snapshot => snapshot

/** What is seen at a place at most. */
export const seenAtMost = ({ snapshot, page }: Place): Snapshot => page?.end ?? snapshot
