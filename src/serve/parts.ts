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
import { openService, openServicePools } from './service.ts'
import { openStreamsOver, openTail } from './streams.ts'

const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

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
}

export const createParts = (options: PartsOptions) => {
  const { config, log, replicaId, tracing, metrics, now, expiresAt, starting } = options
  const { observers, page } = metrics
  const pools = openServicePools(config, observers)
  const { tail, pool: events } = openTail({ config, observers, lists: pools.pages, now, log })
  const background = createBackground({
    config,
    log,
    replicaId,
    tracing,
    observers,
    now,
    newId,
    onCommitted: tail.ring,
  })
  const { hasRoom: accepting } = background.monitor
  const refusedWrites = createRefusedWrites(() => performance.now())
  const onCommitted = (): void => {
    background.relay.ring()
    background.publisher?.ring()
    tail.ring()
  }
  const servicePools = { ...pools, events }
  const ruleBook = createRuleBook({
    db: pools.gets,
    features: new Set(config.ENGINE_FEATURES),
    mode: config.INSTRUMENTS,
  })
  const service = openService({
    pools,
    config,
    log,
    observers,
    refusedWrites,
    now,
    newId,
    expiresAt,
    ruleBook,
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
    pools: { ...servicePools, ...background.pools },
    fix: () => null,
    now,
  }
  return { background, ruleBook, service, streams, servicePools, status, metrics: () => page(metricSource) }
}
