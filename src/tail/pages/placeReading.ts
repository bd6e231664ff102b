// What one who follows the log page by page reads: where it goes on, then batch after batch, with others where that can be. A place that is none
// of this database, which only a change of it by hand brings about, leads back to the beginning of the log.

import type { PageReader } from '../../app/logPages.ts'
import type { LogState, Place } from '../../store/log.ts'
import type { Log } from '../../telemetry/log.ts'
import { haltOf, placeAtHead } from '../chunk.ts'
import { decodeCursor } from '../cursor.ts'
import type { Lanes } from '../lanes.ts'
import type { GroupReading } from './groups.ts'
import { beginningOf, type Batch, type LogSource } from './source.ts'

/** Each rejects if Postgres cannot be read; then it is tried again. */
export type PlaceReading = {
  /** The head of the log. */
  head: () => Promise<Place>
  /** The place of a kept cursor. */
  begin: (cursor: string) => Promise<Place>
  next: (place: Place) => Promise<Batch>
}

/** `lanes`: how many read at a time. `together`: reads for all who are near. */
export type ReadingParts = { source: LogSource; lanes: Lanes; together: GroupReading; log: Pick<Log, 'error'> }

/** Lanes have no limit of waiting: the number of followers has. */
const inLane = <T>(lanes: Lanes, task: () => Promise<T>): Promise<T> => lanes.run(task)!

export const createPlaceReading = (
  { source, lanes, together, log }: ReadingParts,
  { id, interest }: Pick<PageReader, 'id' | 'interest'>,
): PlaceReading => {
  const filter = { interest: { sessions: [interest.session], userIds: interest.userIds } }
  /** The place that was read from last is of the present epoch of this database. */
  let checked = false

  const beginAgain = (epoch: number): Place => {
    log.error('a kept place in the log is none of this database: the log is read again from its beginning', {
      reader: id,
    })
    return beginningOf(epoch)
  }

  /** In an epoch without any row. It was read up to where its head was before. */
  const readEmpty = async (place: Place, found: Awaited<ReturnType<LogSource['head']>>): Promise<Batch | null> => {
    const batch = await source.read(place, null, filter)
    const isEmpty = batch !== null && !batch.more && batch.place.witness === null
    return isEmpty ? { ...batch, place: placeAtHead(found) ?? batch.place } : batch
  }

  const readOn = async (place: Place): Promise<Batch | null> => {
    if (place.page !== null) return inLane(lanes, () => source.read(place, null, filter))
    const found = place.witness === null ? await inLane(lanes, source.head) : null
    return found?.head === null ? inLane(lanes, () => readEmpty(place, found)) : together(place, interest)
  }

  /** Of a place that was not read from yet. Null: it is of the present epoch of this database. */
  const readFirst = async (place: Place, state: LogState): Promise<Batch | null> => {
    if (place.epoch < state.epoch) return source.read(place, state, filter)
    if (haltOf(state, place) === null) return null
    const beginning = beginAgain(state.epoch)
    return { start: beginning, rows: [], place: beginning, more: true }
  }

  return {
    async head() {
      const place = placeAtHead(await inLane(lanes, source.head))
      if (place === null) throw new Error('the log cannot be read here')
      return place
    },
    async begin(cursor) {
      const place = decodeCursor(cursor)?.place
      return place ?? beginAgain((await inLane(lanes, source.head)).state.epoch)
    },
    async next(place) {
      if (!checked) {
        const first = await inLane(lanes, async () => readFirst(place, await source.check(place)))
        if (first !== null) return first
        checked = true
      }
      const batch = await readOn(place)
      if (batch !== null) return batch
      checked = false
      throw new Error('the place in the log is none of this database any more')
    },
  }
}
