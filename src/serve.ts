// The composition root: builds every part, starts them in order, and stops them in the opposite one.

import { guardOrFaults } from './access.ts'
import { createMonitor } from './app/monitor.ts'
import { createService, type Service } from './app/service.ts'
import { sleep } from './app/sleep.ts'
import { readConfig, type Config } from './config.ts'
import { contractsOf, topicsOf } from './contracts.ts'
import { dispositions, type Disposition } from './domain/leg.ts'
import type { Env } from './env.ts'
import type { Phase } from './http/health.ts'
import type { Guard } from './http/guard.ts'
import { createProducer } from './kafka/client.ts'
import { createDeadLetters } from './kafka/deadLetters.ts'
import { createLink } from './kafka/link.ts'
import { createRelay } from './kafka/relay.ts'
import { createSender } from './kafka/sender.ts'
import { createTradeBatch } from './kafka/tradeBatch.ts'
import { createTrades } from './kafka/trades.ts'
import { listenOn, type Listening } from './listen.ts'
import { describe, type Log } from './log.ts'
import { exitOnBugs, stopOnSignals } from './process.ts'
import { awaitSchema, printFaults, startLog } from './schemaStart.ts'
import { componentsOf, metricsOf, type StatusSource } from './status.ts'
import { MigrationRefused } from './store/migrate.ts'
import { openDatabase } from './store/sql.ts'
import { commit, version } from './version.ts'

const now = (): Date => new Date()
const newId = (at: Date): string => Bun.randomUUIDv7('hex', at.getTime())

const buildStreams = (config: Config, log: Log, onDisposition: (disposition: Disposition) => void) => {
  const replicaId = crypto.randomUUID()
  const kafka = {
    bootstrapServers: config.KAFKA_BOOTSTRAP_SERVERS,
    clientId: `orders-${replicaId.slice(0, 8)}`,
    requestTimeoutMs: config.KAFKA_REQUEST_TIMEOUT_MS,
  }
  const topics = topicsOf(config)
  const db = openDatabase(config.database, poolLimits(config, config.DB_STREAM_CONNECTIONS))
  const producer = createProducer(kafka)
  const relay = createRelay({
    db,
    sender: createSender(producer, topics, config.CE_SOURCE),
    replicaId,
    leaseTtlMs: config.RELAY_LEASE_MS,
    batchMax: config.RELAY_BATCH_MAX_EVENTS,
    inFlightMax: config.RELAY_IN_FLIGHT_MAX_EVENTS,
    log,
  })
  const process = createTradeBatch({
    db,
    deadLetters: createDeadLetters(producer, topics.deadLetters, { log, now }),
    unknownToDeadLetters: config.TRADE_UNKNOWN_TO_DLQ,
    onDisposition,
    log,
    now,
    newId,
  })
  const trades = createTrades({
    kafka,
    group: config.KAFKA_CONSUMER_GROUP,
    topic: topics.trades,
    process,
    batchMax: config.TRADES_BATCH_MAX_MESSAGES,
    limits: {
      lanes: config.TRADES_LANES,
      messagesMax: config.TRADES_QUEUE_MAX_MESSAGES,
      bytesMax: config.TRADES_QUEUE_MAX_BYTES,
    },
    log,
  })
  const link = createLink(kafka, topics, config.KAFKA_TOPIC_PARTITIONS, log)
  const bound = { rowsMax: config.OUTBOX_MAX_ROWS, ageMaxMs: config.OUTBOX_MAX_AGE_MS }
  const monitor = createMonitor(db, bound, log, () => relay.state().floor)
  return { db, producer, relay, trades, link, monitor }
}

const poolLimits = (config: Config, connections: number) => ({
  connections,
  connectTimeoutMs: config.DB_CONNECT_TIMEOUT_MS,
  lockTimeoutMs: config.DB_LOCK_TIMEOUT_MS,
  statementTimeoutMs: config.DB_STATEMENT_TIMEOUT_MS,
})

const buildService = (config: Config, log: Log, streams: ReturnType<typeof buildStreams>) => {
  const writes = openDatabase(config.database, poolLimits(config, config.DB_WRITE_CONNECTIONS))
  const reads = openDatabase(config.database, poolLimits(config, config.DB_READ_CONNECTIONS))
  const service = createService({
    writes,
    reads,
    now,
    newId,
    limits: {
      batchMax: config.BATCH_MAX_ORDERS,
      lanes: config.BATCH_LANES,
      queueMax: config.QUEUE_MAX_REQUESTS,
      deadlineMs: config.REQUEST_DEADLINE_MS,
    },
    accepting: streams.monitor.hasRoom,
    onCommitted: streams.relay.ring,
    onBug: (error) => log.error('a batch failed', describe(error)),
    onRefused: (error) =>
      log.rarely('error', 'refused', 'requests are refused: postgres cannot do them now', describe(error)),
  })
  return { service, closePools: () => Promise.all([writes.close(), reads.close()]) }
}

type Parts = Listening & {
  config: Config
  log: Log
  streams: ReturnType<typeof buildStreams>
  built: ReturnType<typeof buildService>
  setPhase: (phase: Phase) => void
}

const runUntil = async (
  stopping: AbortSignal,
  { config, log, server, management, streams, built, setPhase }: Parts,
): Promise<void> => {
  const streaming = new AbortController()
  const watching = new AbortController()
  const relaying = streams.relay.run(streaming.signal)
  const consuming = streams.trades.run(streaming.signal)
  const watchers = [streams.link.run(watching.signal), streams.monitor.run(watching.signal)]
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
  await Promise.all([streams.producer.close(), streams.db.close(), built.closePools()])
  await management?.stop()
}

type ListenOptions = { service: Service; guard: Guard; log: Log; phase: () => Phase }

const listen = (status: StatusSource, { service, guard, log, phase }: ListenOptions): Listening | null => {
  const { config } = status
  return listenOn(config, guard, {
    service,
    unknownFields: config.ORDERS_UNKNOWN_FIELDS,
    bodyMaxBytes: config.BODY_MAX_BYTES,
    bodyDeadlineMs: config.REQUEST_DEADLINE_MS,
    started: () => phase() !== 'starting',
    health: { phase, components: () => componentsOf(status), info: () => ({ name: 'orders', version, commit }) },
    metrics: () => metricsOf(status),
    contracts: contractsOf(config),
    log,
    observe: () => undefined,
  })
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
  const counts = Object.fromEntries(dispositions.map((disposition) => [disposition, 0])) as Record<Disposition, number>
  const streams = buildStreams(config, log, (disposition) => counts[disposition]++)
  const built = buildService(config, log, streams)
  const status = { config, streams, counts, starting: () => (phase === 'starting' ? startDetail : null) }

  const listening = listen(status, { service: built.service, guard, log, phase: () => phase })
  if (listening === null) return 1

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
    runUntil(stopping.signal, { config, log, ...listening, streams, built, setPhase }),
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
