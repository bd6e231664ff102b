// The log, page by page, to all who follow it in this replica and keep their places; see app/logPages.ts.

import type { KeptPlace, LogPages, PageFollowing, PageReader } from '../../app/logPages.ts'
import type { Database } from '../../store/sql.ts'
import type { Log } from '../../telemetry/log.ts'
import { createLanes } from '../lanes.ts'
import { createFollower, type Follower } from './follower.ts'
import { createGroupReading } from './groups.ts'
import { createSharedReader } from './shared.ts'
import { createLogSource } from './source.ts'

export type LogPagesOptions = {
  /** A pool with plans of the kind `log`. One of its connections is for the shared reader, the others are `lanes`. */
  db: Database
  lanes: number
  /** How often it looks for commits of other processes. */
  pollMs: number
  now: () => Date
  log: Log
}

/** Rows of one source in one read: of everything, and of what concerns a few. No page of a copy may have more than pageMax. */
const wholeBatchMax = 4_000
const filteredBatchMax = 500
/** Rows of each table that a read of what concerns a few looks at. */
const looksMax = 20_000
/** Events in memory for who joins: many times what happens during a read of one's own. */
const recentMax = 10_000
/** Between looks at who should keep a newer place. */
const tickMs = 1_000

export const createLogPages = ({ db, lanes, pollMs, now, log }: LogPagesOptions): LogPages => {
  const followers = new Set<Follower>()
  let tickedAt = 0
  const onLook = (): void => {
    if (performance.now() - tickedAt < tickMs) return
    tickedAt = performance.now()
    for (const follower of followers) follower.tick()
  }
  const whole = createLogSource({ db, batchMax: wholeBatchMax, looksMax, log })
  const filtered = createLogSource({ db, batchMax: filteredBatchMax, looksMax, log })
  const shared = createSharedReader({ source: whole, pollMs, eventsMax: recentMax, now, log, onLook })
  const own = createLanes(lanes, Infinity)
  const together = createGroupReading({ filtered, whole }, own)
  const parts = { source: filtered, shared, lanes: own, together, now, log }
  return {
    async follow(reader: PageReader, from: KeptPlace | null, following: PageFollowing) {
      const follower = createFollower(parts, reader, { from, ...following })
      followers.add(follower)
      try {
        await follower.run()
      } finally {
        followers.delete(follower)
      }
    },
    ring: shared.ring,
    state: () => ({
      readers: [...followers].map((follower) => follower.state()),
      obstacle: shared.fault()?.error ?? null,
    }),
  }
}
