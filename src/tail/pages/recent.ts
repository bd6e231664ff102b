// The newest part of the log in memory, for who has caught up and joins the others at the head.

import type { Place } from '../../store/log.ts'
import { contains } from '../../store/snapshot.ts'
import { seenAtMost } from '../chunk.ts'
import type { Stretch } from './portions.ts'
import { indexRows, type RowIndex } from './rowIndex.ts'

/** `find`: made when somebody looks for the first time. */
type Recent = Stretch & { find: () => RowIndex }

const withIndex = (stretch: Stretch): Recent => {
  let index: RowIndex | null = null
  return { ...stretch, find: () => (index ??= indexRows(stretch.rows)) }
}

/** The newest stretches, and where they begin. */
export const createRecent = (eventsMax: number) => {
  let stretches: Recent[] = []
  let start: Place | null = null
  let events = 0
  return {
    begin(place: Place | null): void {
      stretches = []
      start = place
      events = 0
    },
    add(stretch: Stretch): void {
      stretches.push(withIndex(stretch))
      events += stretch.rows.length
      while (stretches.length > 0 && events > eventsMax) {
        const oldest = stretches.shift()!
        events -= oldest.rows.length
        start = oldest.end
      }
    },
    /** Null: it has not everything that comes after the place. */
    after: (place: Place): readonly Recent[] | null =>
      place.page === null && start?.epoch === place.epoch && contains(place.snapshot, seenAtMost(start))
        ? stretches
        : null,
  }
}
