// The lease of the replica that publishes the log. What is said twice by two replicas that both believe to have it are repeats, no more.

import { sleep } from '../app/sleep.ts'
import { releasePublicationLease, renewPublicationLease } from '../store/publication.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'

export type PublicationLeaseKeeper = {
  /** Whether the lease is ours now. */
  held: () => boolean
  /** The database's time, by its last answer and the time since. */
  time: () => Date
  run: (signal: AbortSignal) => Promise<void>
  release: () => Promise<void>
}

export type LeaseOptions = {
  db: Database
  replicaId: string
  /** How long the lease outlives its last renewal. */
  ttlMs: number
  /** Milliseconds that only go up. */
  clock: () => number
  onTaken: () => void
  log: Log
}

export const createPublicationLease = ({
  db,
  replicaId,
  ttlMs,
  clock,
  onTaken,
  log,
}: LeaseOptions): PublicationLeaseKeeper => {
  let endsAt = -Infinity
  let last = { now: new Date(0), at: 0 }
  const held = (): boolean => clock() < endsAt

  const renew = async (): Promise<void> => {
    const at = clock()
    const lease = await db.run((sql) => renewPublicationLease(sql, { replicaId, ttlMs }))
    last = { now: lease.now, at }
    const isNew = lease.held && !held()
    // From before the question: the database counts from a later moment on.
    endsAt = lease.held ? at + ttlMs : -Infinity
    if (!isNew) return
    log.info('this replica publishes the log now')
    onTaken()
  }

  return {
    held,
    time: () => new Date(last.now.getTime() + clock() - last.at),
    async run(signal) {
      while (!signal.aborted) {
        await renew().catch((error: unknown) =>
          log.rarely('warn', 'publication lease', 'the lease to publish the log could not be renewed', describe(error)),
        )
        await sleep(ttlMs / 5, signal)
      }
    },
    async release() {
      endsAt = -Infinity
      await db.run((sql) => releasePublicationLease(sql, replicaId))
    },
  }
}
