// The floor under the relay's scan. Deleted events stay in the index until a vacuum, which a long reader can hold up, and a scan
// of the lowest positions would walk over all of them. Below the floor no event waits, and none can appear any more: but for events that
// were deleted in the last moments before a crash of Postgres, because the deletion does not wait for the disk. So the floor looks below
// itself now and then.

import { sleep, type Bell } from '../app/sleep.ts'
import { drawTransactionId, readLastPosition, readSettled, type FloorMark } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { LeaseKeeper } from './leaseKeeper.ts'
import type { SetAside } from './setAside.ts'

/** `except`: our tickers that are set aside, which are read by name. `shards`: ours; other replicas send the events of the others. */
export type FloorView = { except: readonly string[]; shards: readonly number[] }

export type Floor = {
  /** Events at or below this position need not be looked for. */
  current: () => bigint
  /**
   * Raises the floor as far as it is safe, or lowers it to an event that a crash brought back. False: it stands at the last position that was
   * drawn, so nothing moves it until the next one is drawn.
   */
  refresh: (view: FloorView) => Promise<boolean>
  /** Lowers the floor to 0: call it after a ticker that was set aside joins again, or shards were taken over. */
  reset: () => void
}

/** How long an event that a crash brought back may wait unseen. */
const lookBelowEveryMs = 30_000

const least = (a: bigint, b: bigint): bigint => (a < b ? a : b)

/** `nowMs`: a monotonic clock. */
export const createFloor = (db: Database, nowMs: () => number): Floor => {
  let floor = 0n
  let lookedBelowAtMs = nowMs()
  let mark: FloorMark | null = null
  /** No event at or below this position can appear any more. */
  let settled = 0n
  let resets = 0

  const refresh = async (view: FloorView): Promise<boolean> => {
    const resetsBefore = resets
    const looksBelow = nowMs() - lookedBelowAtMs >= lookBelowEveryMs
    // The order matters: the position first, the transaction id after it, and a look at the snapshot after both.
    if (mark === null) {
      const position = await db.run(readLastPosition)
      if (position === settled && floor === settled && !looksBelow) return false
      mark = { position, xid: await db.run(drawTransactionId) }
    }
    const { oldestXid, lowest } = await db.run((sql) => readSettled(sql, { ...view, floor: looksBelow ? 0n : floor }))
    if (looksBelow) lookedBelowAtMs = nowMs()
    if (oldestXid >= mark.xid) {
      settled = mark.position
      mark = null
    }
    if (resets === resetsBefore) floor = lowest === null ? settled : least(settled, lowest - 1n)
    return true
  }

  return {
    current: () => floor,
    refresh,
    reset() {
      resets++
      floor = 0n
    },
  }
}

const refreshEveryMs = 1_000
/** So much later, if the floor stands at the last position, and nothing was appended here meanwhile. */
const restMs = 4_000

/** `appended`: rings when a commit of this process appended events. */
type Raising = { floor: Floor; leases: LeaseKeeper; setAside: SetAside; appended: Bell; log: Log }

/** Refreshes the floor until the signal. While nobody appends events, it asks for the last position now and then. */
export const raiseFloor = async (
  { floor, leases, setAside, appended, log }: Raising,
  signal: AbortSignal,
): Promise<void> => {
  while (!signal.aborted) {
    const moves = await floor
      .refresh({ except: setAside.tickers(), shards: leases.shards() })
      .catch((error: unknown) => {
        log.rarely('warn', 'floor', 'the outbox floor could not be raised', describe(error))
        return true
      })
    await sleep(refreshEveryMs, signal)
    if (!moves) await appended.wait(restMs, signal)
  }
}
