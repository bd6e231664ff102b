// The composition root: builds every part, starts them in order, and stops them in the opposite one.

import { guardOrFaults } from './access.ts'
import { createMonitor } from '../app/monitor.ts'
import { createOpenExceptions } from '../app/openExceptions.ts'
import { createRefusedWrites } from '../app/refusedWrites.ts'
import { sleep } from '../app/sleep.ts'
import { buildService, openPool } from './service.ts'
import { buildTrades } from './trades.ts'
import { keepCertificate } from './certificateWatch.ts'
import { readConfig, type Config } from '../config/config.ts'
import { topicsOf } from './contracts.ts'
import type { Env } from '../config/env.ts'
import type { Phase } from '../http/operators/health.ts'
import { createProducer } from '../kafka/client.ts'
import { createLink } from '../kafka/link.ts'
import { createRelay } from '../relay/relay.ts'
import { createSender } from '../kafka/sender.ts'
import { listen, type Listeners } from './listen.ts'
import { describe, type Log } from '../telemetry/log.ts'
import { createMetrics } from '../metrics/metrics.ts'
import type { Observers } from '../metrics/observers.ts'
import { exitOnBugs, stopOnSignals } from './process.ts'
import { awaitSchema, printFaults, startLog } from './schemaStart.ts'
import { MigrationRefused } from '../store/migrate.ts'
import { startTracing } from './tracing.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { kafkaOf } from '../config/transport.ts'
import { commit, version } from '../version.ts'

const now = (): Date => new Date()
const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

type StreamParts = { config: Config; log: Log; replicaId: string; tracing: Tracing; observers: Observers }

const buildStreams = ({ config, log, replicaId, tracing, observers }: StreamParts) => {
  const kafka = kafkaOf(config, `orders-${replicaId.slice(0, 8)}`)
  const topics = topicsOf(config)
  const pools = { relay: openPool(config, 'relay', observers), trades: openPool(config, 'trades', observers) }
  const { trades: db } = pools
  const producer = createProducer(kafka)
  const relay = createRelay({
    db: pools.relay,
    sender: createSender({ producer, topics, ceSource: config.CE_SOURCE, tracing }),
    replicaId,
    leaseTtlMs: config.RELAY_LEASE_MS,
    batchMax: config.RELAY_BATCH_MAX_EVENTS,
    inFlightMax: config.RELAY_IN_FLIGHT_MAX_EVENTS,
    ...observers.relay,
    log,
  })
  const { trades, letters } = buildTrades({ config, log, observers, tracing, kafka, producer, db, now, newId })
  const link = createLink(kafka, topics, config.KAFKA_TOPIC_PARTITIONS, log)
  const bound = { rowsMax: config.OUTBOX_MAX_ROWS, ageMaxMs: config.OUTBOX_MAX_AGE_MS }
  const monitor = createMonitor({ db, bound, floor: relay.floor, log })
  return { pools, producer, relay, trades, letters, link, monitor, openExceptions: createOpenExceptions(db) }
}

type Parts = Listeners & {
  config: Config
  log: Log
  streams: ReturnType<typeof buildStreams>
  built: ReturnType<typeof buildService>
  tracing: Tracing
  setPhase: (phase: Phase) => void
}

const runUntil = async (
  stopping: AbortSignal,
  { config, log, server, management, streams, built, tracing, setPhase }: Parts,
): Promise<void> => {
  const streaming = new AbortController()
  const watching = new AbortController()
  const relaying = streams.relay.run(streaming.signal)
  const consuming = streams.trades.run(streaming.signal)
  const watchers = [
    ...[streams.link, streams.monitor, streams.openExceptions].map((part) => part.run(watching.signal)),
    // Ends first: to renew is to listen again.
    keepCertificate(config, server, { log, signal: stopping }),
  ]
  while (!streams.monitor.state().database.up && !stopping.aborted) await sleep(10, stopping)
  setPhase('serving')
  log.info('serving', { port: server.port, version, startMs: Math.round(performance.now()) })

  await new Promise<void>((resolve) =>
    stopping.aborted ? resolve() : stopping.addEventListener('abort', () => resolve()),
  )

  setPhase('draining')
  await sleep(config.SHUTDOWN_READINESS_DELAY_MS)
  await server.stop()
  await built.service.drained()
  log.info('requests are finished')
  streaming.abort()
  await Promise.all([relaying, consuming])
  log.info('offsets are committed, leases released')
  watching.abort()
  await Promise.all(watchers)
  built.service.close()
  const pools = [...Object.values(built.pools), ...Object.values(streams.pools)]
  await Promise.all([streams.producer.close(), ...pools.map((pool) => pool.close()), tracing.stop()])
  await management?.stop()
}

/** `orders serve`. Exit codes: 0 stopped by a signal, 1 could not start or stop cleanly, 2 bad configuration. */
export const serve = async (env: Env): Promise<number> => {
  const result = readConfig(env)
  if (!result.ok) {
    printFaults(result.faults)
    return 2
  }
  const { config } = result
  const log = startLog(config)
  exitOnBugs(log)
  const guard = guardOrFaults(config, log)
  if (Array.isArray(guard)) {
    printFaults(guard)
    return 2
  }
  const stopping = new AbortController()
  stopOnSignals(log, stopping)

  let phase: Phase = 'starting'
  let startDetail = 'not reached yet'
  const { observers, page } = createMetrics()
  const replicaId = crypto.randomUUID()
  const tracing = await startTracing(config, replicaId, log)
  const streams = buildStreams({ config, log, replicaId, tracing, observers })
  const { hasRoom: accepting } = streams.monitor
  const refusedWrites = createRefusedWrites(() => performance.now())
  const onCommitted = streams.relay.ring
  const built = buildService({ config, log, observers, refusedWrites, now, newId, accepting, onCommitted })
  const { service, pools } = built
  const status = { config, streams, refusedWrites, starting: () => (phase === 'starting' ? startDetail : null) }
  const measured = { build: { version, commit }, streams, service, pools: { ...pools, ...streams.pools }, now }
  const metrics = () => page(measured)
  const observe = observers.request
  const listeners = listen({ status, service, phase: () => phase, metrics, observe, tracing, now, log }, guard)
  if (listeners === null) return 1

  try {
    await awaitSchema(config, log, { signal: stopping.signal, onFailure: (detail) => (startDetail = detail) })
  } catch (error) {
    log.error(error instanceof MigrationRefused ? error.message : 'the schema could not be prepared', describe(error))
    return 1
  }

  const deadline = new Promise<'late'>((resolve) =>
    stopping.signal.addEventListener('abort', () => setTimeout(() => resolve('late'), config.SHUTDOWN_DEADLINE_MS)),
  )
  const setPhase = (next: Phase): void => {
    phase = next
  }
  const ended = await Promise.race([
    runUntil(stopping.signal, { config, log, ...listeners, streams, built, tracing, setPhase }),
    deadline,
  ])
  if (ended === 'late') {
    log.error('the shutdown deadline passed: exiting with work under way; nothing that was answered is lost', {
      deadlineMs: config.SHUTDOWN_DEADLINE_MS,
    })
    return 1
  }
  log.info('stopped')
  return 0
}
