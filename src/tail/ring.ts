// The ring: the newest part of the log in memory, in chunks as they were read, bounded by events and by bytes. A place that lies in it
// resumes from here and costs Postgres nothing.

import type { Followed } from '../app/follow.ts'
import type { LogKey, Place } from '../store/log.ts'
import { contains, isVisible, meet } from '../store/snapshot.ts'
import { seenAtMost, seenFully, type Chunk } from './chunk.ts'

/** An event of the ring with its transaction. */
export type Entry = Followed & { xact: bigint }

/** What was read between two places, by position. */
export type RingChunk = { start: Place; end: Place; entries: readonly Entry[] }

/** How much an event takes in memory beside its text and cursor, in bytes, about. */
const entryBytes = 400

export const chunkBytes = ({ entries }: RingChunk): number =>
  entries.reduce((sum, { event, cursor }) => sum + entryBytes + event.text.length + cursor.length, 0)

type RingSize = { events: number; bytes: number }
export type RingLimits = { eventsMax: number; bytesMax: number }

export type Ring = {
  /** Chunks have numbers without gaps, upwards; none is given twice. `next`: that of the next chunk. */
  first: () => number
  next: () => number
  /** Undefined: evicted, or not there yet. */
  chunk: (number: number) => RingChunk | undefined
  append: (chunk: RingChunk) => void
  /** Puts chunks before the first one. They must lead up to its start; see towards. All chunks have other numbers afterwards. */
  prepend: (chunks: readonly RingChunk[]) => void
  /** Forgets everything; goes on from `place`. */
  restart: (place: Place | null) => void
  /** Where the ring begins. Null: there is none. */
  start: () => Place | null
  /** Whether everything that the place has not seen is in the ring. */
  serves: (place: Place) => boolean
  /** Whether this row is in it. */
  holds: (key: Pick<LogKey, 'position' | 'xact'>) => boolean
  size: () => RingSize
  /** Whether it can hold so much more and forget nothing. */
  hasRoom: (more: RingSize) => boolean
}

export const createRing = ({ eventsMax, bytesMax }: RingLimits): Ring => {
  const chunks = new Map<number, RingChunk>()
  let [first, next] = [0, 0]
  let start: Place | null = null
  let [events, bytes] = [0, 0]

  /** The transaction of each position. */
  const xacts = new Map<bigint, bigint>()

  const count = (chunk: RingChunk, sign: 1 | -1): void => {
    for (const { event, xact } of chunk.entries)
      if (sign === 1) xacts.set(event.position, xact)
      else xacts.delete(event.position)
    events += sign * chunk.entries.length
    bytes += sign * chunkBytes(chunk)
  }

  const evict = (): void => {
    const isFull = () => events > eventsMax || bytes > bytesMax
    while (first < next && isFull()) {
      const oldest = chunks.get(first)!
      chunks.delete(first++)
      count(oldest, -1)
      start = oldest.end
    }
  }

  return {
    first: () => first,
    next: () => next,
    chunk: (number) => chunks.get(number),
    append(chunk) {
      start ??= chunk.start
      chunks.set(next++, chunk)
      count(chunk, 1)
      evict()
    },
    prepend(older) {
      // Numbers below `first` may have been those of chunks that are gone. Whoever still has one of them to read would take another chunk
      // for it, and pass over what lies between.
      const all = [...older, ...chunks.values()]
      chunks.clear()
      first = next
      for (const chunk of all) chunks.set(next++, chunk)
      for (const chunk of older) count(chunk, 1)
      start = older[0]?.start ?? start
      evict()
    },
    restart(place) {
      chunks.clear()
      xacts.clear()
      first = next
      start = place
      events = bytes = 0
    },
    start: () => start,
    serves: (place) => start !== null && contains(seenFully(place), seenAtMost(start)),
    holds: ({ position, xact }) => xacts.get(position) === xact,
    size: () => ({ events, bytes }),
    hasRoom: (more) => events + more.events <= eventsMax && bytes + more.bytes <= bytesMax,
  }
}

/** Whether a place has seen an event. */
export const hasSeen = ({ snapshot, page }: Place, { xact, event }: Entry): boolean =>
  isVisible(snapshot, xact) || (page !== null && event.position <= page.after && isVisible(page.end, xact))

/**
 * A chunk that was read later than the ring began, without what the ring has. Its places must not count as seen what is in the ring: else
 * whoever stops there and resumes elsewhere would miss it.
 */
export const towards = (ringStart: Place, chunk: Chunk): Chunk => {
  const seen = seenAtMost(ringStart)
  const within = (place: Place): Place => ({
    ...place,
    snapshot: meet(place.snapshot, seen),
    page: place.page && { ...place.page, end: meet(place.page.end, seen) },
  })
  return {
    ...chunk,
    start: within(chunk.start),
    end: within(chunk.end),
    rows: chunk.rows.filter(({ xact }) => isVisible(seen, xact)),
  }
}
