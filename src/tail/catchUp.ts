// Catching up: what a follower misses from before the ring. Many cursors that lie a little before the ring, as after a restart, are served
// by one read that lengthens the ring backwards. A cursor that lies far before it is read from Postgres with its filter, chunk by chunk.

import type { EventFilter, ResetReason } from '../app/follow.ts'
import { storeFault } from '../store/faults.ts'
import { beginEpoch, countDelta, readHead, type LogKey, type Place } from '../store/log.ts'
import { contains } from '../store/snapshot.ts'
import type { Database } from '../store/sql.ts'
import { haltOf, placeAtHead, readChunk, seenAtMost, seenFully, type Halt } from './chunk.ts'
import { entriesOf, type WriteEvent } from './entries.ts'
import type { Lanes } from './lanes.ts'
import type { Reader } from './reader.ts'
import { chunkBytes, towards, type Entry, type Ring, type RingChunk } from './ring.ts'

export type CatchUpOptions = {
  db: Database
  ring: Ring
  reader: Pick<Reader, 'head'>
  lanes: Lanes
  write: WriteEvent
  now: () => Date
  /** How many events a cursor may be behind. */
  resumeMax: number
}

/** `standby`: the server is one, so it has to be asked again later. */
export type Refusal = { kind: 'reset'; reason: ResetReason } | { kind: 'standby' }

/** `place`: the one after the entries. */
type CaughtUp = { kind: 'events'; entries: readonly Entry[]; place: Place; complete: boolean } | Refusal

/** Somebody who catches up, as long as it does. */
type Laggard = { place: () => Place }

/** Each rejects if Postgres cannot be read. */
export type CatchUp = {
  /** The head of the log, for whoever begins now; null: the server is a standby. */
  begin: () => Promise<Place | null>
  /** Whether more events than somebody may miss come after this place. */
  isTooFar: (place: Place) => Promise<boolean>
  /** Whether a place that the ring serves is one of this database. Null: it is. Whatever reads from Postgres finds out by itself. */
  verify: (place: Place) => Promise<Refusal | null>
  /** Lengthens the ring backwards for all laggards that are near enough; false: it does not serve this one afterwards. */
  lengthen: (laggard: Laggard) => Promise<boolean>
  /** The next chunk of what passes the filter; nothing, if by then nobody wants it any more. */
  read: (place: Place, filter: EventFilter, how: { rowsMax: number; isWanted: () => boolean }) => Promise<CaughtUp>
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

const readUnfiltered = { filter: {}, rowsMax: backwardsRowsMax, looksMax: 0 }

/** How much an event takes in the ring, about, as long as there is none to ask. */
const eventBytes = 1_500

/** Whether the ring can hold what lies between the place and its start too, as far as that can be said without a read. */
const isNear = ({ ring }: CatchUpOptions, place: Place): boolean => {
  const start = ring.start()
  if (start === null) return false
  const { events, bytes } = ring.size()
  const more = Math.max(0, positionOf(start.witness) - positionOf(place.witness))
  return ring.hasRoom({ events: more, bytes: more * (events === 0 ? eventBytes : bytes / events) })
}

/** The chunks from a place to where the ring begins. `tooLong`: the ring cannot hold them. Null: there is no way. */
const chunksTo = async (
  { db, ring, write, now }: CatchUpOptions,
  start: Place,
  from: Place,
): Promise<RingChunk[] | 'tooLong' | null> => {
  const chunks: RingChunk[] = []
  let [events, bytes] = [0, 0]
  for (let place = from; ;) {
    const chunk = await readChunk(db, place, readUnfiltered)
    if (chunk.kind !== 'chunk') return null
    const older = entriesOf(towards(start, chunk), now().getTime(), write)
    chunks.push(older)
    events += older.entries.length
    bytes += chunkBytes(older)
    if (!ring.hasRoom({ events, bytes })) return 'tooLong'
    place = chunk.end
    if (chunk.complete || contains(seenFully(place), seenAtMost(start))) return chunks
  }
}

/** False: the ring cannot hold so much. */
const lengthenTo = async (options: CatchUpOptions, place: Place): Promise<boolean> => {
  const { ring, lanes } = options
  const start = ring.start()
  if (start === null) return true
  const chunks = await inLane(lanes, () => chunksTo(options, start, place))
  if (chunks === 'tooLong') return false
  if (chunks !== null && ring.start() === start) ring.prepend(chunks)
  return true
}

/** One read at a time lengthens the ring, for all who need it. */
const createLengthening = (options: CatchUpOptions, laggards: ReadonlySet<Laggard>): CatchUp['lengthen'] => {
  const { ring } = options
  let running: Promise<boolean> | null = null
  /** What comes after this position did not fit. It never will: the ring moves forward. So nobody reads it in vain again. */
  let tooFarAt = -1
  const isReachable = (place: Place): boolean => positionOf(place.witness) > tooFarAt && isNear(options, place)
  return async ({ place }) => {
    for (let read = running; read !== null; read = running) {
      await read
      if (ring.serves(place())) return true
    }
    if (!isReachable(place())) return false
    const near = [...laggards].map((laggard) => laggard.place()).filter(isReachable)
    const oldest = near.reduce((low, next) => (next.snapshot.xmax < low.snapshot.xmax ? next : low), place())
    // Without the page: others may have read less of it.
    running = lengthenTo(options, { ...oldest, page: null })
    try {
      if (!(await running)) tooFarAt = Math.max(tooFarAt, positionOf(oldest.witness))
    } finally {
      running = null
    }
    return ring.serves(place())
  }
}

/** Whether a place is of this database, by what is in memory. */
const isKnown = ({ reader, ring }: CatchUpOptions, { witness, epoch }: Place): boolean => {
  const head = reader.head()
  if (head?.epoch !== epoch) return false
  if (witness === null || ring.holds(witness)) return true
  return [head.witness, ring.start()?.witness].some(
    (key) => key?.position === witness.position && key.xact === witness.xact,
  )
}

/** The place at the head of the log. If the tables come from another cluster, an epoch begins. Null: the server is a standby. */
const begin = async (db: Database): Promise<Place | null> => {
  const found = await db.run(readHead)
  const place = placeAtHead(found)
  if (place !== null || found.state.standby) return place
  await db.run(beginEpoch)
  return placeAtHead(await db.run(readHead))
}

/**
 * Whoever has seen no more than somebody who was too far behind is so too. Of thousands who come back after a long time, each would else
 * count as many rows as it may miss.
 */
const createIsTooFar = ({ db, reader, lanes, resumeMax }: CatchUpOptions): CatchUp['isTooFar'] => {
  let beyond: Place | null = null
  const isBeyond = (place: Place): boolean =>
    beyond !== null && beyond.epoch === place.epoch && contains(seenFully(beyond), seenFully(place))
  const count = async (place: Place): Promise<boolean> => {
    if (isBeyond(place)) return true
    const { behind } = await db.run((sql) => countDelta(sql, place, resumeMax + 1))
    if (behind <= resumeMax) return false
    beyond = place
    return true
  }
  return async (place) => {
    const head = reader.head()?.witness ?? (await inLane(lanes, () => db.run(readHead))).head
    if (positionOf(head) - positionOf(place.witness) <= resumeMax) return false
    try {
      return await inLane(lanes, () => count(place))
    } catch (error) {
      // Positions say that it is far, and there is more than can be counted in time.
      if (storeFault(error) === 'contention') return true
      throw error
    }
  }
}

const verify = async (options: CatchUpOptions, place: Place): Promise<Refusal | null> => {
  if (isKnown(options, place)) return null
  const { state } = await inLane(options.lanes, () => options.db.run((sql) => countDelta(sql, place, 0)))
  const halt = haltOf(state, place)
  return halt === null ? null : ofHalt(halt)
}

export const createCatchUp = (options: CatchUpOptions): CatchUp => {
  const { db, lanes, write, now } = options
  const laggards = new Set<Laggard>()
  return {
    begin: () => inLane(lanes, () => begin(db)),
    isTooFar: createIsTooFar(options),
    verify: (place) => verify(options, place),
    lengthen: createLengthening(options, laggards),
    async read(place, filter, { rowsMax, isWanted }) {
      const chunk = await inLane(lanes, async () =>
        isWanted() ? readChunk(db, place, { filter, rowsMax, looksMax }) : null,
      )
      if (chunk === null) return { kind: 'events', entries: [], place, complete: false }
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
