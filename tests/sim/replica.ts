// One replica of the service: its real use cases, relay, consumers and loops, wired as src/serve/serve.ts does it, on the fakes. It
// can be killed between any two events, and it can be stopped as SIGTERM stops it.

import { createExpiry } from '../../src/app/expiry.ts'
import type { Follow } from '../../src/app/follow.ts'
import { createLookout } from '../../src/app/lookout.ts'
import { createMonitor } from '../../src/app/monitor.ts'
import { createRuleBook } from '../../src/app/rules.ts'
import { createService, type Service } from '../../src/app/service.ts'
import { createSweeps } from '../../src/app/sweeps.ts'
import { createSwitches } from '../../src/app/switches.ts'
import { createWaitingReports } from '../../src/app/waitingReports.ts'
import { createConsumer } from '../../src/kafka/inbound/consumer.ts'
import { createDeadLetters } from '../../src/kafka/inbound/deadLetters.ts'
import { createReportHandler } from '../../src/kafka/reports/batch.ts'
import { createSender } from '../../src/kafka/sender.ts'
import { createBatchHandler } from '../../src/kafka/trades/batch.ts'
import { createRelay } from '../../src/relay/relay.ts'
import { raiseTapeMarks, readTapeNeed } from '../../src/store/tapeMarks.ts'
import { createTail } from '../../src/tail/tail.ts'
import type { Level, Log } from '../../src/telemetry/log.ts'
import { writeEvent } from '../../src/wire/event.ts'
import { createProducer, topics } from './kafka/broker.ts'
import { connect } from './postgres/connection.ts'
import type { Owner } from './scheduler.ts'
import { epochMs, type World } from './world.ts'

export type Replica = {
  owner: Owner
  /** Null while it is stopping: its port is closed. */
  service: () => Service | null
  follow: Follow
  /** As SIGTERM; the owner is dead once it has stopped. */
  stop: () => void
  kill: () => void
}

/** Lines that a lawful run may have, by their beginning; any other error is a broken promise. */
const expectedErrors = [
  'a trade could not be applied and is kept as an exception',
  'events of a ticker cannot be published; it is set aside',
  'dead letters cannot be written',
  'postgres is not reachable',
  'the outbox passed its bound',
  'a report of the engine is kept as an exception',
  'a dead letter cannot be written whole',
]

const createLog = (world: World): Log => {
  const at =
    (level: Level) =>
    (message: string, fields: object = {}): void => {
      world.log(`${level}: ${message} ${JSON.stringify(fields)}`)
      if (level === 'error' && !expectedErrors.some((start) => message.startsWith(start)))
        world.broken(`an error was logged: ${message} ${JSON.stringify(fields)}`)
    }
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    debugging: true,
    rarely: (level, _, message, fields) => at(level)(message, fields),
  }
}

/** No topic of the simulation loses its start, so nobody asks for kept places. */
const kept = { read: () => Promise.resolve([]), keep: () => Promise.resolve() }

/** Starts one; has to be called in an event of `owner`. `onBug`: a batch of the service failed. */
export const startReplica = (world: World, owner: Owner, onBug: (error: unknown) => void): Replica => {
  const { plan, scheduler } = world
  const random = world.random.fork()
  const skewMs = Math.round((random.next() * 2 - 1) * plan.clockSkewMaxMs)
  const now = (): Date => new Date(epochMs + Math.floor(scheduler.now()) + skewMs)
  const newId = (at: Date): string => random.uuidv7(at)
  const log = createLog(world)
  const db = connect(world, owner)
  const producer = createProducer(world, owner)
  const relay = createRelay({
    db,
    sender: createSender({
      producer,
      topics: { PLACED: topics.placed, CANCELLED: topics.cancelled },
      ceSource: '/orders',
      log,
    }),
    replicaId: newId(now()),
    version: 'test',
    leaseTtlMs: plan.leaseTtlMs,
    batchMax: plan.relayBatchMax,
    inFlightMax: plan.relayInFlightMax,
    log,
  })
  const tail = createTail({
    db: connect(world, owner),
    lanes: 2,
    lists: connect(world, owner),
    write: writeEvent,
    pollMs: 20,
    ring: { eventsMax: plan.ringEventsMax, bytesMax: 64_000_000 },
    bufferMaxBytes: plan.bufferMaxBytes,
    gatherMs: 50,
    cursorMaxAgeMs: plan.cursorMaxAgeMs,
    resumeMaxEvents: plan.resumeMaxEvents,
    now,
    log,
  })
  const handleBatch = createBatchHandler({
    db,
    looks: db,
    unknownToDeadLetters: plan.unknownToDeadLetters,
    stopToleranceMs: plan.stopToleranceMs,
    onDisposition: (disposition) => {
      world.log(`a leg is ${disposition}`)
      tail.ring()
    },
    log,
    now,
    newId,
  })
  const trades = createConsumer(
    {
      subject: 'trades',
      kafka: { bootstrapServers: [], clientId: owner.name, requestTimeoutMs: 1 },
      group: 'orders',
      topic: topics.trades,
      handleBatch,
      sendLetters: createDeadLetters(producer, topics.deadLetters, { log, now }).send,
      batchMax: plan.tradesBatchMax,
      limits: { lanes: plan.tradeLanes, messagesMax: 200, bytesMax: 1_000_000 },
      keepGap: () => Promise.reject(new Error('no message is ever deleted here')),
      kept,
      tape: {
        need: async () => (lookout.needsTape() ? db.run(readTapeNeed) : null),
        raise: (raised) => db.run((sql) => raiseTapeMarks(sql, { topic: topics.trades, ...raised })),
      },
      log,
    },
    () => world.group.connect(owner),
  )
  const onCommitted = (): void => {
    relay.ring()
    tail.ring()
  }
  const expiry = createExpiry({
    db: connect(world, owner),
    topic: topics.trades,
    settleMs: plan.settleMs,
    graceMs: plan.graceMs,
    newEventId: () => newId(now()),
    onCommitted,
    clock: () => scheduler.now(),
    log,
  })
  const waiting = createWaitingReports({
    reads: connect(world, owner),
    db: connect(world, owner),
    tradeTopic: topics.trades,
    waitMs: plan.reportWaitMs,
    now,
    newId,
    onSettled: (_, { disposition }) => world.log(`a report that waited is ${disposition}`),
    onCommitted,
    clock: () => scheduler.now(),
    log,
  })
  const reports = createConsumer(
    {
      subject: 'reports',
      kafka: { bootstrapServers: [], clientId: owner.name, requestTimeoutMs: 1 },
      group: 'orders.reports',
      topic: topics.reports,
      handleBatch: createReportHandler({
        db,
        unknownToDeadLetters: plan.unknownToDeadLetters,
        onDisposition(disposition) {
          world.log(`a report is ${disposition}`)
          onCommitted()
        },
        onException: () => undefined,
        onWaiting() {
          waiting.ring()
          lookout.ring()
        },
        log,
        now,
        newId,
      }),
      sendLetters: createDeadLetters(producer, topics.reportLetters, { log, now }).send,
      batchMax: plan.tradesBatchMax,
      limits: { lanes: 1, messagesMax: 200, bytesMax: 1_000_000 },
      keepGap: () => Promise.reject(new Error('no message is ever deleted here')),
      kept,
      log,
    },
    () => world.reportGroup.connect(owner),
  )
  const monitor = createMonitor({
    db,
    bound: { rowsMax: plan.outboxMaxRows, ageMaxMs: 900_000 },
    floor: relay.floor,
    onWaiting: relay.ring,
    log,
  })
  const ruleBook = createRuleBook({ db: connect(world, owner), features: new Set() })
  const clock = (): number => scheduler.now()
  const sweeps = createSweeps({
    db: connect(world, owner),
    replicaId: newId(now()),
    newEventId: () => newId(now()),
    onCommitted,
    clock,
    now,
    log,
  })
  const switches = createSwitches({
    db: connect(world, owner),
    onFired: (lateMs) => world.log(`a switch fired ${lateMs} ms late`),
    onSweeps: sweeps.ring,
    clock,
    log,
  })
  const lookout = createLookout({
    db: connect(world, owner),
    endsImmediate: plan.graceMs > 0,
    rings: { endings: expiry.ring, switches: switches.ring, reports: waiting.ring },
    clock,
    log,
  })
  const service = createService({
    ruleBook,
    pools: {
      places: connect(world, owner),
      changes: connect(world, owner),
      gets: connect(world, owner),
      pages: connect(world, owner),
    },
    now,
    newId,
    limits: { batchMax: plan.batchMax, lanes: plan.batchLanes, queueMax: 10_000, deadlineMs: 5_000 },
    accepting: monitor.hasRoom,
    onCommitted,
    // A session that closes so often that orders of the day see it.
    expiresAt: ({ timeInForce }, at) =>
      timeInForce === 'DAY' ? new Date(at.getTime() + Math.ceil(plan.endsWithinMs / 2)).toISOString() : null,
    onBug,
    log,
  })

  const streaming = new AbortController()
  const { signal } = streaming
  const loops = [
    relay,
    trades,
    lookout,
    expiry,
    waiting,
    ruleBook,
    sweeps,
    switches,
    ...(plan.reports > 0 ? [reports] : []),
  ]
  const running = Promise.all(loops.map((loop) => loop.run(signal)))
  void monitor.run(signal)
  let open = true

  const stop = async (): Promise<void> => {
    open = false
    tail.close()
    await service.drained()
    streaming.abort()
    await running
    service.close()
    owner.alive = false
  }

  return {
    owner,
    service: () => (open && owner.alive ? service : null),
    follow: tail,
    stop: () => void stop(),
    kill: () => (owner.alive = false),
  }
}
