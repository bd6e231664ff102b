// Counts what the parts report as it happens. Each part gets a function to call, and knows nothing of metrics.

import type { BatchReport } from '../app/batcher.ts'
import type { BatchersOptions } from '../app/batchers.ts'
import type { RefusalObserver } from '../app/refusals.ts'
import {
  dispositions,
  exceptionDispositions,
  letterDispositions,
  type Disposition,
  type ExceptionDisposition,
} from '../domain/leg.ts'
import type { RequestObserver } from '../http/exchange/exchange.ts'
import type { DeadLetter } from '../kafka/inbound/deadLetters.ts'
import type { StoreFault } from '../store/faults.ts'
import { createEndings } from './endingObservers.ts'
import { createFix } from './fixObservers.ts'
import { createFollowers } from './followerObservers.ts'
import { createGrpc } from './grpcObservers.ts'
import { createCounter, createHistogram } from './instruments.ts'
import { createMany } from './manyObservers.ts'
import type { Metric } from './metric.ts'
import { createReports } from './reportObservers.ts'
import { createRules } from './ruleObservers.ts'

/** Seconds. The first three distinguish a group commit on a fast disk from one on a slow disk. */
const commitBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]
/** Seconds, up to the delays that an outage causes. */
const streamBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 900]
const sizeBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512]

/** A caller may send any other word as a method: those are counted together. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT'])
/** Stands for the route of a request that matches none, because its path may be anything that a caller makes up. */
const unmatched = 'unmatched'
/** OpenTelemetry's word for an unknown method. */
const otherMethod = '_OTHER'

const createHttp = () => {
  const duration = createHistogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long every answer took, by route, method and status. A path or method that is none has the route unmatched.',
    labels: ['http_route', 'http_request_method', 'http_response_status_code'],
    buckets: commitBuckets,
  })
  const request: RequestObserver = ({ operation, request: { method }, visit }, { status, seconds }) => {
    // A call that came through another door is counted there.
    if (visit !== null) return
    const route = operation === null ? unmatched : operation.path
    duration.of(route, methods.has(method) ? method : otherMethod, String(status)).observe(seconds)
  }
  return { request, instruments: [duration] }
}

const createBatches = () => {
  const size = createHistogram({
    name: 'orders_batch_size_items',
    help: 'How many requests or trades shared a transaction, by kind of work.',
    labels: ['kind'],
    buckets: sizeBuckets,
  })
  const wait = createHistogram({
    name: 'orders_batch_wait_duration_seconds',
    help: 'How long the first request of a batch waited for the transaction to begin.',
    labels: ['kind'],
    buckets: commitBuckets,
  })
  const commit = createHistogram({
    name: 'orders_batch_commit_duration_seconds',
    help: 'How long a batch took from the start of its transaction to its answers, retries included. The kind key is the look for an idempotency key in quotes.',
    labels: ['kind'],
    buckets: commitBuckets,
  })
  const refusals = createCounter({
    name: 'orders_refusals_total',
    help: 'Requests that were in order and were refused, by call and code.',
    labels: ['call', 'code'],
  })
  const batch: NonNullable<BatchersOptions['onBatch']> = (kind, { items, waitedMs, tookMs }) => {
    size.of(kind).observe(items)
    wait.of(kind).observe(waitedMs / 1000)
    commit.of(kind).observe(tookMs / 1000)
  }
  const inboundBatch =
    (kind: 'fill' | 'report') =>
    ({ items, tookMs }: Omit<BatchReport, 'waitedMs'>): void => {
      size.of(kind).observe(items)
      commit.of(kind).observe(tookMs / 1000)
    }
  const refusal: RefusalObserver = (call, code) => refusals.of(call, code).add()
  return {
    batch,
    fillBatch: inboundBatch('fill'),
    reportBatch: inboundBatch('report'),
    refusal,
    instruments: [size, wait, commit, refusals],
  }
}

const createKafkaStreams = () => {
  const publish = createHistogram({
    name: 'orders_relay_publish_duration_seconds',
    help: 'From the commit of an event to its acknowledgement by the broker.',
    buckets: streamBuckets,
  })
  const applied = createHistogram({
    name: 'orders_trades_apply_duration_seconds',
    help: 'From the timestamp of a trade on its topic to the disposition of its legs.',
    buckets: streamBuckets,
  })
  const legs = createCounter({
    name: 'orders_trade_legs_total',
    help: 'Legs of trades by what became of them, repeats included.',
    labels: ['disposition'],
  })
  const exceptions = createCounter({
    name: 'orders_exceptions_total',
    help: 'Legs that were kept as exceptions, each once.',
    labels: ['disposition'],
  })
  const letters = createCounter({
    name: 'orders_dead_letters_total',
    help: 'Messages sent to the dead-letter topic and acknowledged.',
    labels: ['disposition'],
  })
  // An alert on the first one needs a zero before it.
  for (const disposition of dispositions) legs.of(disposition)
  for (const disposition of exceptionDispositions) exceptions.of(disposition)
  for (const disposition of letterDispositions) letters.of(disposition)
  const published = publish.of()
  const trade = applied.of()
  return {
    published: (ageMs: number): void => published.observe(ageMs / 1000),
    applied: (ageMs: number): void => trade.observe(ageMs / 1000),
    disposition: (disposition: Disposition): void => legs.of(disposition).add(),
    exception: (disposition: ExceptionDisposition): void => exceptions.of(disposition).add(),
    letter: ({ disposition }: DeadLetter): void => letters.of(disposition).add(),
    instruments: [publish, applied, legs, exceptions, letters],
  }
}

const createStops = () => {
  const triggered = createCounter({
    name: 'orders_stops_triggered_total',
    help: 'Stops whose price was met, and that went to the engine.',
  })
  const duration = createHistogram({
    name: 'orders_stops_trigger_duration_seconds',
    help: 'From the timestamp of a trade on its topic to the commit of a stop that it triggered.',
    buckets: streamBuckets,
  })
  const [count, took] = [triggered.of(), duration.of()]
  /** `ageMs`: of the trade; null if it has no timestamp. */
  const onTriggered = (ageMs: number | null): void => {
    count.add()
    if (ageMs !== null) took.observe(ageMs / 1000)
  }
  return { onTriggered, instruments: [triggered, duration] }
}

const faults = ['data', 'contention', 'unavailable', 'unknown', 'bug'] as const satisfies readonly StoreFault[]

const createDatabase = () => {
  const failures = createCounter({
    name: 'orders_db_statement_failures_total',
    help: 'Statements that failed, by pool and fault: data (a row was refused), contention, unavailable, unknown (the answer was lost), bug.',
    labels: ['pool', 'fault'],
  })
  return {
    statementFailure: (pool: string): ((fault: StoreFault) => void) => {
      for (const fault of faults) failures.of(pool, fault)
      return (fault) => failures.of(pool, fault).add()
    },
    instruments: [failures],
  }
}

export const createObservers = () => {
  const [http, batches, streams, database] = [createHttp(), createBatches(), createKafkaStreams(), createDatabase()]
  const [followers, stops, grpc] = [createFollowers(), createStops(), createGrpc(commitBuckets)]
  const { instruments: ofReports, ...reports } = createReports()
  const { instruments: ofEndings, ...endings } = createEndings()
  const { instruments: ofMany, ...many } = createMany()
  const { instruments: ofRules, onRejected } = createRules()
  const { instruments: ofFix, ...fix } = createFix()
  const instruments = [
    ...[http, grpc, batches, streams, stops, database, followers].flatMap((part) => part.instruments),
    ...ofReports,
    ...ofEndings,
    ...ofMany,
    ...ofRules,
    ...ofFix,
  ]
  return {
    /** Called for every answer over HTTP. */
    request: http.request,
    /** Called for what happens at the gRPC door. */
    grpc: grpc.observer,
    /** Called for every stream to a client. */
    stream: followers.stream,
    /** Called for every batch of requests. */
    batch: batches.batch,
    /** Called for every refusal. */
    refusal: batches.refusal,
    /** Makes the function for a pool, which is called for every statement of it that failed. */
    statementFailure: database.statementFailure,
    relay: { onPublished: streams.published },
    /** Called for every dead letter that was sent. */
    letter: streams.letter,
    legs: { onDisposition: streams.disposition, onException: streams.exception },
    /** Called for every stop that was triggered. */
    stopTriggered: stops.onTriggered,
    endings,
    /** Called for orders that are canceled by many at a time. */
    many,
    /** Called for every order that a rule refused, with the code of the rule. */
    onRejected,
    /** Called for messages and connections of FIX. */
    fix,
    reports: { ...reports, onBatch: batches.reportBatch },
    tradeBatches: { onBatch: batches.fillBatch, onApplied: streams.applied },
    metrics: (): Metric[] => instruments.map((instrument) => instrument.metric()),
  }
}
export type Observers = ReturnType<typeof createObservers>
