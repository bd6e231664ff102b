// The composition root: creates every part, starts them in order, and stops them in the reverse order.

import { aborted, sleep } from '../app/sleep.ts'
import { readConfig, type Config } from '../config/config.ts'
import type { Env } from '../config/env.ts'
import type { Guard } from '../http/gates/guard.ts'
import type { Phase } from '../http/operators/health.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { MigrationRefused } from '../store/migrate.ts'
import { describe, type Log } from '../telemetry/log.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import { version } from '../version.ts'
import { guardOrFaults } from './access.ts'
import { keepCertificate } from './certificateWatch.ts'
import { fixSessionsOrFaults, openFixDoor, type FixDoor, type FixDoorParts } from './fix.ts'
import { answerMaxMs, listen, type Listeners } from './listen.ts'
import { createParts, newId } from './parts.ts'
import { exitOnBugs, stopOnSignals } from './process.ts'
import { awaitSchema, printFaults, startLog } from './schemaStart.ts'
import { sessionRulesOrFaults, type SessionRules } from './session.ts'
import { startTracing } from './tracing.ts'

const now = (): Date => new Date()

type Parts = Listeners &
  ReturnType<typeof createParts> & {
    config: Config
    log: Log
    tracing: Tracing
    fixDoor: FixDoor | null
    setPhase: (phase: Phase) => void
  }

/** How long the doors wait for their requests before they cut connections, in ms. Answers take less: what is cut is a stream whose client does not read. */
const cutAfterMs = (config: Config): number =>
  Math.min(answerMaxMs(config), Math.max(0, config.SHUTDOWN_DEADLINE_MS - config.SHUTDOWN_READINESS_DELAY_MS - restMs))
/** For what comes after the requests. */
const restMs = 3_000

/** Keeps the certificate of all doors, and that of the FIX door if it has one of its own. */
const keepCertificates = (
  { config, log, server, grpc, fixDoor }: Pick<Parts, 'config' | 'log' | 'server' | 'grpc' | 'fixDoor'>,
  signal: AbortSignal,
): Promise<unknown> => {
  const hasOwn = config.FIX_TLS_CERT_FILE !== undefined
  const renew: Listeners['server']['renew'] = (tls) => {
    server.renew(tls)
    grpc?.renew(tls)
    if (!hasOwn) fixDoor?.renew(tls)
  }
  const renewOwn: typeof renew = (tls) => fixDoor?.renew(tls)
  return Promise.all([
    keepCertificate(config, { name: 'SERVER_TLS', listener: { renew }, log, signal }),
    keepCertificate(config, { name: 'FIX_TLS', listener: { renew: renewOwn }, log, signal }),
  ])
}

/** Resolves once nobody is served any more. */
const closeDoors = ({ config, server, grpc, fixDoor }: Parts): Promise<unknown> => {
  const cutMs = cutAfterMs(config)
  return Promise.all([server.stop(cutMs), grpc?.stop(cutMs), fixDoor?.stop(cutMs)])
}

/** Closes what the work needed; last the port that told of it. */
const closeRest = async (parts: Parts): Promise<void> => {
  const { background, service, servicePools, fixDoor, tracing, management } = parts
  service.close()
  const pools = [servicePools, background.pools, fixDoor?.pools ?? {}].flatMap((some) => Object.values(some))
  await Promise.all([
    ...background.producers.map((one) => one.close()),
    ...pools.map((pool) => pool.close()),
    tracing.stop(),
  ])
  await management?.stop()
}

/** `failed`: the port that several processes share could not be opened. */
const runUntil = async (stopping: AbortSignal, parts: Parts): Promise<'stopped' | 'failed'> => {
  const { config, log, server, openShared, background, ruleBook, service, streams, setPhase } = parts
  const backgroundStop = new AbortController()
  const watcherStop = new AbortController()
  const stopped = aborted(stopping)
  // First, so that requests need not wait until all that follows has its connections.
  const monitorRun = background.monitor.run(watcherStop.signal)
  await Promise.race([background.monitor.reached, stopped])
  if (!stopping.aborted && !openShared()) return 'failed'
  setPhase('serving')
  log.info('serving', { port: server.port, version, startMs: Math.round(performance.now()) })

  const relayRun = background.relay.run(backgroundStop.signal)
  const tradesRun = background.trades.run(backgroundStop.signal)
  const publisherRun = background.publisher?.run(backgroundStop.signal)
  const expiryRun = background.expiry.run(backgroundStop.signal)
  const fillRun = background.keyFilling.run(backgroundStop.signal)
  const manyRun = [background.lookout, background.switches, background.sweeps].map((part) =>
    part.run(backgroundStop.signal),
  )
  const { consumer, waiting } = background.reports
  const reportsRun = [consumer, waiting].map((part) => part?.run(backgroundStop.signal))
  const watchers = [
    monitorRun,
    ...[
      background.link,
      background.furtherTopics,
      background.openExceptions,
      background.openReportExceptions,
      background.stops,
      ruleBook,
    ].map((part) => part.run(watcherStop.signal)),
    // Ends with the first signal: a renewal would open the port again.
    keepCertificates(parts, stopping),
  ]
  await stopped

  setPhase('draining')
  await sleep(config.SHUTDOWN_READINESS_DELAY_MS)
  const closed = closeDoors(parts)
  streams.end()
  await closed
  await service.drained()
  log.info('requests are finished')
  backgroundStop.abort()
  await Promise.all([relayRun, tradesRun, publisherRun, expiryRun, fillRun, ...manyRun, ...reportsRun])
  log.info('offsets are committed, leases released')
  watcherStop.abort()
  await Promise.all(watchers)
  await closeRest(parts)
  return 'stopped'
}

type Start = { stopping: AbortSignal; onFailure: (detail: string) => void }

/** `failed`: it could not start; the log says why. */
const startAndRun = async (parts: Parts, { stopping, onFailure }: Start): Promise<'stopped' | 'failed'> => {
  const { config, log } = parts
  let isPrepared: boolean
  try {
    isPrepared = await awaitSchema(config, log, { signal: stopping, onFailure })
  } catch (error) {
    log.error(error instanceof MigrationRefused ? error.message : 'the schema could not be prepared', describe(error))
    return 'failed'
  }
  if (isPrepared) return runUntil(stopping, parts)
  await closeDoors(parts)
  await closeRest(parts)
  return 'stopped'
}

/** Resolves when the time for stopping is over. */
const stoppedTooLate = async (stopping: AbortSignal, deadlineMs: number): Promise<'late'> => {
  await aborted(stopping)
  await sleep(deadlineMs)
  return 'late'
}

type Run = SessionRules & { config: Config; log: Log; guard: Guard; sessions: FixDoorParts['sessions'] }

/** From the first signal handler to the last closed connection. Exit codes: 0 stopped by a signal, 1 could not start or stop cleanly. */
const runService = async ({ config, log, guard, expiresAt, calendar, sessions }: Run): Promise<number> => {
  const stopping = new AbortController()
  stopOnSignals(log, stopping)

  let phase: Phase = 'starting'
  let startDetail = 'not reached yet'
  const meters = createMetrics()
  const replicaId = crypto.randomUUID()
  const tracing = await startTracing(config, replicaId, log)
  const starting = (): string | null => (phase === 'starting' ? startDetail : null)
  let fixDoor: FixDoor | null = null
  const watched = { starting, fixDoor: () => fixDoor }
  const parts = createParts({ config, log, replicaId, tracing, metrics: meters, now, expiresAt, ...watched })
  const { streams, openStreams } = parts.streams
  const { request: observe, stream: observeStream, grpc: observeGrpc } = meters.observers
  const { status, service, metrics } = parts
  const ports = {
    status,
    service,
    streams,
    openStreams,
    phase: () => phase,
    metrics,
    observe,
    observeStream,
    observeGrpc,
  }
  const listeners = await listen({ ...ports, tracing, now, log }, guard)
  if (listeners === null) return 1
  const ready = (): boolean => phase === 'serving'
  const { observers } = meters
  const door = await openFixDoor({ config, log, observers, service, sessions, calendar, ready, now, newId })
  if (door === 'failed') return 1
  fixDoor = door

  const setPhase = (next: Phase): void => {
    phase = next
  }
  const everything: Parts = { config, log, ...listeners, ...parts, fixDoor, tracing, setPhase }
  const outcome = await Promise.race([
    startAndRun(everything, { stopping: stopping.signal, onFailure: (detail) => (startDetail = detail) }),
    stoppedTooLate(stopping.signal, config.SHUTDOWN_DEADLINE_MS),
  ])
  if (outcome === 'late') {
    log.error('the shutdown deadline passed: exiting with work under way; nothing that was answered is lost', {
      deadlineMs: config.SHUTDOWN_DEADLINE_MS,
    })
    return 1
  }
  if (outcome === 'failed') return 1
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
  const rules = sessionRulesOrFaults(config, log)
  const sessions = await fixSessionsOrFaults(config, log)
  if (Array.isArray(guard) || Array.isArray(rules) || Array.isArray(sessions)) {
    printFaults([guard, rules, sessions].flatMap((found) => (Array.isArray(found) ? found : [])))
    return 2
  }
  return runService({ config, log, guard, ...rules, sessions })
}
