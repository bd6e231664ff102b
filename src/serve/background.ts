// The parts that run beside the requests: relay, trades, dead letters, the publisher of the log, watchers of Kafka and Postgres.

import { createExpiry, type Expiry } from '../app/expiry.ts'
import { createKeyFilling } from '../app/fillKeys.ts'
import { createLookout, type Lookout } from '../app/lookout.ts'
import { createMonitor } from '../app/monitor.ts'
import { createOpenExceptions } from '../app/openExceptions.ts'
import { createStopWatch } from '../app/stopWatch.ts'
import { furtherTopicsOf, topicsOf } from '../config/kafkaSettings.ts'
import { kafkaOf } from '../config/transport.ts'
import type { BatchProducer } from '../kafka/batchProducer.ts'
import { createProducer } from '../kafka/client.ts'
import { createFurtherTopics } from '../kafka/furtherTopics.ts'
import { createLink } from '../kafka/link.ts'
import { createSender } from '../kafka/sender.ts'
import { createRelay, type Relay } from '../relay/relay.ts'
import { tradeExceptions } from '../store/exceptions.ts'
import { reportExceptions } from '../store/reportExceptions.ts'
import type { Database, Pool } from '../store/sql.ts'
import { version } from '../version.ts'
import { openPublisher } from './publisher.ts'
import { openReports } from './reports.ts'
import { openPool } from './service.ts'
import { openSweeps } from './sweeps.ts'
import { openTrades, type TradesParts } from './trades.ts'

/** `onCommitted`: called when trades were applied. */
type BackgroundParts = Pick<
  TradesParts,
  'config' | 'log' | 'tracing' | 'observers' | 'now' | 'newId' | 'onCommitted'
> & {
  replicaId: string
}

type Parts = Pick<BackgroundParts, 'config' | 'log' | 'tracing' | 'observers' | 'replicaId' | 'now' | 'newId'>

const openRelay = (
  { config, log, tracing, observers, replicaId }: Parts,
  producer: BatchProducer,
  db: Database,
): Relay =>
  createRelay({
    db,
    sender: createSender({ producer, topics: topicsOf(config).events, ceSource: config.CE_SOURCE, log, tracing }),
    replicaId,
    version,
    leaseTtlMs: config.RELAY_LEASE_MS,
    batchMax: config.RELAY_BATCH_MAX_EVENTS,
    inFlightMax: config.RELAY_IN_FLIGHT_MAX_EVENTS,
    ...observers.relay,
    log,
  })

/** How long an order that is executed at once may be open; 0: for ever, because an engine that reports ends it itself. */
const graceMsOf = (config: Parts['config']): number =>
  config.ENGINE_FEATURES.includes('reports') ? 0 : config.IMMEDIATE_GRACE_MS

const openExpiry = ({ config, log, observers, now, newId }: Parts, db: Database, onCommitted: () => void): Expiry =>
  createExpiry({
    db,
    topic: topicsOf(config).trades,
    settleMs: config.EXPIRY_SETTLE_MS,
    graceMs: graceMsOf(config),
    ...observers.endings,
    newEventId: () => newId(now()),
    onCommitted,
    clock: () => performance.now(),
    log,
  })

type Rung = Record<'expiry' | 'switches' | 'waiting', { ring: () => void }>

/** `db`: whose only other statements are as short, so that it looks in time. */
const openLookout = ({ config, log }: Parts, db: Database, { expiry, switches, waiting }: Rung): Lookout =>
  createLookout({
    db,
    endsImmediate: graceMsOf(config) > 0,
    rings: { endings: expiry.ring, switches: switches.ring, reports: waiting.ring },
    clock: () => performance.now(),
    log,
  })

/** What looks at Kafka and Postgres at a steady pace, for health, metrics and placing. */
const createWatchers = ({ config, log, kafka, db }: TradesParts, { floor, ring }: Pick<Relay, 'floor' | 'ring'>) => {
  const bound = { rowsMax: config.OUTBOX_MAX_ROWS, ageMaxMs: config.OUTBOX_MAX_AGE_MS }
  return {
    link: createLink(kafka, topicsOf(config), config.KAFKA_TOPIC_PARTITIONS, log),
    furtherTopics: createFurtherTopics(kafka, furtherTopicsOf(config), log),
    monitor: createMonitor({ db, bound, floor, onWaiting: ring, log }),
    openExceptions: createOpenExceptions(db, tradeExceptions.countOpen),
    openReportExceptions: createOpenExceptions(db, reportExceptions.countOpen),
    stops: createStopWatch({ db, clock: () => performance.now(), log }),
  }
}

export const createBackground = (parts: BackgroundParts) => {
  const { config, log, replicaId, tracing, observers, now, newId, onCommitted } = parts
  const kafka = kafkaOf(config, `orders-${replicaId.slice(0, 8)}`)
  const own = {
    relay: openPool(config, 'relay', observers),
    trades: openPool(config, 'trades', observers),
    expiry: openPool(config, 'expiry', observers),
  }
  const { trades: db } = own
  const producer = createProducer(kafka)
  const { publisher, ...open } = openPublisher({ config, log, observers, kafka, replicaId })
  const relay = openRelay(parts, producer, own.relay)
  const inbound: TradesParts = {
    config,
    log,
    observers,
    tracing,
    kafka,
    producer,
    db,
    looks: own.relay,
    now,
    newId,
    onCommitted() {
      publisher?.ring()
      onCommitted()
    },
    onEvent: relay.ring,
    needsTape: () => lookout.needsTape(),
  }
  const { trades, letters } = openTrades(inbound)
  const reports = openReports(inbound, { pages: own.expiry, onWaiting: () => lookout.ring() })
  const onEnded = (): void => {
    relay.ring()
    publisher?.ring()
    onCommitted()
  }
  const expiry = openExpiry(parts, own.expiry, onEnded)
  const keyFilling = createKeyFilling({ db: own.expiry, clock: () => performance.now(), log })
  const { sweeps, switches, pools: many } = openSweeps({ ...parts, onCommitted: onEnded })
  const lookout = openLookout(parts, many.switches, { expiry, switches, waiting: reports.waiting })
  const pools: Record<string, Pool> = { ...own, ...many, ...open.pools }
  const producers = [producer, ...open.producers]
  return {
    pools,
    producers,
    publisher,
    relay,
    trades,
    letters,
    lookout,
    expiry,
    keyFilling,
    sweeps,
    switches,
    reports,
    ...createWatchers(inbound, relay),
  }
}
