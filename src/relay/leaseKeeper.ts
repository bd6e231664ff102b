// Keeps this replica's share of the shards: renews it, and hands over what is more than a fair share once nothing of it is
// under way, so that a handover causes no repeats.

import { sleep } from '../app/sleep.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { releaseLeases, renewLeases, type SetAsideTicker } from '../store/leases.ts'
import type { Database } from '../store/sql.ts'

export type LeaseKeeper = {
  held: () => readonly number[]
  /** Those of them that are not about to be handed over: only of these may new events be sent. */
  sendable: () => readonly number[]
  run: (signal: AbortSignal) => Promise<void>
  release: () => Promise<void>
}

export type LeaseKeeperOptions = {
  db: Database
  replicaId: string
  /** How long a lease outlives its last renewal. */
  ttlMs: number
  /** Whether events of this shard are being read, sent or deleted. */
  isBusy: (shard: number) => boolean
  /** Tickers that cannot be sent: the other replicas are told with the next renewal. */
  setAside: () => readonly SetAsideTicker[]
  /** Told when shards were taken over. */
  onTaken: (shards: readonly number[]) => void
  log: Log
}

export const createLeaseKeeper = (options: LeaseKeeperOptions): LeaseKeeper => {
  const { db, replicaId, ttlMs, isBusy, setAside, onTaken, log } = options
  let held: readonly number[] = []
  let retiring: readonly number[] = []

  const renew = async (): Promise<void> => {
    const release = retiring.filter((shard) => !isBusy(shard))
    const leases = await db.run((sql) => renewLeases(sql, { replicaId, ttlMs, release, setAside: setAside() }))
    const taken = leases.held.filter((shard) => !held.includes(shard))
    if (taken.length > 0 || leases.held.length < held.length)
      log.info('relay leases changed', { held: leases.held, quota: leases.quota })
    held = leases.held
    retiring = held.slice(leases.quota)
    if (taken.length > 0) onTaken(taken)
  }

  return {
    held: () => held,
    sendable: () => held.filter((shard) => !retiring.includes(shard)),
    async run(signal) {
      while (!signal.aborted) {
        await renew().catch((error: unknown) =>
          log.rarely('warn', 'lease renewal', 'relay leases could not be renewed', describe(error)),
        )
        await sleep(retiring.length > 0 ? ttlMs / 25 : ttlMs / 5, signal)
      }
    },
    async release() {
      await db.run((sql) => releaseLeases(sql, replicaId))
      held = []
    },
  }
}
