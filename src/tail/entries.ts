// From rows of the log to what followers get: the text of each event, written once, and its cursor.

import type { EventFilter, LogEvent } from '../app/follow.ts'
import type { HistoryEvent } from '../domain/history.ts'
import type { LogRow, Place } from '../store/log.ts'
import type { Snapshot } from '../store/snapshot.ts'
import type { Chunk } from './chunk.ts'
import { encodeCursor, pageCursors } from './cursor.ts'
import type { RingChunk } from './ring.ts'

/** Writes `{ event, order }` as JSON. */
export type WriteEvent = (event: HistoryEvent) => string

const eventOf = ({ history, position }: LogRow, write: WriteEvent): LogEvent => ({
  position,
  orderId: history.order.id,
  version: history.order.version,
  userId: history.order.userId,
  ticker: history.order.ticker,
  text: write(history),
})

/** The place after one event in the middle of a chunk: what comes before it in the chunk is seen too. */
const placeWithin = ({ start, end }: { start: Place; end: Place }): { place: Place; seen: Snapshot } => ({
  place: { ...start, witness: end.witness },
  seen: end.page?.end ?? end.snapshot,
})

/** The cursor of the last event is that of the chunk's end; each other one is within the chunk. */
export const entriesOf = (chunk: Chunk, nowMs: number, write: WriteEvent): RingChunk => {
  const { rows } = chunk
  const { place, seen } = placeWithin(chunk)
  const within = pageCursors(place, seen, nowMs)
  const last = rows.length - 1
  return {
    start: chunk.start,
    end: chunk.end,
    entries: rows.map((row, i) => ({
      event: eventOf(row, write),
      xact: row.xact,
      cursor: i === last ? encodeCursor(chunk.end, nowMs) : within(row.position),
    })),
  }
}

export const passes = ({ userId, ticker, orderId }: EventFilter, event: LogEvent): boolean =>
  (userId === undefined || event.userId === userId) &&
  (ticker === undefined || event.ticker === ticker) &&
  (orderId === undefined || event.orderId === orderId)
