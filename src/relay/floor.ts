// The floor under the relay's scan. Deleted events stay in the index until a vacuum, which a long reader can hold up, and a scan
// of the lowest positions would walk over all of them. Below the floor no event waits, and none can appear any more: but for events that
// were deleted in the last moments before a crash of Postgres, because the deletion does not wait for the disk. So the floor looks below
// itself now and then.

import { drawTransactionId, readLastPosition, readSettled, type FloorMark } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'

/** `except`: our tickers that are set aside, which are read by name. `shards`: ours; other replicas send the events of the others. */
export type FloorView = { except: readonly string[]; shards: readonly number[] }

export type Floor = {
  /** Events at or below this position need not be looked for. */
  current: () => bigint
  /** Raises the floor as far as it is safe, or lowers it to an event that a crash brought back. */
  refresh: (view: FloorView) => Promise<void>
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

  const refresh = async (view: FloorView): Promise<void> => {
    const resetsBefore = resets
    // The order matters: the position first, the transaction id after it, and a look at the snapshot after both.
    if (mark === null) {
      const position = await db.run(readLastPosition)
      mark = { position, xid: await db.run(drawTransactionId) }
    }
    const looksBelow = nowMs() - lookedBelowAtMs >= lookBelowEveryMs
    const { oldestXid, lowest } = await db.run((sql) => readSettled(sql, { ...view, floor: looksBelow ? 0n : floor }))
    if (looksBelow) lookedBelowAtMs = nowMs()
    if (oldestXid >= mark.xid) {
      settled = mark.position
      mark = null
    }
    if (resets === resetsBefore) floor = lowest === null ? settled : least(settled, lowest - 1n)
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
