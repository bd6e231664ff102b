// Polling: one page of events after a cursor, from the ring if it has them, else from Postgres.

import type { EventFilter, LogEvent, PageResult } from '../app/follow.ts'
import type { Place } from '../store/log.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { CatchUp, Refusal } from './catchUp.ts'
import { encodeCursor } from './cursor.ts'
import { passes } from './entries.ts'
import type { Lanes } from './lanes.ts'
import type { Reader } from './reader.ts'
import { hasSeen, type Entry, type Ring } from './ring.ts'

export type PollingParts = {
  reader: Pick<Reader, 'afresh' | 'head'>
  ring: Ring
  catchUp: CatchUp
  lanes: Lanes
  nowMs: () => number
  log: Pick<Log, 'rarely'>
}

type Query = { filter: EventFilter; place: Place; limit: number }

/** A read may find little: one with a filter looks at a bounded number of rows. So many of them answer one request at most. */
const readsMax = 10

/**
 * Of a chunk at least so many rows are read, however few are asked for: the others are a page within it. A chunk that is smaller than what
 * one transaction wrote would have to be everything up to the head, sorted anew for each request.
 */
const chunkRowsMin = 500

const ofRefusal = (refusal: Refusal): PageResult =>
  refusal.kind === 'standby'
    ? { ok: false, code: 'UNAVAILABLE' }
    : { ok: false, code: 'CURSOR_EXPIRED', reason: refusal.reason }

const tooFar: PageResult = { ok: false, code: 'CURSOR_EXPIRED', reason: 'TOO_FAR_BEHIND' }

const eventsOf = (entries: readonly Entry[]): LogEvent[] => entries.map(({ event }) => event)

const fromRing = ({ ring, reader, nowMs }: PollingParts, { filter, place, limit }: Query): PageResult | null => {
  const head = reader.head()
  if (head === null || !ring.serves(place)) return null
  const found: Entry[] = []
  for (let number = ring.first(); number < ring.next(); number++)
    for (const entry of ring.chunk(number)!.entries) {
      if (!passes(filter, entry.event) || hasSeen(place, entry)) continue
      found.push(entry)
      if (found.length === limit) return { ok: true, events: eventsOf(found), cursor: entry.cursor }
    }
  return { ok: true, events: eventsOf(found), cursor: encodeCursor(head, nowMs()) }
}

const fromPostgres = async ({ catchUp, nowMs }: PollingParts, { filter, place, limit }: Query): Promise<PageResult> => {
  const entries: Entry[] = []
  let from = place
  for (let reads = 1; ; reads++) {
    const rowsMax = from.page === null ? Math.max(limit, chunkRowsMin) : limit
    const found = await catchUp.read(from, filter, { rowsMax, isWanted: () => true })
    if (found.kind !== 'events') return ofRefusal(found)
    const isAll = found.complete && found.entries.length <= limit
    if (!isAll && reads === 1 && (await catchUp.isTooFar(place))) return tooFar
    entries.push(...found.entries.slice(0, limit - entries.length))
    from = found.place
    // The last cursor of a chunk is that of its end: it passes over what the filter leaves out.
    if (entries.length === limit) return { ok: true, events: eventsOf(entries), cursor: entries.at(-1)!.cursor }
    if (found.complete || reads === readsMax)
      return { ok: true, events: eventsOf(entries), cursor: encodeCursor(from, nowMs()) }
  }
}

const fromNow = async ({ reader, catchUp, nowMs }: PollingParts): Promise<PageResult> => {
  const place = (await reader.afresh()) ? reader.head() : await catchUp.begin()
  if (place === null) return { ok: false, code: 'UNAVAILABLE' }
  return { ok: true, events: [], cursor: encodeCursor(place, nowMs()) }
}

const after = async (parts: PollingParts, query: Query): Promise<PageResult> => {
  if (!(await parts.reader.afresh())) return fromPostgres(parts, query)
  const { ring, catchUp } = parts
  if (await catchUp.isTooFar(query.place)) return tooFar
  const refusal = ring.serves(query.place) ? await catchUp.verify(query.place) : null
  if (refusal !== null) return ofRefusal(refusal)
  return fromRing(parts, query) ?? fromPostgres(parts, query)
}

/** `place`: null for from now on. */
export const createPolling =
  (parts: PollingParts) =>
  async (filter: EventFilter, place: Place | null, limit: number): Promise<PageResult> => {
    const task = () => (place === null ? fromNow(parts) : after(parts, { filter, place, limit }))
    try {
      return await (parts.lanes.run(task) ?? Promise.resolve<PageResult>({ ok: false, code: 'OVERLOADED' }))
    } catch (error) {
      parts.log.rarely('warn', 'tail', 'the log cannot be read', describe(error))
      return { ok: false, code: 'UNAVAILABLE' }
    }
  }
