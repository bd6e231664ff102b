// What was read between two places, cut into portions that are kept one by one, each with the place after it.

import type { LogRow, Place } from '../../store/log.ts'
import { contains, isVisible, join } from '../../store/snapshot.ts'
import { seenAtMost } from '../chunk.ts'

/** What was read between two places, in the order of the log; of `rows` maybe only those that concern somebody. */
export type Stretch = { start: Place; end: Place; rows: readonly LogRow[] }

/** `to`: the place after `rows`. */
export type Portion = { rows: readonly LogRow[]; to: Place }

/** The place after the row at this position amid a stretch: what comes before it in the stretch is seen too. */
const placeWithin = ({ start, end }: Stretch, after: bigint): Place => ({
  ...start,
  witness: end.witness,
  page: { end: seenAtMost(end), after },
})

/** A stretch without rows is one portion, which has none. */
export const portionsOf = (stretch: Stretch, rowsMax: number): Portion[] => {
  const { rows, end } = stretch
  const portions: Portion[] = []
  for (let i = 0; i < rows.length - rowsMax; i += rowsMax) {
    const some = rows.slice(i, i + rowsMax)
    portions.push({ rows: some, to: placeWithin(stretch, some.at(-1)!.position) })
  }
  return [...portions, { rows: rows.slice(portions.length * rowsMax), to: end }]
}

/** The place that has seen what either has. `whole`: nothing of it was read in part. */
export const joinPlaces = (whole: Place, place: Place): Place => {
  const known = (whole.witness?.xact ?? -1n) > (place.witness?.xact ?? -1n)
  return {
    ...place,
    snapshot: join(whole.snapshot, place.snapshot),
    witness: known ? whole.witness : place.witness,
    page: place.page && { ...place.page, end: join(whole.snapshot, place.page.end) },
  }
}

/** The stretch as it is for somebody at a place that may have seen some of it already, and more than its end. */
export const beyond = (place: Place, { start, end, rows }: Stretch): Stretch =>
  contains(start.snapshot, place.snapshot)
    ? { start, end, rows }
    : {
        start: joinPlaces(place, start),
        end: joinPlaces(place, end),
        rows: rows.filter(({ xact }) => !isVisible(place.snapshot, xact)),
      }
