// Creates every part of the service but its ports; nothing runs yet.

import type { ExpiresAt } from '../app/expiresAt.ts'
import { createRefusedWrites } from '../app/refusedWrites.ts'
import { createRuleBook } from '../app/rules.ts'
import type { Config } from '../config/config.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Log } from '../telemetry/log.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { commit, version } from '../version.ts'
import { createBackground } from './background.ts'
import type { FixDoor } from './fix.ts'
import { openService, openServicePools } from './service.ts'
import { openStreamsOver, openTail } from './streams.ts'

export const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

type PartsOptions = {
  config: Config
  log: Log
  replicaId: string
  tracing: Tracing
  metrics: Metrics
  now: () => Date
  expiresAt: ExpiresAt
  /** What the start waits for; null once the service has started. */
  starting: () => string | null
  /** The FIX door, once it is open; null: there is none. */
  fixDoor: () => Pick<FixDoor, 'ring' | 'state' | 'pools'> | null
}

export const createParts = (options: PartsOptions) => {
  const { config, log, replicaId, tracing, metrics, now, expiresAt, starting, fixDoor } = options
  const { observers, page } = metrics
  const pools = openServicePools(config, observers)
  const { tail, pool: events } = openTail({ config, observers, lists: pools.pages, now, log })
  const onLogged = (): void => {
    tail.ring()
    fixDoor()?.ring()
  }
  const common = { config, log, observers, now, newId }
  const background = createBackground({ ...common, replicaId, tracing, onCommitted: onLogged })
  const { hasRoom: accepting } = background.monitor
  const refusedWrites = createRefusedWrites(() => performance.now())
  const onCommitted = (): void => {
    background.relay.ring()
    background.publisher?.ring()
    onLogged()
  }
  const servicePools = { ...pools, events }
  const ruleBook = createRuleBook({
    db: pools.gets,
    features: new Set(config.ENGINE_FEATURES),
    mode: config.INSTRUMENTS,
  })
  const service = openService({
    ...common,
    pools,
    refusedWrites,
    expiresAt,
    ruleBook,
    fixReplicaId: config.FIX_PORT === 0 ? null : replicaId,
    accepting,
    mayPlaceStops: background.stops.mayPlace,
    onCommitted,
  })
  const streams = openStreamsOver(tail, config, observers)
  const status = { config, background, ruleBook, refusedWrites, starting }
  const metricSource = {
    build: { version, commit },
    background,
    ruleBook,
    service,
    streams: streams.streams,
    pools: () => ({ ...servicePools, ...background.pools, ...fixDoor()?.pools }),
    fix: () => fixDoor()?.state() ?? null,
    now,
  }
  return { background, ruleBook, service, streams, servicePools, status, metrics: () => page(metricSource) }
}
