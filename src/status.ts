// What the parts know of themselves, as health components and as metrics.

import type { Monitor } from './app/monitor.ts'
import type { Config } from './config.ts'
import type { Disposition } from './domain/leg.ts'
import type { Component } from './http/health.ts'
import type { Metric } from './http/metrics.ts'
import type { Link } from './kafka/link.ts'
import type { Relay } from './kafka/relay.ts'
import type { Trades } from './kafka/trades.ts'
import { commit, version } from './version.ts'

export type StatusSource = {
  config: Config
  streams: { monitor: Monitor; link: Link; relay: Relay; trades: Trades }
  counts: Readonly<Record<Disposition, number>>
  /** What the start waits for; null once it is over. */
  starting: () => string | null
}

const databaseOf = ({ streams, starting }: StatusSource): Component => {
  const waiting = starting()
  const { database } = streams.monitor.state()
  const up = waiting === null && database.up
  return { status: up ? 'UP' : 'DOWN', details: { detail: up ? database.detail : (waiting ?? database.detail) } }
}

const kafkaOf = ({ streams }: StatusSource): Component => {
  const link = streams.link.state()
  const { connected } = streams.trades.state()
  const { setAside } = streams.relay.state()
  const status = !link.up ? 'DOWN' : connected && setAside.length === 0 ? 'UP' : 'DEGRADED'
  return {
    status,
    details: {
      detail: link.up ? link.detail : `${link.detail}; orders are accepted, their events wait in the outbox`,
      tradesConsumer: connected ? 'connected' : 'not connected',
      tickersSetAside: setAside.length,
    },
  }
}

const outboxOf = ({ streams, config }: StatusSource): Component => {
  const { outbox, outboxFull } = streams.monitor.state()
  return {
    status: outboxFull || outbox.overdue.length > 0 ? 'DEGRADED' : 'UP',
    details: {
      detail: outboxFull
        ? 'past its bound: new orders are refused until Kafka has taken the backlog'
        : outbox.overdue.length > 0
          ? 'past its bound for some tickers: their new orders are refused until Kafka has taken their events'
          : 'within its bound',
      rows: outbox.rows,
      rowsMax: config.OUTBOX_MAX_ROWS,
      oldestAgeMs: outbox.ageMs,
      oldestAgeMaxMs: config.OUTBOX_MAX_AGE_MS,
      tickersRefused: outbox.overdue.length,
    },
  }
}

export const componentsOf = (source: StatusSource) => ({
  db: databaseOf(source),
  kafka: kafkaOf(source),
  outbox: outboxOf(source),
})

const gauge = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'gauge',
  samples: [{ value }],
})
const counter = (name: string, help: string, value: number): Metric => ({
  name,
  help,
  type: 'counter',
  samples: [{ value }],
})

export const metricsOf = (source: StatusSource): Metric[] => {
  const { monitor, link, relay, trades } = source.streams
  const { database, outbox } = monitor.state()
  const relayed = relay.state()
  const consumed = trades.state()
  return [
    {
      name: 'orders_build_info',
      help: 'Version of this binary.',
      type: 'gauge',
      samples: [{ labels: { version, commit }, value: 1 }],
    },
    gauge('orders_postgres_up', 'Whether Postgres answered last.', Number(database.up)),
    gauge('orders_kafka_up', 'Whether a broker answered last.', Number(link.state().up)),
    gauge('orders_outbox_rows', 'Events that wait to be published.', outbox.rows),
    gauge('orders_outbox_oldest_age_seconds', 'Age of the oldest event that waits.', outbox.ageMs / 1000),
    gauge('orders_outbox_refused_tickers', 'Tickers whose new orders are refused.', outbox.overdue.length),
    gauge('orders_relay_in_flight_events', 'Events being sent.', relayed.inFlight),
    gauge('orders_relay_shards', 'Shards of tickers that this replica relays.', relayed.shards),
    gauge('orders_relay_tickers_set_aside', 'Tickers whose events cannot be sent.', relayed.setAside.length),
    counter('orders_relay_published_events_total', 'Events acknowledged by the broker.', relayed.published),
    gauge('orders_trades_connected', 'Whether trades are being consumed.', Number(consumed.connected)),
    gauge('orders_trades_queued_messages', 'Trades fetched and not applied yet.', consumed.queued),
    counter('orders_trades_committed_messages_total', 'Trades whose offset was committed.', consumed.committed),
    counter(
      'orders_trades_consumer_rebuilds_total',
      'Times the consumer of trades was built again.',
      consumed.rebuilds,
    ),
    {
      name: 'orders_trade_legs_total',
      help: 'Legs of trades by what became of them.',
      type: 'counter',
      samples: Object.entries(source.counts).map(([disposition, value]) => ({ labels: { disposition }, value })),
    },
  ]
}
