// The composition root: creates every part, starts them in order, and stops them in the reverse order.

import { createMonitor } from '../app/monitor.ts'
import { createOpenExceptions } from '../app/openExceptions.ts'
import { createRefusedWrites } from '../app/refusedWrites.ts'
import type { Service } from '../app/service.ts'
import { sleep } from '../app/sleep.ts'
import { readConfig, type Config } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import { topicsOf } from '../config/kafkaSettings.ts'
import { kafkaOf } from '../config/transport.ts'
import type { Guard } from '../http/gates/guard.ts'
import type { Phase } from '../http/operators/health.ts'
import { createProducer } from '../kafka/client.ts'
import { createLink } from '../kafka/link.ts'
import { createSender } from '../kafka/sender.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { createRelay } from '../relay/relay.ts'
import { MigrationRefused } from '../store/migrate.ts'
import type { Pool } from '../store/sql.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { commit, version } from '../version.ts'
import { guardOrFaults } from './access.ts'
import { keepCertificate } from './certificateWatch.ts'
import { answerMaxMs, listen, type Listeners } from './listen.ts'
import { exitOnBugs, stopOnSignals } from './process.ts'
import { openPublisher } from './publisher.ts'
import { awaitSchema, printFaults, startLog } from './schemaStart.ts'
import { openPool, openService, openServicePools } from './service.ts'
import { openStreamsOver, openTail, type Streams } from './streams.ts'
import { startTracing } from './tracing.ts'
import { openTrades, type TradesParts } from './trades.ts'

const now = (): Date => new Date()
const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

/** The parts that run beside the requests: relay, trades, dead letters, watchers of Kafka and Postgres. */
type BackgroundParts = Pick<TradesParts, 'config' | 'log' | 'tracing' | 'observers' | 'onCommitted'> & {
  replicaId: string
}

const createBackground = ({ config, log, replicaId, tracing, observers, onCommitted }: BackgroundParts) => {
  const kafka = kafkaOf(config, `orders-${replicaId.slice(0, 8)}`)
  const topics = topicsOf(config)
  const own = { relay: openPool(config, 'relay', observers), trades: openPool(config, 'trades', observers) }
  const { trades: db } = own
  const producer = createProducer(kafka)
  const { publisher, ...open } = openPublisher({ config, log, observers, kafka, replicaId })
  const relay = createRelay({
    db: own.relay,
    sender: createSender({ producer, topics: topics.events, ceSource: config.CE_SOURCE, tracing }),
    replicaId,
    leaseTtlMs: config.RELAY_LEASE_MS,
    batchMax: config.RELAY_BATCH_MAX_EVENTS,
    inFlightMax: config.RELAY_IN_FLIGHT_MAX_EVENTS,
    ...observers.relay,
    log,
  })
  const { trades, letters } = openTrades({
    config,
    log,
    observers,
    tracing,
    kafka,
    producer,
    db,
    now,
    newId,
    onCommitted() {
      publisher?.ring()
      onCommitted()
    },
  })
  const link = createLink(kafka, topics, config.KAFKA_TOPIC_PARTITIONS, log)
  const bound = { rowsMax: config.OUTBOX_MAX_ROWS, ageMaxMs: config.OUTBOX_MAX_AGE_MS }
  const monitor = createMonitor({ db, bound, floor: relay.floor, log })
  const pools: Record<string, Pool> = { ...own, ...open.pools }
  const producers = [producer, ...open.producers]
  return {
    pools,
    producers,
    publisher,
    relay,
    trades,
    letters,
    link,
    monitor,
    openExceptions: createOpenExceptions(db),
  }
}

/** What is still open then, when every answer is long over, is a stream whose client does not take its end. */
const cutAfterMs = (config: Config): number =>
  Math.min(answerMaxMs(config), Math.max(0, config.SHUTDOWN_DEADLINE_MS - config.SHUTDOWN_READINESS_DELAY_MS - restMs))
/** For what comes after the requests. */
const restMs = 3_000

type Parts = Listeners & {
  config: Config
  log: Log
  background: ReturnType<typeof createBackground>
  service: Service
  streams: Streams
  servicePools: Readonly<Record<string, Pool>>
  tracing: Tracing
  setPhase: (phase: Phase) => void
}

const runUntil = async (
  stopping: AbortSignal,
  { config, log, server, management, background, service, streams, servicePools, tracing, setPhase }: Parts,
): Promise<void> => {
  const backgroundStop = new AbortController()
  const watcherStop = new AbortController()
  const relayRun = background.relay.run(backgroundStop.signal)
  const tradesRun = background.trades.run(backgroundStop.signal)
  const publisherRun = background.publisher?.run(backgroundStop.signal)
  const watchers = [
    ...[background.link, background.monitor, background.openExceptions].map((part) => part.run(watcherStop.signal)),
    // Ends with the first signal: a renewal would open the port again.
    keepCertificate(config, server, { log, signal: stopping }),
  ]
  while (!background.monitor.state().database.up && !stopping.aborted) await sleep(10, stopping)
  setPhase('serving')
  log.info('serving', { port: server.port, version, startMs: Math.round(performance.now()) })

  await new Promise<void>((resolve) =>
    stopping.aborted ? resolve() : stopping.addEventListener('abort', () => resolve()),
  )

  setPhase('draining')
  await sleep(config.SHUTDOWN_READINESS_DELAY_MS)
  const closed = server.stop(cutAfterMs(config))
  streams.end()
  await closed
  await service.drained()
  log.info('requests are finished')
  backgroundStop.abort()
  await Promise.all([relayRun, tradesRun, publisherRun])
  log.info('offsets are committed, leases released')
  watcherStop.abort()
  await Promise.all(watchers)
  service.close()
  const pools = [...Object.values(servicePools), ...Object.values(background.pools)]
  await Promise.all([
    ...background.producers.map((one) => one.close()),
    ...pools.map((pool) => pool.close()),
    tracing.stop(),
  ])
  await management?.stop()
}

type Run = { config: Config; log: Log; guard: Guard }

/** From the first signal handler to the last closed connection. Exit codes: 0 stopped by a signal, 1 could not start or stop cleanly. */
const runService = async ({ config, log, guard }: Run): Promise<number> => {
  const stopping = new AbortController()
  stopOnSignals(log, stopping)

  let phase: Phase = 'starting'
  let startDetail = 'not reached yet'
  const { observers, page } = createMetrics()
  const replicaId = crypto.randomUUID()
  const tracing = await startTracing(config, replicaId, log)
  const pools = openServicePools(config, observers)
  const { tail, pool: events } = openTail({ config, observers, lists: pools.pages, now, log })
  const background = createBackground({ config, log, replicaId, tracing, observers, onCommitted: tail.ring })
  const { hasRoom: accepting } = background.monitor
  const refusedWrites = createRefusedWrites(() => performance.now())
  const onCommitted = (): void => {
    background.relay.ring()
    background.publisher?.ring()
    tail.ring()
  }
  const servicePools = { ...pools, events }
  const service = openService({
    pools,
    config,
    log,
    observers,
    refusedWrites,
    now,
    newId,
    accepting,
    onCommitted,
  })
  const streams = openStreamsOver(tail, config, observers)
  const status = { config, background, refusedWrites, starting: () => (phase === 'starting' ? startDetail : null) }
  const metricSource = {
    build: { version, commit },
    background,
    service,
    streams: streams.streams,
    pools: { ...servicePools, ...background.pools },
    now,
  }
  const metrics = () => page(metricSource)
  const listeners = listen(
    {
      status,
      service,
      streams: streams.streams,
      openStreams: streams.openStreams,
      phase: () => phase,
      metrics,
      observe: observers.request,
      observeStream: observers.stream,
      tracing,
      now,
      log,
    },
    guard,
  )
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
  const outcome = await Promise.race([
    runUntil(stopping.signal, {
      config,
      log,
      ...listeners,
      background,
      service,
      streams,
      servicePools,
      tracing,
      setPhase,
    }),
    deadline,
  ])
  if (outcome === 'late') {
    log.error('the shutdown deadline passed: exiting with work under way; nothing that was answered is lost', {
      deadlineMs: config.SHUTDOWN_DEADLINE_MS,
    })
    return 1
  }
  log.info('stopped')
  return 0
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
  return runService({ config, log, guard })
}
