// Reading the log from a kept place that never ages, batch after batch.
//
// A place of another epoch is of a cluster from which the tables were copied: what the place had not seen of it comes first, by the transaction
// ids of that time, then the new epoch.

import {
  beginEpoch,
  countDelta,
  readHead,
  type LogKey,
  type LogRow,
  type LogState,
  type Place,
  type RowFilter,
} from '../../store/log.ts'
import { readRestored } from '../../store/restoredLog.ts'
import type { Database, Sql } from '../../store/sql.ts'
import type { Log } from '../../telemetry/log.ts'
import { readChunk, standbyText } from '../chunk.ts'

/** Events in the order of the log, between two places. `more`: read on at once. */
export type Batch = { start: Place; rows: readonly LogRow[]; place: Place; more: boolean }

/** Each rejects if Postgres cannot be read, or is a standby. */
export type LogSource = {
  /** The database and the head of its log, in the present epoch; it is begun here if the last one is another cluster's. */
  head: () => Promise<{ state: LogState; head: LogKey | null }>
  /** The database for a place: whether the place is of it, and of the present epoch, which is begun here likewise. */
  check: (place: Place) => Promise<LogState>
  /** What comes next. `state` null: the epoch of the place is the present one. Answers null, if the place is none of this database. */
  read: (place: Place, state: LogState | null, filter: RowFilter) => Promise<Batch | null>
}

export type LogSourceOptions = {
  db: Database
  /** Rows of a batch, about: each of six sources may give as many. */
  batchMax: number
  /** Rows of each table that a read with a filter looks at. */
  looksMax: number
  log: Pick<Log, 'warn'>
}

/** The end of a page that goes through the copied rows of an earlier epoch: a snapshot that sees everything. */
const everything = { xmax: 2n ** 63n - 1n, xip: [] }
/** Sees nothing. (0 is no snapshot to Postgres, which reads this one when the tables are copied once more.) */
const beforeAll = { xmax: 1n, xip: [] }

export const isWithinRestored = ({ page }: Place): boolean => page?.end.xmax === everything.xmax

export const beginningOf = (epoch: number): Place => ({ epoch, snapshot: beforeAll, witness: null, page: null })

export const createLogSource = ({ db, batchMax, looksMax, log }: LogSourceOptions): LogSource => {
  /** Not filtered: it is small, and read once. */
  const readOld = async (place: Place, present: number): Promise<Batch> => {
    const after = isWithinRestored(place) ? place.page!.after : 0n
    const { epoch, snapshot } = place
    const rows = await db.run((sql) => readRestored(sql, { epoch, snapshot, after }, batchMax))
    const last = rows.at(-1)
    const next =
      last === undefined ? beginningOf(present) : { ...place, page: { end: everything, after: last.position } }
    return { start: place, rows, place: next, more: true }
  }

  /** Reads something that says the state of the database; once more, if an epoch has to begin first. */
  const inEpoch = async <T extends { state: LogState }>(read: (sql: Sql) => Promise<T>): Promise<T> => {
    const found = await db.run(read)
    if (found.state.standby) throw new Error(standbyText)
    if (found.state.ours) return found
    await db.run(beginEpoch)
    log.warn('the tables were copied from another cluster: an epoch of the log begins')
    return db.run(read)
  }

  return {
    head: () => inEpoch(readHead),
    check: async (place) => (await inEpoch((sql) => countDelta(sql, place, 0))).state,
    async read(place, state, filter) {
      if (state !== null && place.epoch < state.epoch) return readOld(place, state.epoch)
      const chunk = await readChunk(db, place, { filter, rowsMax: batchMax, looksMax })
      if (chunk.kind === 'standby') throw new Error(standbyText)
      if (chunk.kind === 'otherDatabase') return null
      return { start: place, rows: chunk.rows, place: chunk.end, more: !chunk.complete }
    },
  }
}
