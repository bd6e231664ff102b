// What one who follows the log page by page reads by itself: where it goes on, then batch after batch. A place that is none of this database,
// which only a change of it by hand brings about, leads back to the beginning of the log.

import type { PageReader } from '../../app/logPages.ts'
import type { Place } from '../../store/log.ts'
import type { Log } from '../../telemetry/log.ts'
import { placeAtHead } from '../chunk.ts'
import { decodeCursor } from '../cursor.ts'
import { beginningOf, isWithinRestored, type Batch, type LogSource } from './source.ts'

/** Each rejects if Postgres cannot be read; then it is tried again. */
export type PlaceReading = {
  /** The head of the log. */
  head: () => Promise<Place>
  /** The place of a kept cursor. */
  begin: (cursor: string) => Promise<Place>
  next: (place: Place) => Promise<Batch>
}

type Parts = { source: LogSource; log: Pick<Log, 'error'> }

export const createPlaceReading = (
  { source, log }: Parts,
  { id, interest }: Pick<PageReader, 'id' | 'interest'>,
): PlaceReading => {
  /** The place that was read from last is of the present epoch of this database. */
  let checked = false

  const beginAgain = (epoch: number): Place => {
    log.error('a kept place in the log is none of this database: the log is read again from its beginning', {
      reader: id,
    })
    return beginningOf(epoch)
  }

  return {
    async head() {
      const place = placeAtHead(await source.head())
      if (place === null) throw new Error('the log cannot be read here')
      return place
    },
    async begin(cursor) {
      const place = decodeCursor(cursor)?.place
      return place ?? beginAgain((await source.head()).state.epoch)
    },
    async next(place) {
      const isPlain = checked && place.witness !== null && !isWithinRestored(place)
      const found = isPlain ? null : await source.head()
      const batch = await source.read(place, found?.state ?? null, { interest })
      const wasChecked = checked
      checked = batch !== null
      if (batch === null) {
        if (wasChecked || found === null) throw new Error('the place in the log is none of this database any more')
        const beginning = beginAgain(found.state.epoch)
        return { start: beginning, rows: [], place: beginning, more: true }
      }
      // An epoch without any row has been read up to where its head was before.
      const isEmpty = found !== null && !batch.more && batch.place.witness === null
      return isEmpty ? { ...batch, place: placeAtHead(found) ?? batch.place } : batch
    },
  }
}
