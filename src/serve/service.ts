// Opens the pools, and makes the use cases over those that serve requests.

import type { ServicePools } from '../app/batchers.ts'
import type { ExpiresAt } from '../app/expiresAt.ts'
import type { Admission } from '../app/monitor.ts'
import { observeRefusals } from '../app/refusals.ts'
import type { RefusedWrites } from '../app/refusedWrites.ts'
import type { RuleBook } from '../app/rules.ts'
import { createService, type Service } from '../app/service.ts'
import type { Config } from '../config/config.ts'
import type { Observers } from '../metrics/observers.ts'
import { openDatabase, type Pool } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'

/** Splits a setting between pools that plan once and pools that plan anew: see Plans in store/sql.ts. */
const split = (connections: number): { keys: number; sets: number } => {
  const keys = Math.ceil(connections / 2)
  return { keys, sets: connections - keys }
}

const poolsOf = (config: Config) => {
  const writes = split(config.DB_WRITE_CONNECTIONS)
  const reads = split(config.DB_READ_CONNECTIONS)
  const streams = split(config.DB_STREAM_CONNECTIONS)
  return {
    places: { plans: 'keys', connections: writes.keys },
    changes: { plans: 'sets', connections: writes.sets },
    gets: { plans: 'keys', connections: reads.keys },
    pages: { plans: 'pages', connections: reads.sets },
    relay: { plans: 'keys', connections: streams.keys },
    trades: { plans: 'sets', connections: streams.sets },
    events: { plans: 'log', connections: config.DB_EVENT_CONNECTIONS },
    // One statement at a time.
    expiry: { plans: 'pages', connections: 1 },
    sweeps: { plans: 'pages', connections: 1 },
    switches: { plans: 'keys', connections: 1 },
    // One for the lease, one for reads and places.
    publisher: { plans: 'log', connections: 2 },
    // One for what is new, two for sessions that were away.
    fix: { plans: 'log', connections: 3 },
  } as const
}

type PoolName = keyof ReturnType<typeof poolsOf>

export const openPool = (config: Config, name: PoolName, observers: Observers): Pool => {
  const limits = {
    ...poolsOf(config)[name],
    connectTimeoutMs: config.DB_CONNECT_TIMEOUT_MS,
    lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
  }
  return openDatabase(config.database, limits, observers.statementFailure(name))
}

type OpenPools = Record<keyof ServicePools, Pool>

export const openServicePools = (config: Config, observers: Observers): OpenPools => ({
  places: openPool(config, 'places', observers),
  changes: openPool(config, 'changes', observers),
  gets: openPool(config, 'gets', observers),
  pages: openPool(config, 'pages', observers),
})

export type ServiceParts = {
  pools: ServicePools
  config: Config
  log: Log
  observers: Observers
  refusedWrites: Pick<RefusedWrites, 'refuse'>
  now: () => Date
  newId: (at: Date) => string
  expiresAt: ExpiresAt
  ruleBook: RuleBook
  /** See ServiceOptions; null: there is no FIX door. */
  fixReplicaId: string | null
  /** See StopWatch. */
  mayPlaceStops: () => Promise<boolean>
  /** See OrderParts and BatchersOptions. */
  accepting: Admission
  onCommitted: () => void
}

export const openService = ({
  config,
  log,
  observers,
  refusedWrites,
  mayPlaceStops,
  fixReplicaId,
  ...rest
}: ServiceParts): Service => {
  const service = createService({
    ...rest,
    ...(fixReplicaId !== null && { fixReplicaId }),
    log,
    limits: {
      batchMax: config.BATCH_MAX_ORDERS,
      lanes: config.BATCH_LANES,
      queueMax: config.QUEUE_MAX_REQUESTS,
      deadlineMs: config.REQUEST_DEADLINE_MS,
    },
    rules: {
      features: new Set(config.ENGINE_FEATURES),
      gtdMaxDays: config.GTD_MAX_DAYS,
      rejectedPerMinuteMax: config.REJECTED_PER_MINUTE_MAX,
      mayPlaceStops,
      nowMs: () => performance.now(),
    },
    rulesLockTimeoutMs: Math.ceil(config.DB_LOCK_TIMEOUT_MS / 2),
    onBug: (error) => log.error('a batch failed', describe(error)),
    onRefused(error) {
      const fields = describe(error)
      refusedWrites.refuse(fields.error)
      log.rarely('error', 'refused', 'requests are refused: postgres cannot do them now', fields)
    },
    onBatch: observers.batch,
    onRejected: observers.onRejected,
    onCanceled: (orders) => observers.many.onCanceled('MASS_CANCELED', orders),
  })
  return observeRefusals(service, observers.refusal)
}
