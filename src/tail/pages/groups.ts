// Reads for those who are behind. Whoever waits for a lane while others are near is served by one read for all of them: after a restart a
// thousand come back at once, and each would else read the same part of the log.

import type { PageInterest } from '../../app/logPages.ts'
import type { Place } from '../../store/log.ts'
import { meet } from '../../store/snapshot.ts'
import type { Lanes } from '../lanes.ts'
import { beyond } from './portions.ts'
import { indexRows } from './rowIndex.ts'
import type { Batch, LogSource } from './source.ts'

/** What comes after a place that is whole and of the present epoch; null: the place is none of this database. Rejects as LogSource does. */
export type GroupReading = (place: Place, interest: PageInterest) => Promise<Batch | null>

/** `filtered`: for what concerns a few. `whole`: for everything. */
type GroupSources = { filtered: LogSource; whole: LogSource }

type Waiting = { place: Place; interest: PageInterest } & PromiseWithResolvers<Batch | null>

/** Rows between two who are near: a read looks at more. */
const nearRows = 10_000n
/** With more members a read takes everything, rather than to compare each row with each of them. */
const filteredMax = 50

const rowOf = ({ witness }: Place): bigint => witness?.position ?? 0n

const distance = (a: Place, b: Place): bigint => {
  const rows = rowOf(a) - rowOf(b)
  return rows < 0n ? -rows : rows
}

/** A place that has seen what all have seen. Its witness is the oldest: all were there when it was. */
const commonPlace = (places: readonly Place[]): Place =>
  places.reduce((a, b) => ({ ...(rowOf(a) < rowOf(b) ? a : b), snapshot: meet(a.snapshot, b.snapshot) }))

const unionOf = (members: readonly Waiting[]) => ({
  sessions: members.map(({ interest }) => interest.session),
  userIds: [...new Set(members.flatMap(({ interest }) => interest.userIds))],
})

const readFor = async ({ filtered, whole }: GroupSources, members: readonly Waiting[]): Promise<void> => {
  const start = commonPlace(members.map(({ place }) => place))
  const batch = await (members.length > filteredMax
    ? whole.read(start, null, {})
    : filtered.read(start, null, { interest: unionOf(members) }))
  const find = indexRows(batch?.rows ?? [])
  for (const { place, interest, resolve } of members)
    if (batch === null) resolve(null)
    else {
      const own = beyond(place, { start: batch.start, end: batch.place, rows: find(interest) })
      resolve({ start: own.start, rows: own.rows, place: own.end, more: batch.more })
    }
}

export const createGroupReading = (sources: GroupSources, lanes: Lanes): GroupReading => {
  const waiting: Waiting[] = []

  const takeGroup = (): Waiting[] => {
    const [first] = waiting
    if (first === undefined) return []
    const isNear = ({ place }: Waiting): boolean =>
      place.epoch === first.place.epoch && distance(place, first.place) <= nearRows
    const members = waiting.filter(isNear)
    waiting.splice(0, waiting.length, ...waiting.filter((one) => !isNear(one)))
    return members
  }

  const serve = async (): Promise<void> => {
    const members = takeGroup()
    if (members.length === 0) return
    try {
      await readFor(sources, members)
    } catch (error) {
      for (const { reject } of members) reject(error)
    }
  }

  return (place, interest) => {
    const one = { place, interest, ...Promise.withResolvers<Batch | null>() }
    waiting.push(one)
    void lanes.run(serve)
    return one.promise
  }
}
