// What the parts know of themselves, as components of health.

import type { Monitor } from './app/monitor.ts'
import type { Config } from './config.ts'
import type { Component } from './http/health.ts'
import type { Still } from './kafka/headway.ts'
import type { Link } from './kafka/link.ts'
import type { Relay } from './kafka/relay.ts'
import type { Trades } from './kafka/trades.ts'

export type StatusSource = {
  config: Config
  streams: { monitor: Monitor; link: Link; relay: Relay; trades: Trades }
  /** What the start waits for; null once it is over. */
  starting: () => string | null
}

const databaseOf = ({ streams, starting }: StatusSource): Component => {
  const waiting = starting()
  const { database } = streams.monitor.state()
  const up = waiting === null && database.up
  return { status: up ? 'UP' : 'DOWN', details: { detail: up ? database.detail : (waiting ?? database.detail) } }
}

const stillText = ({ partition, messages, stillMs, reason }: Still): string =>
  `partition ${partition}: ${messages} messages wait for ${Math.round(stillMs / 1000)} s: ${reason}`

const kafkaOf = ({ streams }: StatusSource): Component => {
  const link = streams.link.state()
  const { connected, still } = streams.trades.state()
  const { setAside } = streams.relay.state()
  const whole = connected && setAside.length === 0 && still.length === 0
  const status = !link.up ? 'DOWN' : whole ? 'UP' : 'DEGRADED'
  return {
    status,
    details: {
      detail: link.up ? link.detail : `${link.detail}; orders are accepted, their events wait in the outbox`,
      tradesConsumer: connected ? 'connected' : 'not connected',
      tradesStandStill: still.length === 0 ? 'no partition' : still.map(stillText).join('; '),
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
