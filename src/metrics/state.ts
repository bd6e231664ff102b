// What the parts know of themselves when somebody asks, as metrics.

import type { Monitor } from '../app/monitor.ts'
import type { OpenExceptions } from '../app/openExceptions.ts'
import type { Service } from '../app/service.ts'
import type { DeadLetters } from '../kafka/trades/deadLetters.ts'
import type { Link } from '../kafka/link.ts'
import type { Relay } from '../relay/relay.ts'
import type { Trades } from '../kafka/trades/consumer.ts'
import { shardCount } from '../store/outbox.ts'
import type { Pool } from '../store/sql.ts'
import { counter, gauge, gaugeBy, type Metric } from './metric.ts'

export type StateSource = {
  build: { version: string; commit: string }
  streams: {
    monitor: Monitor
    link: Link
    relay: Relay
    trades: Trades
    letters: Pick<DeadLetters, 'state'>
    openExceptions: OpenExceptions
  }
  service: Pick<Service, 'load'>
  pools: Readonly<Record<string, Pick<Pool, 'load'>>>
  now: () => Date
}

const neighbours = ({ build, streams }: StateSource): Metric[] => [
  {
    name: 'orders_build_info',
    help: 'Version of this binary.',
    type: 'gauge',
    samples: [{ labels: build, value: 1 }],
  },
  gauge('orders_postgres_up', 'Whether Postgres answered last.', Number(streams.monitor.state().database.up)),
  gauge('orders_kafka_up', 'Whether a broker answered last.', Number(streams.link.state().up)),
]

const outbox = ({ streams }: StateSource): Metric[] => {
  const { outbox, outboxFull } = streams.monitor.state()
  return [
    gauge('orders_outbox_rows', 'Events that wait to be published.', outbox.rows),
    gauge('orders_outbox_oldest_age_seconds', 'Age of the oldest event that waits.', outbox.ageMs / 1000),
    gauge('orders_outbox_refusing', 'Whether new orders are refused: the outbox passed its bound.', Number(outboxFull)),
    gauge('orders_outbox_refused_tickers', 'Tickers whose new orders are refused.', outbox.overdue.length),
  ]
}

const relay = ({ streams }: StateSource): Metric[] => {
  const { inFlight, held, shards, setAside, published } = streams.relay.state()
  const all = Array.from({ length: shardCount }, (_, shard) => [String(shard), Number(held.includes(shard))] as const)
  return [
    gauge('orders_relay_in_flight_events', 'Events being sent.', inFlight),
    gauge('orders_relay_shards', 'Shards of tickers that this replica relays.', shards),
    gaugeBy({ name: 'orders_relay_lease_held', help: 'Whether this replica relays the shard.', label: 'shard' }, all),
    gauge('orders_relay_tickers_set_aside', 'Tickers whose events cannot be sent.', setAside.length),
    counter('orders_relay_published_events_total', 'Events acknowledged by the broker.', published),
  ]
}

const trades = ({ streams, now }: StateSource): Metric[] => {
  const { connected, queued, committed, rebuilds, lost, lag, standing } = streams.trades.state()
  const waiting = new Map(streams.letters.state().map(({ partition, letters }) => [partition, letters]))
  const at = now().getTime()
  const placed = lag.map(({ topic, partition, messages, oldestAt }) => ({
    labels: { topic, partition: String(partition) },
    messages,
    seconds: oldestAt === null ? 0 : Math.max(0, at - oldestAt) / 1000,
  }))
  return [
    gauge('orders_trades_connected', 'Whether trades are being consumed.', Number(connected)),
    gauge('orders_trades_queued_messages', 'Trades fetched and not applied yet.', queued),
    {
      name: 'orders_trades_lag_messages',
      help: 'Trades on a partition of this replica that are not disposed of.',
      type: 'gauge',
      samples: placed.map(({ labels, messages }) => ({ labels, value: messages })),
    },
    {
      name: 'orders_trades_lag_seconds',
      help: 'Age of the oldest trade that was fetched and is not disposed of; 0 where there is none.',
      type: 'gauge',
      samples: placed.map(({ labels, seconds }) => ({ labels, value: seconds })),
    },
    {
      name: 'orders_trades_still_seconds',
      help: 'For how long the committed offset of a partition has not moved though it has messages; of all partitions, whoever reads them.',
      type: 'gauge',
      samples: standing.map(({ topic, partition, stillMs }) => ({
        labels: { topic, partition: String(partition) },
        value: stillMs / 1000,
      })),
    },
    counter(
      'orders_trades_deleted_unread_messages_total',
      'Trades that were deleted from the topic before they were read.',
      lost,
    ),
    gaugeBy(
      {
        name: 'orders_dead_letters_waiting',
        help: 'Dead letters that were refused and are not written yet, by partition of the trade topic.',
        label: 'partition',
      },
      [...new Set([...standing.map(({ partition }) => partition), ...waiting.keys()])].map((partition) => [
        String(partition),
        waiting.get(partition) ?? 0,
      ]),
    ),
    counter('orders_trades_committed_messages_total', 'Trades whose offset was committed.', committed),
    counter('orders_trades_consumer_rebuilds_total', 'Times the consumer of trades was built again.', rebuilds),
    gauge(
      'orders_exceptions_open',
      'Exceptions that nobody has resolved, of the newest 10,000.',
      streams.openExceptions.count(),
    ),
  ]
}

const queues = ({ service, pools }: StateSource): Metric[] => {
  const kinds = Object.entries(service.load())
  const loads = Object.entries(pools).map(([pool, { load }]) => [pool, load()] as const)
  const byKind = { label: 'kind' }
  const byPool = { label: 'pool' }
  return [
    gaugeBy(
      { name: 'orders_batch_queued_items', help: 'Requests that wait for a transaction.', ...byKind },
      kinds.map(([kind, { queued }]) => [kind, queued]),
    ),
    gaugeBy(
      { name: 'orders_batch_running_items', help: 'Requests in a transaction.', ...byKind },
      kinds.map(([kind, { running }]) => [kind, running]),
    ),
    gaugeBy(
      { name: 'orders_db_pool_max_connections', help: 'Connections that a pool may open.', ...byPool },
      loads.map(([pool, { connections }]) => [pool, connections]),
    ),
    gaugeBy(
      { name: 'orders_db_pool_used_connections', help: 'Connections with a statement on them.', ...byPool },
      loads.map(([pool, { running }]) => [pool, running]),
    ),
    gaugeBy(
      { name: 'orders_db_pool_waiting_statements', help: 'Statements that wait for a connection.', ...byPool },
      loads.map(([pool, { waiting }]) => [pool, waiting]),
    ),
  ]
}

export const stateMetrics = (source: StateSource): Metric[] =>
  [neighbours, outbox, relay, trades, queues].flatMap((part) => part(source))
