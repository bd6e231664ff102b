// The pools, and the use cases over those of the requests.

import { tellRefusals } from './app/refusals.ts'
import { createService, type Service } from './app/service.ts'
import type { Config } from './config.ts'
import { describe, type Log } from './log.ts'
import type { Observers } from './metrics/observers.ts'
import { openDatabase, type Pool } from './store/sql.ts'

const connectionsOf = (config: Config) => ({
  writes: config.DB_WRITE_CONNECTIONS,
  reads: config.DB_READ_CONNECTIONS,
  streams: config.DB_STREAM_CONNECTIONS,
})

export const openPool = (config: Config, name: keyof ReturnType<typeof connectionsOf>, observers: Observers): Pool => {
  const limits = {
    connections: connectionsOf(config)[name],
    connectTimeoutMs: config.DB_CONNECT_TIMEOUT_MS,
    lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS,
    statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
  }
  return openDatabase(config.database, limits, observers.statementFailure(name))
}

export type ServiceParts = {
  config: Config
  log: Log
  observers: Observers
  now: () => Date
  newId: (at: Date) => string
  /** See ServiceOptions. */
  accepting: (ticker: string) => boolean
  onCommitted: () => void
}

export const buildService = ({
  config,
  log,
  observers,
  ...rest
}: ServiceParts): { service: Service; pools: { writes: Pool; reads: Pool } } => {
  const pools = { writes: openPool(config, 'writes', observers), reads: openPool(config, 'reads', observers) }
  const service = createService({
    ...rest,
    ...pools,
    limits: {
      batchMax: config.BATCH_MAX_ORDERS,
      lanes: config.BATCH_LANES,
      queueMax: config.QUEUE_MAX_REQUESTS,
      deadlineMs: config.REQUEST_DEADLINE_MS,
    },
    onBug: (error) => log.error('a batch failed', describe(error)),
    onRefused: (error) =>
      log.rarely('error', 'refused', 'requests are refused: postgres cannot do them now', describe(error)),
    onBatch: observers.batch,
  })
  return { service: tellRefusals(service, observers.refusal), pools }
}
