// Catching up: what a follower misses from before the ring. Many cursors that lie a little before the ring, as after a restart, are served
// by one read that lengthens the ring backwards. A cursor that lies far before it is read from Postgres with its filter, chunk by chunk.

import type { EventFilter, ResetReason } from '../app/follow.ts'
import { countDelta, readHead, type LogKey, type Place } from '../store/log.ts'
import { contains } from '../store/snapshot.ts'
import type { Database } from '../store/sql.ts'
import { haltOf, readChunk, seenAtMost, seenFully, type Chunk, type Halt } from './chunk.ts'
import { entriesOf, type WriteEvent } from './entries.ts'
import type { Lanes } from './lanes.ts'
import type { Reader } from './reader.ts'
import { towards, type Entry, type Ring, type RingChunk } from './ring.ts'

export type CatchUpOptions = {
  db: Database
  ring: Ring
  reader: Pick<Reader, 'head'>
  lanes: Lanes
  write: WriteEvent
  now: () => Date
  /** How many events the ring may hold. */
  ringEventsMax: number
  /** How many events a cursor may be behind. */
  resumeMax: number
}

/** `standby`: the server is one, so it has to be asked again later. */
export type Refusal = { kind: 'reset'; reason: ResetReason } | { kind: 'standby' }

/** `place`: the one after the entries. */
export type CaughtUp = { kind: 'events'; entries: readonly Entry[]; place: Place; complete: boolean } | Refusal

/** Somebody who catches up, as long as it does. */
export type Laggard = { place: () => Place }

/** Each rejects if Postgres cannot be read. */
export type CatchUp = {
  /** Whether somebody may resume from this place. Null: yes. */
  check: (place: Place) => Promise<Refusal | null>
  /** Lengthens the ring backwards for all laggards that are near enough; false: it does not serve this one afterwards. */
  lengthen: (laggard: Laggard) => Promise<boolean>
  /** The next chunk of what passes the filter. */
  read: (place: Place, filter: EventFilter, rowsMax: number) => Promise<CaughtUp>
  /** From now on, until the function that it answers is called, somebody catches up. */
  join: (laggard: Laggard) => () => void
}

/** Rows of each table that one read with a filter looks at. */
const looksMax = 20_000
/** Rows of one source in one read for the ring. */
const backwardsRowsMax = 2_000

/** Lanes for followers have no limit of waiting: the number of streams has. */
const inLane = <T>(lanes: Lanes, task: () => Promise<T>): Promise<T> =>
  lanes.run(task) ?? Promise.reject(new Error('no lane'))

const ofHalt = (halt: Halt): Refusal => (halt.kind === 'standby' ? halt : { kind: 'reset', reason: 'OTHER_DATABASE' })

/** Between two of these lie about as many events, or fewer. */
const positionOf = (key: LogKey | null | undefined): number => Number(key?.position ?? 0)

export const createCatchUp = (options: CatchUpOptions): CatchUp => {
  const { db, ring, reader, lanes, write, now, ringEventsMax, resumeMax } = options
  const laggards = new Set<Laggard>()
  let lengthening: Promise<void> | null = null

  const isNear = (place: Place): boolean =>
    positionOf(reader.head()?.witness) - positionOf(place.witness) + ring.size().events <= ringEventsMax

  /** The chunks from a place to where the ring begins; null: they are too many, or there is no way. */
  const chunksTo = async (start: Place, from: Place): Promise<RingChunk[] | null> => {
    const chunks: RingChunk[] = []
    let events = 0
    for (let place = from; ;) {
      const chunk = await readChunk(db, place, { filter: {}, rowsMax: backwardsRowsMax, looksMax: 0 })
      if (chunk.kind !== 'chunk') return null
      const older: Chunk = towards(start, chunk)
      chunks.push(entriesOf(older, now().getTime(), write))
      events += older.rows.length
      if (events + ring.size().events > ringEventsMax) return null
      place = chunk.end
      if (chunk.complete || contains(seenFully(place), seenAtMost(start))) return chunks
    }
  }

  const lengthenTo = async (place: Place): Promise<void> => {
    const start = ring.start()
    if (start === null) return
    const chunks = await inLane(lanes, () => chunksTo(start, place))
    if (chunks !== null && ring.start() === start) ring.prepend(chunks)
  }

  /** Whether a place is of this database, by what is in memory. */
  const isKnown = ({ witness, epoch }: Place): boolean => {
    const head = reader.head()
    if (head?.epoch !== epoch) return false
    const known = [head.witness, ring.start()?.witness]
    return (
      witness === null ||
      ring.holds(witness) ||
      known.some((key) => key?.position === witness.position && key.xact === witness.xact)
    )
  }

  return {
    async check(place) {
      const head = reader.head()?.witness ?? (await inLane(lanes, () => db.run(readHead))).head
      if (positionOf(head) - positionOf(place.witness) > resumeMax) {
        const { state, behind } = await inLane(lanes, () => db.run((sql) => countDelta(sql, place, resumeMax + 1)))
        const halt = haltOf(state, place)
        if (halt !== null) return ofHalt(halt)
        return behind > resumeMax ? { kind: 'reset', reason: 'TOO_FAR_BEHIND' } : null
      }
      if (isKnown(place)) return null
      const { state } = await inLane(lanes, () => db.run((sql) => countDelta(sql, place, 0)))
      const halt = haltOf(state, place)
      return halt === null ? null : ofHalt(halt)
    },
    async lengthen({ place }) {
      if (!isNear(place())) return false
      if (lengthening !== null) {
        await lengthening
        return ring.serves(place())
      }
      const near = [...laggards].map((laggard) => laggard.place()).filter(isNear)
      const oldest = near.reduce((low, next) => (next.snapshot.xmax < low.snapshot.xmax ? next : low), place())
      lengthening = lengthenTo(oldest)
      try {
        await lengthening
      } finally {
        lengthening = null
      }
      return ring.serves(place())
    },
    async read(place, filter, rowsMax) {
      const chunk = await inLane(lanes, () => readChunk(db, place, { filter, rowsMax, looksMax }))
      if (chunk.kind !== 'chunk') return ofHalt(chunk)
      const { entries } = entriesOf(chunk, now().getTime(), write)
      return { kind: 'events', entries, place: chunk.end, complete: chunk.complete }
    },
    join(laggard) {
      laggards.add(laggard)
      return () => void laggards.delete(laggard)
    },
  }
}
