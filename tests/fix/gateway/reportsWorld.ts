// A database of its own with any number of replicas that report to sessions of FIX on it, orders of these sessions, and what each was told.

import { cancelBatch } from '../../../src/app/cancel.ts'
import { applyTrades } from '../../../src/app/fill.ts'
import { cancelFixBatch, placeFixOrders } from '../../../src/app/fixOrders.ts'
import { createFoundLocked } from '../../../src/app/foundLocked.ts'
import type { LogPages } from '../../../src/app/logPages.ts'
import type { HistoryEvent } from '../../../src/domain/history.ts'
import { createReportFollowing, type ReportPage } from '../../../src/fix/gateway/reports.ts'
import type { OrderSession } from '../../../src/fix/orders/session.ts'
import type { FixMessage } from '../../../src/store/fixOrders.ts'
import { reportInFixSessions } from '../../../src/store/fixSent.ts'
import { readFixSession, takeFixSession, type SessionPlace } from '../../../src/store/fixSessions.ts'
import type { Database } from '../../../src/store/sql.ts'
import { createLogPages, type LogPagesOptions } from '../../../src/tail/pages/pages.ts'
import { anEvent, aPlacement, aTrade, byRequest, newId, type TradeChanges } from '../../support/builders.ts'
import { createDatabase } from '../../support/database.ts'
import { logOf } from '../../support/logRows.ts'
import { quietLog } from '../../support/quietLog.ts'
import { placeAll, placingIn } from '../../support/storeOrders.ts'
import { until } from '../../support/until.ts'

export type Replica = { pages: LogPages; statements: () => number; lines: ReturnType<typeof quietLog>['lines'] }

const nameOf = ({ order: { id, version } }: HistoryEvent): string => `${id}.${version}`

/** Counts what goes to Postgres. */
const counted = (db: Database): { db: Database; count: () => number } => {
  let count = 0
  const run: Database['run'] = (statement) => {
    count++
    return db.run(statement)
  }
  return { db: { ...db, run }, count: () => count }
}

export const createReportsWorld = async () => {
  const database = await createDatabase()
  const { sql } = database
  const db = database.open({ connections: 6 })
  const places = database.open({ plans: 'keys' })
  const replicas: Replica[] = []
  const ends: (() => Promise<void>)[] = []
  const ring = (): void => replicas.forEach(({ pages }) => pages.ring())

  const startReplica = (options: Partial<LogPagesOptions> = {}): Replica => {
    const { log, lines } = quietLog()
    const { db: through, count } = counted(options.db ?? database.open({ plans: 'log', connections: 3 }))
    const pages = createLogPages({ lanes: 2, pollMs: 20, now: () => new Date(), log, ...options, db: through })
    const replica = { pages, statements: count, lines }
    replicas.push(replica)
    return replica
  }

  const takeOver = async ({ id }: OrderSession) =>
    (await db.run((sql) => takeFixSession(sql, { session: id, replicaId: newId(), ttlMs: 0 })))!

  /** The names of what the session was told, by number. */
  const told = async ({ id }: OrderSession): Promise<string[]> =>
    (
      await sql<{ order_id: string; version: number }[]>`
        select order_id, version from fix_sent where session = ${id} and order_id is not null order by series, number`
    ).map(({ order_id: order, version }) => `${order}.${version}`)

  /** Connects a session at a replica, as a conversation does: each page is kept before the next one. */
  const connect = async (session: OrderSession, replica: Replica, onPage?: (page: ReportPage) => Promise<void>) => {
    const taken = await takeOver(session)
    const stopping = new AbortController()
    const pages: ReportPage[] = []
    const keep = async (page: ReportPage): Promise<boolean> => {
      await onPage?.(page)
      if (stopping.signal.aborted) return false
      const events = page.events.map(({ order: { id: orderId, version } }) => ({ orderId, version }))
      const { from, to } = page
      const step = { session: session.id, epoch: taken.epoch, attempt: newId(), from, to, events, at: new Date() }
      const [numbered] = await db.run((sql) => reportInFixSessions(sql, [step]))
      if (numbered !== null) pages.push(page)
      return numbered !== null
    }
    const done = createReportFollowing(replica.pages)(session, taken.place, { onPage: keep, signal: stopping.signal })
    const stop = async (): Promise<void> => {
      stopping.abort()
      await done
    }
    ends.push(() => stop().catch(() => undefined))
    return {
      session,
      pages,
      done,
      stop,
      seen: () => pages.flatMap(({ events }) => events.map(nameOf)),
      isLive: () => replica.pages.state().readers.some(({ id, live }) => id === session.id && live),
    }
  }

  /**
   * Does something with the next numbers of a session, in whatever epoch it is: of one that is taken over meanwhile nothing is stored, and it is
   * tried again.
   */
  const inSession = async <R extends { ok: boolean; code?: string }>(
    { id }: OrderSession,
    count: number,
    run: (messages: readonly FixMessage[]) => Promise<readonly R[]>,
  ): Promise<void> => {
    for (;;) {
      const [row] = await sql<
        { epoch: string; next_in: string }[]
      >`select epoch, next_in from fix_sessions where id = ${id}`
      const messageOf = (i: number) => ({
        session: id,
        epoch: row!.epoch,
        number: Number(row!.next_in) + i,
        request: '{}',
      })
      const results = await run(Array.from({ length: count }, (_, i) => messageOf(i)))
      if (results.every(({ ok }) => ok)) return
      if (!results.every(({ code }) => code === 'SESSION_LOST')) throw new Error(JSON.stringify(results))
    }
  }

  return {
    database,
    sql,
    db,
    startReplica,
    connect,
    told,
    /** Connected, and at the head of the log. */
    async connectLive(session: OrderSession, replica: Replica) {
      const connection = await connect(session, replica)
      await until(connection.isLive, { what: `${session.id} is at the head` })
      return connection
    },
    /** Places orders of a session; one call at a time for each. */
    async placeIn(session: OrderSession, ...changes: Parameters<typeof aPlacement>[0][]): Promise<string[]> {
      const placements = changes.map((change) => ({
        ...aPlacement({ userId: session.user!, ...change }),
        origin: { requestId: null, subject: null, door: { kind: 'fix', session: session.id } as const },
        heldBack: null,
      }))
      await inSession(session, changes.length, (messages) =>
        placeFixOrders(
          places,
          placements.map((placement, i) => ({ ...placement, message: messages[i]! })),
          placingIn(places, ring),
        ),
      )
      return placements.map(({ order }) => order.id)
    },
    async cancelIn(session: OrderSession, orderId: string): Promise<void> {
      const request = {
        key: { userId: session.user!, clientOrderId: newId() },
        target: { orderId },
        heldBack: null,
        reason: { code: 'USER_CANCELED', text: null },
        cause: { kind: 'fix', session: session.id },
        event: anEvent(),
      } as const
      const keyFill = { isDone: () => Promise.resolve(true) }
      await inSession(session, 1, ([message]) =>
        cancelFixBatch(db, [{ ...request, message: message! }], {
          now: new Date(),
          keyFill,
          foundLocked: createFoundLocked(),
          onCommitted: ring,
        }),
      )
    },
    /** Places orders through HTTP. */
    async place(...changes: Parameters<typeof aPlacement>[0][]): Promise<string[]> {
      const placements = changes.map((change) => aPlacement(change))
      await placeAll(db, placements, ring)
      return placements.map(({ order: { id } }) => id)
    },
    cancel: (...ids: string[]) =>
      cancelBatch(
        db,
        ids.map((id) => ({ id, cause: byRequest.cause, event: anEvent() })),
        { again: false, now: new Date(), onCommitted: ring },
      ),
    async applyFills(...trades: TradeChanges[]): Promise<void> {
      const { signal } = new AbortController()
      const received = trades.map((changes) => aTrade(changes))
      await applyTrades(db, received, { now: () => new Date(), newId, signal, onRetry: () => undefined })
      ring()
    },
    /** What the log has of orders that a test names, by position. */
    async logged(isAmong: (orderId: string) => boolean = () => true): Promise<string[]> {
      return (await logOf({ sql }))
        .filter(({ order }) => isAmong(order))
        .map(({ order, version }) => `${order}.${version}`)
    },
    /** Resolves when the session was told all of these. */
    hasHeard: (session: OrderSession, names: readonly string[]) =>
      until(
        async () => {
          const all = new Set(await told(session))
          return names.every((name) => all.has(name))
        },
        { what: `${session.id} has heard of ${names.length} events` },
      ),
    async placeOf(session: OrderSession): Promise<SessionPlace | null> {
      const [row] = await sql<{ epoch: string }[]>`select epoch from fix_sessions where id = ${session.id}`
      return (await db.run((sql) => readFixSession(sql, { session: session.id, epoch: row!.epoch })))!.place
    },
    endConnections: () => Promise.all(ends.map((end) => end())),
    async stop() {
      await Promise.all(ends.map((end) => end()))
      await database.drop()
    },
  }
}
export type ReportsWorld = Awaited<ReturnType<typeof createReportsWorld>>

/** Fails unless no name is there twice, and each version comes right after the one before of its order. */
export const faultsOf = (names: readonly string[]): string[] => {
  const versions = new Map<string, number>()
  return names.filter((name) => {
    const [id, version] = name.split('.') as [string, string]
    const before = versions.get(id)
    versions.set(id, Number(version))
    return before !== undefined && Number(version) !== before + 1
  })
}
