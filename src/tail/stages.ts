// The way of a follower to the head of the log: the open orders, or what it missed from Postgres, then what it missed from the ring.

import type { EventFilter, ResetReason, Step } from '../app/follow.ts'
import { sleep } from '../app/sleep.ts'
import { storeFault } from '../store/faults.ts'
import type { Place } from '../store/log.ts'
import type { Database } from '../store/sql.ts'
import type { CatchUp, Refusal } from './catchUp.ts'
import { encodeCursor } from './cursor.ts'
import { passes } from './entries.ts'
import type { Lanes } from './lanes.ts'
import { bytesOf } from './live.ts'
import type { Reader } from './reader.ts'
import { hasSeen, type Entry, type Ring } from './ring.ts'
import { readSnapshotPage } from './snapshotPages.ts'

/** What all followers of a process share. */
export type Paths = {
  reader: Pick<Reader, 'ready' | 'head'>
  ring: Ring
  catchUp: CatchUp
  /** Pages of open orders are read here, in these lanes. */
  lists: Database
  listLanes: Lanes
  nowMs: () => number
}

export type Stage =
  | { kind: 'start'; because: ResetReason | null }
  /** `before`: the rest of the pages begins there; undefined: at the newest order; null: there is none. */
  | { kind: 'snapshot'; from: Place; before: string | undefined | null }
  /** `checked`: it is not too far behind. `tries`: how often the ring was lengthened for it. `timeouts`: reads in a row that took too long. */
  | { kind: 'behind'; place: Place; checked: boolean; tries: number; timeouts: number }
  /** It took all chunks below `number`, which leaves it at `place`; of the rest it gets what `origin` has not seen. */
  | { kind: 'ring'; origin: Place; number: number; place: Place }
  | { kind: 'live' }
  /** Nobody follows any more. What waits in a lane for it is left out: else clients that give up and come back make the queue grow. */
  | { kind: 'ended' }
type StageOf<K extends Stage['kind']> = Extract<Stage, { kind: K }>

/** One follower on its way. Whoever awaits checks that the stage is still the one that it began with. */
export type Way = {
  readonly filter: EventFilter
  stage: Stage
  /** Called when it is at the head. What is read from then on reaches it at once; `origin` may have seen some of it at another replica. */
  arrive: (origin: Place) => void
}

const standbyPauseMs = 250
/** Rows of one source in one read. */
const rowsMax = 500
/** How many bytes of events one step takes from the ring, about. */
const stepBytes = 262_144
const triesMax = 3
/** What lies behind it may be more than can be sorted in time: then it would never come further, and keep a lane busy for good. */
const timeoutsMax = 5

export const behindAt = (place: Place): StageOf<'behind'> => ({
  kind: 'behind',
  place,
  checked: false,
  tries: 0,
  timeouts: 0,
})

const start = async (way: Way, stage: StageOf<'start'>, paths: Paths): Promise<Step | null> => {
  if (stage.because !== null) {
    way.stage = { kind: 'start', because: null }
    return { kind: 'reset', reason: stage.because }
  }
  await paths.reader.ready()
  const from = paths.reader.head()
  // The place comes before the pages: what changes while they are read comes again, as an event.
  if (from !== null && way.stage === stage) way.stage = { kind: 'snapshot', from, before: undefined }
  return null
}

const refuse = async (way: Way, refusal: Refusal): Promise<null> => {
  if (refusal.kind === 'reset') way.stage = { kind: 'start', because: refusal.reason }
  else await sleep(standbyPauseMs)
  return null
}

const snapshot = async (way: Way, stage: StageOf<'snapshot'>, paths: Paths): Promise<Step | null> => {
  const { from, before } = stage
  if (before === null) {
    way.stage = behindAt(from)
    return { kind: 'live', cursor: encodeCursor(from, paths.nowMs()) }
  }
  const page = await paths.listLanes.run(async () =>
    way.stage === stage ? readSnapshotPage(paths.lists, way.filter, { before, now: new Date(paths.nowMs()) }) : null,
  )
  if (page === null || way.stage !== stage) return null
  if (page.kind === 'standby') return refuse(way, page)
  way.stage = { ...stage, before: page.next }
  return page.orders.length > 0 ? { kind: 'snapshot', orders: page.orders } : null
}

const fromPostgres = async (way: Way, stage: StageOf<'behind'>, { catchUp, nowMs }: Paths): Promise<Step | null> => {
  const { place } = stage
  const laggard = { place: () => place }
  const leave = catchUp.join(laggard)
  try {
    if (stage.tries++ < triesMax && (await catchUp.lengthen(laggard))) return null
    const found = await catchUp.read(place, way.filter, { rowsMax, isWanted: () => way.stage === stage })
    if (way.stage !== stage) return null
    if (found.kind !== 'events') return await refuse(way, found)
    way.stage = { ...stage, place: found.place, timeouts: 0 }
    const { entries } = found
    return entries.length > 0
      ? { kind: 'events', events: entries }
      : { kind: 'idle', cursor: encodeCursor(found.place, nowMs()) }
  } catch (error) {
    if (storeFault(error) !== 'contention' || way.stage !== stage || ++stage.timeouts < timeoutsMax) throw error
    return await refuse(way, { kind: 'reset', reason: 'TOO_FAR_BEHIND' })
  } finally {
    leave()
  }
}

const behind = async (way: Way, stage: StageOf<'behind'>, paths: Paths): Promise<Step | null> => {
  const { reader, ring, catchUp } = paths
  await reader.ready()
  if (way.stage !== stage) return null
  const isTooFar = !stage.checked && (await catchUp.isTooFar(stage.place))
  if (way.stage !== stage) return null
  if (isTooFar) return refuse(way, { kind: 'reset', reason: 'TOO_FAR_BEHIND' })
  stage.checked = true
  if (!ring.serves(stage.place)) return fromPostgres(way, stage, paths)
  const refusal = await catchUp.verify(stage.place)
  if (way.stage !== stage) return null
  if (refusal !== null) return refuse(way, refusal)
  if (ring.serves(stage.place))
    way.stage = { kind: 'ring', origin: stage.place, number: ring.first(), place: stage.place }
  return null
}

/** Reaching the end of the ring is reaching the head: nothing may be awaited between the two. */
const fromRing = (way: Way, stage: StageOf<'ring'>, { ring }: Paths): Step | null => {
  const events: Entry[] = []
  let bytes = 0
  while (stage.number < ring.next() && bytes < stepBytes) {
    const chunk = ring.chunk(stage.number)
    if (chunk === undefined) {
      // It was evicted, or the reader began anew.
      way.stage = behindAt(stage.place)
      break
    }
    const some = chunk.entries.filter((entry) => passes(way.filter, entry.event) && !hasSeen(stage.origin, entry))
    events.push(...some)
    bytes += bytesOf(some)
    stage.number++
    stage.place = chunk.end
  }
  if (way.stage === stage && stage.number >= ring.next()) {
    way.stage = { kind: 'live' }
    way.arrive(stage.origin)
  }
  return events.length > 0 ? { kind: 'events', events } : null
}

/** One step of the way; null: the stage has changed, or nothing came yet. Rejects if Postgres cannot be read. */
export const goOn = (way: Way, paths: Paths): Promise<Step | null> | Step | null => {
  const { stage } = way
  switch (stage.kind) {
    case 'start':
      return start(way, stage, paths)
    case 'snapshot':
      return snapshot(way, stage, paths)
    case 'behind':
      return behind(way, stage, paths)
    case 'ring':
      return fromRing(way, stage, paths)
    case 'live':
    case 'ended':
      return null
  }
}
