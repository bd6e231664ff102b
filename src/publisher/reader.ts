// What the publisher reads: first where it goes on, then batch after batch.
//
// The place that was kept last counts. If its witness is gone, what it saw is not what this database has: an older place whose witness
// stands comes next, at the worst the beginning of the log. Events come again then, and none is left out. If the tables were copied from
// another cluster, its epoch is over: what the place had not seen of it comes first, by the transaction ids of that time, then the new epoch.

import { beginEpoch, readHead, type LogRow, type LogState, type Place } from '../store/log.ts'
import { readPublicationPlaces } from '../store/publication.ts'
import { readRestored } from '../store/restoredLog.ts'
import type { Database } from '../store/sql.ts'
import { placeAtHead, readChunk } from '../tail/chunk.ts'
import { decodeCursor } from '../tail/cursor.ts'
import type { Log } from '../telemetry/log.ts'

/** Events in the order in which they are sent, and the place after them. `more`: read on at once. */
export type Batch = { rows: readonly LogRow[]; place: Place; more: boolean }

export type LogReader = {
  /** Goes on from the kept place. Rejects if Postgres cannot be read, or is a standby. */
  begin: () => Promise<Batch>
  /** Rejects also if the place is none of this database any more: begin again. */
  next: (place: Place) => Promise<Batch>
}

class PlaceLost extends Error {
  override name = 'PlaceLost'
}

/** The end of a page that goes through the copied rows of an earlier epoch: a snapshot that sees everything. */
const everything = { xmax: 2n ** 63n - 1n, xip: [] }
/** Sees nothing. (0 is no snapshot to Postgres, which reads this one when the tables are copied once more.) */
const beforeAll = { xmax: 1n, xip: [] }

const isWithinRestored = ({ page }: Place): boolean => page?.end.xmax === everything.xmax

export type LogReaderOptions = { db: Database; batchMax: number; log: Log }

export const createLogReader = ({ db, batchMax, log }: LogReaderOptions): LogReader => {
  const limits = { filter: {}, rowsMax: batchMax, looksMax: batchMax }

  const beginningOf = (epoch: number): Place => ({ epoch, snapshot: beforeAll, witness: null, page: null })

  const restored = async (place: Place, present: number): Promise<Batch> => {
    const after = isWithinRestored(place) ? place.page!.after : 0n
    const { epoch, snapshot } = place
    const rows = await db.run((sql) => readRestored(sql, { epoch, snapshot, after }, batchMax))
    const last = rows.at(-1)
    const next =
      last === undefined ? beginningOf(present) : { ...place, page: { end: everything, after: last.position } }
    return { rows, place: next, more: true }
  }

  /** Null: the place is none of this database. */
  const read = async (place: Place, state: LogState | null): Promise<Batch | null> => {
    if (state !== null && place.epoch < state.epoch) return restored(place, state.epoch)
    const chunk = await readChunk(db, place, limits)
    if (chunk.kind === 'standby') throw new Error('this server is a standby: the log is read from the primary alone')
    if (chunk.kind === 'otherDatabase') return null
    return { rows: chunk.rows, place: chunk.end, more: !chunk.complete }
  }

  /** The present epoch, begun here if the last one is another cluster's. */
  const readState = async () => {
    const found = await db.run(readHead)
    if (found.state.standby || found.state.ours) return found
    await db.run(beginEpoch)
    log.warn('the tables were copied from another cluster: an epoch of the log begins')
    return db.run(readHead)
  }

  return {
    async begin() {
      const found = await readState()
      const places = await db.run(readPublicationPlaces)
      if (places.length === 0) {
        const place = placeAtHead(found)
        if (place === null) throw new Error('the log cannot be read here: this server is a standby')
        log.info('the log is published from now on')
        return { rows: [], place, more: false }
      }
      for (const { number, cursor } of places) {
        const place = decodeCursor(cursor)?.place
        const batch = place === undefined ? null : await read(place, found.state)
        if (batch !== null) return batch
        log.error('a kept place of the publication is none of this database: going back, events are published again', {
          number: String(number),
        })
      }
      log.error('no kept place of the publication stands: the log is published again from its beginning')
      return { rows: [], place: beginningOf(found.state.epoch), more: true }
    },
    async next(place) {
      const state = isWithinRestored(place) ? (await db.run(readHead)).state : null
      const batch = await read(place, state)
      if (batch === null) throw new PlaceLost('the place in the log is none of this database any more')
      return batch
    },
  }
}
