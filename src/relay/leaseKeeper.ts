// Keeps this replica's share of the shards: renews its leases, and hands over the shards beyond a fair share once none of their
// events is under way, so that a handover causes no repeats.

import { sleep } from '../app/sleep.ts'
import { releaseLeases, renewLeases, type SetAsideTicker } from '../store/leases.ts'
import { shardCount } from '../store/outbox.ts'
import type { Database } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'

export type LeaseKeeper = {
  /** The shards that this replica has a lease on. */
  shards: () => readonly number[]
  /** The shards that are not about to be handed over: only their events may newly be sent. */
  sendable: () => readonly number[]
  /** Whether no other replica was alive at the last renewal: none has said so for as long as a lease lasts. */
  isAlone: () => boolean
  run: (signal: AbortSignal) => Promise<void>
  release: () => Promise<void>
}

export type LeaseKeeperOptions = {
  db: Database
  replicaId: string
  /** Of this binary. */
  version: string
  /** How long a lease outlives its last renewal. */
  ttlMs: number
  /** Whether events of this shard are being read, sent or deleted. */
  isBusy: (shard: number) => boolean
  /** Whether an event of this shard cannot be deleted now: so it stays here for as long, and is sent on. */
  isHeld: (shard: number) => boolean
  /** Tickers whose events stay in the outbox: the next renewal says so to the other replicas. */
  setAside: () => readonly SetAsideTicker[]
  /** Called when shards were taken over. */
  onTaken: (shards: readonly number[]) => void
  log: Log
}

export const createLeaseKeeper = (options: LeaseKeeperOptions): LeaseKeeper => {
  const { db, replicaId, version, ttlMs, isBusy, isHeld, setAside, onTaken, log } = options
  let shards: readonly number[] = []
  let retiring: readonly number[] = []
  let quota = 0

  const renew = async (): Promise<void> => {
    const release = retiring.filter((shard) => !isBusy(shard))
    const leases = await db.run((sql) => renewLeases(sql, { replicaId, version, ttlMs, release, setAside: setAside() }))
    const taken = leases.shards.filter((shard) => !shards.includes(shard))
    if (taken.length > 0 || leases.shards.length < shards.length)
      log.info('relay leases changed', { shards: leases.shards, quota: leases.quota })
    shards = leases.shards
    quota = leases.quota
    retiring = shards.slice(quota)
    if (taken.length > 0) onTaken(taken)
  }

  return {
    shards: () => shards,
    sendable: () => shards.filter((shard) => !retiring.includes(shard) || isHeld(shard)),
    isAlone: () => quota === shardCount,
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
      shards = []
    },
  }
}
