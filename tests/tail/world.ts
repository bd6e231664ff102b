// A database of its own with any number of tails on it, as replicas have them, and followers that write down what they get.

import { cancelBatch } from '../../src/app/cancel.ts'
import { applyTrades } from '../../src/app/fill.ts'
import type { EventFilter, Following, ResetReason, Step } from '../../src/app/follow.ts'
import type { DatabaseTarget } from '../../src/store/connection.ts'
import { openSession, type Database } from '../../src/store/sql.ts'
import { createTail, type Tail, type TailOptions } from '../../src/tail/tail.ts'
import { aPlacement, aTrade, anEvent, byRequest, newId, type TradeChanges } from '../support/builders.ts'
import { createDatabase } from '../support/database.ts'
import { logIdsOf } from '../support/logRows.ts'
import { quietLog } from '../support/quietLog.ts'
import { placeAll } from '../support/storeOrders.ts'
import { until } from '../support/until.ts'

export type Reading = {
  following: Following
  steps: Step[]
  /** `orderId.version` of every event, in the order in which they came. */
  seen: () => string[]
  cursors: () => string[]
  /** The open orders of the last snapshot, by id. */
  snapshot: () => string[]
  resets: () => ResetReason[]
  isLive: () => boolean
  /** The cursor with which the last step can be resumed. */
  cursor: () => string
  close: () => void
}

const nameOf = ({ orderId, version }: { orderId: string; version: number }): string => `${orderId}.${version}`

const cursorOf = (step: Step): string | null => {
  switch (step.kind) {
    case 'events':
      return step.events.at(-1)!.cursor
    case 'live':
    case 'idle':
    case 'lagging':
    case 'ended':
      return step.cursor
    case 'snapshot':
    case 'reset':
      return null
  }
}

/** Pulls all steps, as a door does whose client reads fast. */
const readAll = (following: Following): Reading => {
  const steps: Step[] = []
  const pull = async (): Promise<void> => {
    for (;;) {
      const step = await following.next()
      steps.push(step)
      if (step.kind === 'lagging' || step.kind === 'ended') return
    }
  }
  void pull()
  const events = () => steps.flatMap((step) => (step.kind === 'events' ? step.events : []))
  return {
    following,
    steps,
    seen: () => events().map(({ event }) => nameOf(event)),
    cursors: () => events().map(({ cursor }) => cursor),
    snapshot() {
      const last = steps.findLastIndex(({ kind }) => kind === 'reset')
      return steps.slice(last + 1).flatMap((step) => (step.kind === 'snapshot' ? step.orders.map(({ id }) => id) : []))
    },
    resets: () => steps.flatMap((step) => (step.kind === 'reset' ? [step.reason] : [])),
    isLive: () => steps.some(({ kind }) => kind === 'live'),
    cursor: () => steps.map(cursorOf).findLast((cursor) => cursor !== null)!,
    close: following.close,
  }
}

/** Counts what goes to Postgres. */
const counted = (db: Database): Database & { count: () => number } => {
  let count = 0
  return {
    ...db,
    run(statement) {
      count++
      return db.run(statement)
    },
    count: () => count,
  }
}

/** On a database of its own, or on the one that `target` names, which has the schema. */
export const createTailWorld = async (target?: DatabaseTarget) => {
  const database = await createDatabase({ empty: target !== undefined })
  const sql = target === undefined ? database.sql : openSession(target, 10_000)
  const db = database.open({ connections: 6 }, target)
  const tails: Tail[] = []
  const ring = (): void => tails.forEach((tail) => tail.ring())

  const startTail = (options: Partial<TailOptions> = {}) => {
    const { log, lines } = quietLog()
    const events = counted(options.db ?? database.open({ plans: 'log', connections: 4 }, target))
    const tail = createTail({
      lanes: 3,
      lists: db,
      write: ({ kind, order }) => `${kind} ${order.status} ${order.filledQuantity}`,
      pollMs: 20,
      ring: { eventsMax: 10_000, bytesMax: 10_000_000 },
      bufferMaxBytes: 1_048_576,
      gatherMs: 50,
      cursorMaxAgeMs: 86_400_000,
      resumeMaxEvents: 1_000_000,
      now: () => new Date(),
      log,
      ...options,
      db: events,
    })
    tails.push(tail)
    const follow = (filter: EventFilter = {}, cursor: string | null = null): Reading => {
      const opened = tail.open(filter, cursor)
      if (!opened.ok) throw new Error(opened.code)
      return readAll(opened.following)
    }
    return {
      tail,
      lines,
      statements: events.count,
      follow,
      /** A follower that is at the head. */
      followLive: async (filter: EventFilter = {}) => {
        const reading = follow(filter)
        await until(reading.isLive, { what: 'the snapshot is complete' })
        return reading
      },
      page: async (cursor: string | null, filter: EventFilter = {}, limit = 1_000) => {
        const page = await tail.page(filter, cursor, limit)
        if (!page.ok) throw new Error(page.code)
        return { seen: page.events.map(nameOf), events: page.events, cursor: page.cursor }
      },
    }
  }

  return {
    database,
    sql,
    db,
    startTail,
    async place(...changes: Parameters<typeof aPlacement>[0][]): Promise<{ id: string; userId: string }[]> {
      const placements = changes.map((change) => aPlacement(change))
      await placeAll(db, placements, ring)
      return placements.map(({ order: { id, userId } }) => ({ id, userId }))
    },
    cancel: (...ids: string[]) =>
      cancelBatch(
        db,
        ids.map((id) => ({ id, cause: byRequest.cause, event: anEvent() })),
        { again: false, now: new Date(), onCommitted: ring },
      ),
    async applyFills(...trades: TradeChanges[]) {
      const received = trades.map((changes) => aTrade(changes))
      const { signal } = new AbortController()
      await applyTrades(db, received, { now: () => new Date(), newId, signal, onRetry: () => undefined })
      ring()
    },
    /** The last position of the log. */
    async position(): Promise<bigint> {
      const [row] = await sql<{ last: string }[]>`select coalesce(pg_sequence_last_value('log_position'), 0) as last`
      return BigInt(row!.last)
    },
    /** All events that the log has after a position, in the order of their positions. */
    logged: (after?: bigint) => logIdsOf({ sql }, after),
    closeTails() {
      for (const tail of tails.splice(0)) tail.close()
    },
    async stop() {
      for (const tail of tails) tail.close()
      if (target !== undefined) await sql.end({ timeout: 0 })
      await database.drop()
    },
  }
}
