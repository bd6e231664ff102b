// The use cases of sessions of FIX: taking one, and carrying out its messages in their order. Orders and cancels are placed and canceled as
// those of every other door; what is of a session alone (numbers, reports, what was sent) is kept with them.

import type { Door } from '../domain/door.ts'
import type { Order } from '../domain/order.ts'
import { isLockTimeout } from '../store/faults.ts'
import type { FixTarget, NewFixRequest } from '../store/fixOrders.ts'
import {
  readDoor,
  readDueMessages,
  readSent,
  type DueMessage,
  type FixReports,
  type SentMessage,
} from '../store/fixSent.ts'
import {
  releaseFixSession,
  renewFixSessions,
  takeFixSession,
  type FixLease,
  type TakenSession,
} from '../store/fixSessions.ts'
import { readByKey, readOrders } from '../store/orders.ts'
import type { Database } from '../store/sql.ts'
import { afterCommit, createBatcher, type BatchRefusal, type BatchReport } from './batcher.ts'
import type { BatchersOptions } from './batchers.ts'
import { createLine } from './fixLine.ts'
import {
  cancelFixBatch,
  placeFixOrders,
  type FixCancelResult,
  type FixPlacement,
  type FixPlaceResult,
  type FixRefusal,
} from './fixOrders.ts'
import { reportFixPages, type FixReportResult } from './fixReports.ts'
import {
  createFixRuns,
  type FixOrderMessage,
  type FixReportsMessage,
  type FixRequestMessage,
  type FixResetResult,
  type FixStepMessage,
  type FixStepResult,
} from './fixRuns.ts'
import { createFoundLocked } from './foundLocked.ts'
import type { Admission } from './monitor.ts'
import type { Identity, Placing } from './place.ts'
import type { NewOrderRules } from './submit.ts'

type Refusal = FixRefusal | BatchRefusal

type FoundOrder = { order: Order; door: Door | null }

/**
 * A session that this replica holds. Messages are carried out in the order of these calls; none has to be awaited before the next. After
 * `SESSION_LOST` or a refusal of the batcher the number of the message was not consumed, and every later message is refused: close the connection.
 * `DUE`: the number is consumed; read `dues` and answer them by `step`, these before anything else after the session was taken.
 */
export type FixSession = {
  taken: TakenSession
  place: (message: FixOrderMessage) => Promise<FixPlaceResult | Refusal>
  cancel: (message: FixRequestMessage) => Promise<FixCancelResult | Refusal>
  /** Moves numbers, keeps what is sent, and takes away what it answers. `first`: the number of the first message that is sent. */
  step: (message: FixStepMessage) => Promise<FixStepResult | Refusal>
  /** Numbers the reports of a page of the log. */
  report: (message: FixReportsMessage) => Promise<FixReportResult | Refusal>
  /** Begins all numbers at 1 again, after what was submitted before. */
  reset: () => Promise<FixResetResult | Refusal>
  dues: (limit: number) => Promise<DueMessage[]>
  /** What was sent, for a resend request. */
  sent: (range: { from: number; to: number; limit: number }) => Promise<SentMessage[]>
  /** How many messages wait for a statement. */
  waiting: () => number
  /** Refuses what waits, lets what is under way come to its end, and gives the session back. */
  release: () => Promise<void>
}

export type FixUseCases = {
  /** Null: another replica holds it. */
  takeSession: (session: string) => Promise<FixSession | null>
  /** Renews the leases of sessions; answers those that are still ours. */
  renewSessions: (leases: readonly FixLease[]) => Promise<Set<string>>
  /** The order of one of these users that a message means, and the door that it came through (null: HTTP). Null: there is none. */
  lookUp: (userIds: readonly string[], target: NonNullable<FixTarget>) => Promise<FoundOrder | null>
}

export type FixParts = Identity &
  Pick<BatchersOptions, 'pools' | 'limits' | 'onCommitted' | 'onBug' | 'onRefused' | 'onBatch'> & {
    placing: Omit<Placing, 'onCommitted'>
    accepting: Admission
    rules: NewOrderRules
    replicaId: string
  }

/** A session is free so long after its replica fell silent. Renew it several times in this time. */
export const fixLeaseMs = 5_000

/** Pages of reports in one statement; each has as many events as a page of the log. */
const pagesMax = 32

/**
 * Renews the leases of the sessions that nobody has locked, then the others: so somebody who holds one of them holds up no other. Nobody can take one that
 * stays locked either; it counts as ours.
 */
const renewFreeFirst = async (db: Database, leases: readonly FixLease[]): Promise<Set<string>> => {
  const renew = (some: readonly FixLease[], skipLocked: boolean) =>
    db.run((sql) => renewFixSessions(sql, { leases: some, ttlMs: fixLeaseMs, skipLocked }))
  const renewed = await renew(leases, true)
  const others = leases.filter(({ session }) => !renewed.has(session))
  if (others.length === 0) return renewed
  try {
    return renewed.union(await renew(others, false))
  } catch (error) {
    if (!isLockTimeout(error)) throw error
    return renewed.union(new Set(others.map(({ session }) => session)))
  }
}

const createFixBatchers = (parts: FixParts) => {
  const { pools, limits, placing, onCommitted, onBug, onRefused, onBatch, now } = parts
  const writes = { ...limits, kind: 'write' as const, onBug, ...(onRefused !== undefined && { onRefused }) }
  const foundLocked = createFoundLocked()
  const write = (kind: 'place' | 'cancel') => ({
    ...writes,
    onBatch: (batch: BatchReport) => onBatch?.(kind, batch),
  })
  return {
    places: createBatcher<FixPlacement, FixPlaceResult>({
      ...write('place'),
      run: (placements, { again, stored }) =>
        placeFixOrders(pools.places, placements, {
          ...placing,
          fresh: !again,
          onCommitted: afterCommit(stored, onCommitted),
        }),
    }),
    cancels: createBatcher<NewFixRequest, FixCancelResult>({
      ...write('cancel'),
      run: (requests, { stored }) =>
        cancelFixBatch(pools.changes, requests, {
          now: now(),
          keyFill: placing.keyFill,
          foundLocked,
          onCommitted: afterCommit(stored, onCommitted),
        }),
    }),
    reports: createBatcher<FixReports, FixReportResult>({
      ...writes,
      batchMax: pagesMax,
      run: (pages) => reportFixPages(pools.changes, pages),
    }),
  }
}

const openSession = (
  taken: TakenSession,
  parts: FixParts,
  batchers: ReturnType<typeof createFixBatchers>,
): FixSession => {
  const { pools, limits, onBug } = parts
  const { session, epoch } = taken
  const lease: FixLease = { session, epoch }
  const runs = createFixRuns({ ...parts, ...batchers, lease, db: pools.changes, deadlineMs: limits.deadlineMs })
  const line = createLine(onBug)
  return {
    taken,
    place: (message) => line.submit(runs.place, message),
    cancel: (message) => line.submit(runs.cancel, message),
    step: (message) => line.submit(runs.step, message),
    report: (message) => line.submit(runs.report, message),
    reset: () => line.submit(runs.reset, null),
    dues: (limit) => pools.gets.run((sql) => readDueMessages(sql, session, limit)),
    sent: (range) => pools.gets.run((sql) => readSent(sql, { session, ...range })),
    waiting: line.waiting,
    async release() {
      line.close()
      await line.drained()
      await pools.changes.run((sql) => releaseFixSession(sql, lease))
    },
  }
}

export const createFix = (parts: FixParts) => {
  const { pools, replicaId, placing } = parts
  const batchers = createFixBatchers(parts)
  const useCases: FixUseCases = {
    async takeSession(session) {
      const taken = await pools.changes.run((sql) => takeFixSession(sql, { session, replicaId, ttlMs: fixLeaseMs }))
      return taken === null ? null : openSession(taken, parts, batchers)
    },
    renewSessions: (leases) => renewFreeFirst(pools.changes, leases),
    async lookUp(userIds, target) {
      const keysFilled = await placing.keyFill.isDone()
      return pools.gets.run(async (sql) => {
        const found = await ('orderId' in target
          ? readOrders(sql, [target.orderId])
          : readByKey(
              sql,
              userIds.map((userId) => ({ userId, ...target })),
              keysFilled,
            ))
        const order = found.find(({ userId }) => userIds.includes(userId))
        return order === undefined ? null : { order, door: await readDoor(sql, order.id) }
      })
    },
  }
  return {
    ...useCases,
    load: () => ({ places: batchers.places.load(), cancels: batchers.cancels.load() }),
    drained: (): Promise<unknown> => Promise.all(Object.values(batchers).map((batcher) => batcher.drained())),
    close(): void {
      for (const batcher of Object.values(batchers)) batcher.close()
    },
  }
}
