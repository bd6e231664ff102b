// What the publisher reads: first where it goes on, then batch after batch.
//
// The place that was kept last counts. If its witness is gone, what it saw is not what this database has: an older place whose witness
// stands comes next, at the worst the beginning of the log. Events come again then, and none is left out.

import type { Place } from '../store/log.ts'
import { readPublicationPlaces } from '../store/publication.ts'
import type { Database } from '../store/sql.ts'
import { placeAtHead } from '../tail/chunk.ts'
import { decodeCursor } from '../tail/cursor.ts'
import { beginningOf, createLogSource, isWithinRestored, type Batch as SourceBatch } from '../tail/pages/source.ts'
import type { Log } from '../telemetry/log.ts'

/** Events in the order in which they are sent, and the place after them. `more`: read on at once. */
export type Batch = Omit<SourceBatch, 'start'>

export type LogReader = {
  /** Goes on from the kept place. Rejects if Postgres cannot be read, or is a standby. */
  begin: () => Promise<Batch>
  /** Rejects also if the place is none of this database any more: begin again. */
  next: (place: Place) => Promise<Batch>
}

class PlaceLost extends Error {
  override name = 'PlaceLost'
}

export type LogReaderOptions = { db: Database; batchMax: number; log: Log }

export const createLogReader = ({ db, batchMax, log }: LogReaderOptions): LogReader => {
  const source = createLogSource({ db, batchMax, looksMax: batchMax, log })
  return {
    async begin() {
      const found = await source.head()
      const places = await db.run(readPublicationPlaces)
      if (places.length === 0) {
        const place = placeAtHead(found)
        if (place === null) throw new Error('the log cannot be read here')
        log.info('the log is published from now on')
        return { rows: [], place, more: false }
      }
      for (const { number, cursor } of places) {
        const place = decodeCursor(cursor)?.place
        const batch = place === undefined ? null : await source.read(place, found.state, {})
        if (batch !== null) return batch
        log.error('a kept place of the publication is none of this database: going back, events are published again', {
          number: String(number),
        })
      }
      log.error('no kept place of the publication stands: the log is published again from its beginning')
      return { rows: [], place: beginningOf(found.state.epoch), more: true }
    },
    async next(place) {
      const state = isWithinRestored(place) ? (await source.head()).state : null
      const batch = await source.read(place, state, {})
      if (batch === null) throw new PlaceLost('the place in the log is none of this database any more')
      return batch
    },
  }
}
